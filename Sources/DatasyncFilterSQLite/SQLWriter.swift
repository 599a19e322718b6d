import DatasyncFilter
import DatasyncModel

/// Writes checked expressions as SQL. A value; used once.
///
/// A *condition* stands where null and false are the same: at the top and within AND and OR. A *value*
/// is exact: 1, 0 or NULL for conditions. What SQLite computes as we do is written as SQL, plainly
/// enough for indexes; all else calls an ``Operation``.
struct SQLWriter {
  let table: Table
  /// Microseconds since 1970 UTC.
  let now: Int64
  private var text = ""
  private var bindings: [Value] = []

  /// SQLite limits a tree to 1,000 levels, and an AND of n terms has n: longer ones are cut up.
  static let maxTerms = 32

  init(table: Table, now: Int64) {
    self.table = table
    self.now = now
  }

  var fragment: SQLFragment { SQLFragment(text: text, bindings: bindings) }

  /// A whole filter.
  mutating func whole(_ tree: Expression) {
    if SQLDepth.fits(tree) { return condition(tree) }
    // What is too deep for SQLite's parser is left to a function; what an index could serve is still
    // written out.
    guard case .and(let terms) = tree.kind else { return program(of: tree) }
    let (fitting, deep) = (terms.filter(SQLDepth.fits), terms.filter { !SQLDepth.fits($0) })
    write("(")
    for chunk in stride(from: 0, to: fitting.count, by: SQLWriter.maxTerms) {
      join(fitting[chunk..<min(chunk + SQLWriter.maxTerms, fitting.count)], with: " AND ") {
        $0.condition($1)
      }
      write(" AND ")
    }
    program(
      of: deep.count == 1
        ? deep[0] : Expression(kind: .and(deep), type: .bool, position: tree.position))
    write(")")
  }

  private mutating func program(of tree: Expression) {
    let columns = tree.columns.sorted()
    write("\(FilterProgram.function.name)(")
    bind(.string(ProgramText.of(tree, columns: columns, types: columns.map(columnType))))
    write(", ")
    bind(.timestamp(now))
    for column in columns {
      write(", ")
      storedColumn(column)
    }
    write(")")
  }

  private func columnType(_ column: Int) -> ColumnType { table.columns[column].type }

  // MARK: - Pieces

  mutating func write(_ piece: String) {
    text += piece
  }

  mutating func bind(_ value: Value) {
    text += "?"
    bindings.append(value)
  }

  mutating func bindList(_ values: [Value]) {
    write("(")
    for (index, value) in values.enumerated() {
      if index > 0 { write(", ") }
      bind(value)
    }
    write(")")
  }

  /// The column, quoted.
  mutating func name(_ column: Int) {
    write(table.columns[column].name.quotedIdentifier)
  }

  mutating func call(_ operation: Operation, _ argument: (inout SQLWriter) -> Void) {
    write("\(operation.sqlName)(")
    argument(&self)
    write(")")
  }

  // MARK: - Conditions

  /// True exactly where the expression is; false or NULL elsewhere.
  mutating func condition(_ expression: Expression) {
    switch expression.kind {
    case .and(let terms):
      join(terms[...], with: " AND ") { $0.condition($1) }
    case .or(let terms):
      join(terms[...], with: " OR ") { $0.condition($1) }
    case .comparison(let comparison, let left, let right, let domain):
      write("(")
      self.comparison(comparison, left, right, domain)
      write(")")
    case .membership(let operand, let constants, let orNull, let domain):
      write("(")
      membership(operand, constants, orNull: orNull, domain)
      write(")")
    case .memberOf(let operand, let set, let domain):
      write("(")
      memberOf(operand, set, domain)
      write(")")
    case .column(let column):
      flag(column, is: true)
    case .not(let operand):
      if let column = operand.column { flag(column, is: false) } else { value(expression) }
    case .literal, .now, .call, .isNull:
      value(expression)
    }
  }

  /// A BOOLEAN column that is a condition by itself, so that an index serves it.
  private mutating func flag(_ column: Int, is wanted: Bool) {
    write("(")
    if wanted { name(column) } else { unread(column) }
    write(" IS ")
    bind(.bool(wanted))
    write(")")
  }

  mutating func join<Term>(
    _ terms: ArraySlice<Term>, with separator: String, _ body: (inout SQLWriter, Term) -> Void
  ) {
    write("(")
    if terms.count > SQLWriter.maxTerms {
      let size = max(
        SQLWriter.maxTerms, (terms.count + SQLWriter.maxTerms - 1) / SQLWriter.maxTerms)
      var start = terms.startIndex
      while start < terms.endIndex {
        if start > terms.startIndex { write(separator) }
        let end = min(start + size, terms.endIndex)
        join(terms[start..<end], with: separator, body)
        start = end
      }
    } else {
      for (index, term) in terms.enumerated() {
        if index > 0 { write(separator) }
        body(&self, term)
      }
    }
    write(")")
  }

  // MARK: - Values

  /// What cannot be read is null. The plain column is asked as well, so that an index serves where it
  /// can.
  private mutating func isNull(_ operand: Expression, negated: Bool) {
    write("(")
    if let column = operand.column, !isAlwaysReadable(column) {
      unread(column)
      write(negated ? " IS NOT NULL AND " : " IS NULL OR ")
      storedColumn(column)
    } else if let column = operand.column {
      unread(column)
    } else {
      value(operand)
    }
    write(negated ? " IS NOT NULL)" : " IS NULL)")
  }

  /// The expression's value, null as NULL.
  mutating func value(_ expression: Expression) {
    switch expression.kind {
    case .literal(let operand): bind(operand.value)
    case .column(let column): storedColumn(column)
    case .now: bind(.timestamp(now))
    case .call(let operation, let arguments):
      write("\(operation.sqlName)(")
      for (index, argument) in arguments.enumerated() {
        if index > 0 { write(", ") }
        if let column = argument.column {
          storedColumn(column, readAs: operation.parameters[index])
        } else {
          value(argument)
        }
      }
      write(")")
    case .comparison(let comparison, let left, let right, let domain):
      write("((")
      self.comparison(comparison, left, right, domain)
      write(") IS TRUE)")
    case .membership(let operand, let constants, let orNull, let domain):
      write("((")
      membership(operand, constants, orNull: orNull, domain)
      write(") IS TRUE)")
    case .memberOf(let operand, let set, let domain):
      write("((")
      memberOf(operand, set, domain)
      write(") IS TRUE)")
    case .isNull(let operand, let negated):
      isNull(operand, negated: negated)
    case .and(let terms):
      join(terms[...], with: " AND ") { $0.value($1) }
    case .or(let terms):
      join(terms[...], with: " OR ") { $0.value($1) }
    case .not(let operand):
      write("(NOT ")
      value(operand)
      write(")")
    }
  }
}
