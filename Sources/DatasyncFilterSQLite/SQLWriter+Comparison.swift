import DatasyncFilter
import DatasyncModel

extension SQLWriter {
  /// True exactly where the comparison holds; false or NULL elsewhere. Without parentheses.
  mutating func comparison(
    _ comparison: ComparisonOperator, _ left: Expression, _ right: Expression,
    _ domain: ComparisonDomain
  ) {
    if domain == .stored {
      if let column = left.timestampColumn(in: table), let moment = moment(right) {
        return timestamp(column, comparison, moment)
      }
      if let column = right.timestampColumn(in: table), let moment = moment(left) {
        return timestamp(column, comparison.mirrored, moment)
      }
      if let column = left.column, let constant = right.literal,
        forms(column, comparison, constant)
      {
        return
      }
      if let column = right.column, let constant = left.literal,
        forms(column, comparison.mirrored, constant)
      {
        return
      }
    }
    if case .rank(let declared) = domain {
      if let column = left.column, let constant = right.literal {
        return rank(column, comparison, constant, declared)
      }
      if let column = right.column, let constant = left.literal {
        return rank(column, comparison.mirrored, constant, declared)
      }
    }
    let includesEqual = comparison == .ge || comparison == .le
    guard includesEqual, left.mayBeNull(in: table), right.mayBeNull(in: table) else {
      comparable(left, domain)
      write(comparison.sqlOperator)
      return comparable(right, domain)
    }
    // Two nulls are equal. The operands are written once, however large they are.
    write("\(Operation.compare.sqlName)(")
    comparable(left, domain)
    write(", ")
    comparable(right, domain)
    write(comparison == .ge ? ") >= 0" : ") <= 0")
  }

  /// True exactly where the operand is in the list; false or NULL elsewhere. Without parentheses.
  mutating func membership(
    _ operand: Expression, _ constants: [Operand], orNull: Bool, _ domain: ComparisonDomain
  ) {
    if constants.isEmpty {
      value(operand)
      return write(orNull ? " IS NULL" : " IS NULL AND 0")
    }
    let values = constants.map { $0.comparableValue(domain) }
    if orNull {
      write("coalesce(")
      comparable(operand, domain)
      write(" IN ")
      bindList(values)
      return write(", 1)")
    }
    if let column = operand.timestampColumn(in: table) {
      name(column)
      write(" IN ")
      bindList(values)
      return orText(column) {
        $0.bindList(values)
      } operator: {
        " IN "
      }
    }
    if let column = operand.column, domain == .stored, forms(column, in: constants) { return }
    comparable(operand, domain)
    write(" IN ")
    bindList(values)
  }

  // MARK: - Operands

  /// The operand in a form that SQLite compares as the domain says.
  private mutating func comparable(_ expression: Expression, _ domain: ComparisonDomain) {
    if let constant = expression.literal { return bind(constant.comparableValue(domain)) }
    switch domain {
    case .decimal:
      call(.decimalKey) { $0.value(expression) }
    case .rank(let declared):
      guard let column = expression.column else { return value(expression) }
      rank(of: column, declared)
    case .stored:
      if let column = expression.timestampColumn(in: table) {
        call(.timestamp) { $0.name(column) }
      } else if expression.column != nil, expression.type.isText {
        // The table may have given the column another collation.
        value(expression)
        write(" COLLATE BINARY")
      } else {
        value(expression)
      }
    }
  }

  // MARK: - Enumerations

  /// The place of a column's value in its declared order, from 0; NULL where it is not declared.
  mutating func rank(of column: Int, _ declared: [String]) {
    write("CASE ")
    name(column)
    write(" COLLATE BINARY")
    for (rank, value) in declared.enumerated() {
      write(" WHEN ")
      bind(.string(value))
      write(" THEN ")
      bind(.int64(Int64(rank)))
    }
    write(" END")
  }

  /// A comparison by declared order is one with the values before or after.
  private mutating func rank(
    _ column: Int, _ comparison: ComparisonOperator, _ constant: Operand, _ declared: [String]
  ) {
    guard case .string(let text) = constant,
      let rank = declared.firstIndex(where: { TextOrder.areEqual($0, text) })
    else { return write("0") }
    let values = declared.enumerated().filter { index, _ in
      comparison.holds(Operand.order(index, rank))
    }
    guard !values.isEmpty else { return write("0") }
    name(column)
    write(" COLLATE BINARY IN ")
    bindList(values.map { .string($0.element) })
  }

  // MARK: - Timestamps

  private func moment(_ expression: Expression) -> Int64? {
    switch expression.kind {
    case .literal(.timestamp(let moment)): moment
    case .now: now
    default: nil
    }
  }

  /// A column that holds integers, but may hold text that others wrote. SQLite puts all text after
  /// all integers, so a range over the integers is one that an index serves.
  private mutating func timestamp(
    _ column: Int, _ comparison: ComparisonOperator, _ moment: Int64
  ) {
    switch comparison {
    case .gt, .ge:
      name(column)
      write(comparison.sqlOperator)
      bind(.timestamp(moment))
      write(" AND ")
      call(.timestamp) { $0.name(column) }
      write(comparison.sqlOperator)
      bind(.timestamp(moment))
    case .lt, .le, .eq:
      integerMoment(column, comparison, moment)
      orText(column) {
        $0.bind(.timestamp(moment))
      } operator: {
        comparison.sqlOperator
      }
    case .ne:
      call(.timestamp) { $0.name(column) }
      write(comparison.sqlOperator)
      bind(.timestamp(moment))
    }
  }

  /// Only whole microseconds within the years that a timestamp has are moments.
  private mutating func integerMoment(
    _ column: Int, _ comparison: ComparisonOperator, _ moment: Int64
  ) {
    if comparison != .eq { write("(") }
    name(column)
    write(comparison.sqlOperator)
    bind(.timestamp(moment))
    guard comparison != .eq else { return }
    write(" AND ")
    call(.timestamp) { $0.name(column) }
    write(" IS NOT NULL)")
  }

  private mutating func orText(
    _ column: Int, _ right: (inout SQLWriter) -> Void, operator symbol: () -> String
  ) {
    write(" OR (")
    name(column)
    write(" >= ")
    bind(.string(""))
    write(" AND ")
    call(.timestamp) { $0.name(column) }
    write(symbol())
    right(&self)
    write(")")
  }
}

extension ComparisonOperator {
  /// With spaces. `IS` takes null for a value, as `eq` does.
  var sqlOperator: String {
    switch self {
    case .eq: " IS "
    case .ne: " IS NOT "
    case .gt: " > "
    case .ge: " >= "
    case .lt: " < "
    case .le: " <= "
    }
  }
}

extension Expression {
  fileprivate func timestampColumn(in table: Table) -> Int? {
    guard let column, table.columns[column].type == .timestamp else { return nil }
    return column
  }

  fileprivate func mayBeNull(in table: Table) -> Bool {
    switch kind {
    case .literal(let operand): operand.isNull
    case .now: false
    default: true
    }
  }
}

extension ExpressionType {
  /// Whether SQLite stores it as text.
  var isText: Bool {
    switch self {
    case .string, .date, .timeOfDay, .uuid, .enumeration: true
    case .null, .bool, .int64, .double, .decimal, .bytes, .timestamp: false
    }
  }
}

extension Operand {
  /// As a domain compares it in SQLite.
  fileprivate func comparableValue(_ domain: ComparisonDomain) -> Value {
    switch (domain, self) {
    case (.decimal, .decimal(let value)): .bytes(value.sortKey)
    case (.decimal, .int64(let value)): .bytes(Decimal(value).sortKey)
    case (.rank(let declared), .string(let text)):
      declared.firstIndex { TextOrder.areEqual($0, text) }.map { .int64(Int64($0)) } ?? .null
    default: value
    }
  }
}
