import DatasyncFilter
import DatasyncModel

/// Other programs write values in forms of their own: UUIDs in upper case, `02:14` for a time, text
/// where a blob belongs, or what does not fit at all. A value is read in one form, and one that does
/// not fit its column as null; SQL has to take it for the same.
extension SQLWriter {
  /// A column's value in the form in which it is read; NULL where it does not fit.
  mutating func storedColumn(_ column: Int) {
    switch form(of: column) {
    case .key:
      name(column)
    case .deleted:
      // A row that another program has just inserted; it is adopted as not deleted.
      write("coalesce(")
      name(column)
      write(", ")
      bind(.bool(false))
      write(")")
    case .flag:
      caseWhen(column) { $0.write(" IN (0, 1)") }
    case .integer:
      write("CASE typeof(")
      name(column)
      write(") WHEN ")
      bind(.string("integer"))
      write(" THEN ")
      name(column)
      write(" END")
    case .double:
      caseWhen(column) { $0.finite() }
    case .read(let operation):
      call(operation) { $0.name(column) }
    case .bytes:
      write("CASE WHEN ")
      name(column)
      write(" >= ")
      bind(.string(""))
      write(" THEN CAST(")
      name(column)
      write(" AS BLOB) END")
    case .looseJSON:
      // Not a blob: those come after all else.
      write("\(Operation.jsonOfText.sqlName)(CASE WHEN ")
      name(column)
      write(" < ")
      bind(.bytes([]))
      write(" THEN CAST(")
      name(column)
      write(" AS TEXT) END)")
    case .choice(let declared):
      caseWhen(column) { writer in
        writer.write(" COLLATE BINARY IN ")
        writer.bindList(declared.map { .string($0) })
      }
    }
  }

  /// The same as an argument of an operation, which itself takes what does not fit for null.
  mutating func storedColumn(_ column: Int, readAs kind: OperandKind) {
    switch (table.columns[column].type, kind) {
    case (.int64, .int64), (.double, .double), (.string, .string), (.timestamp, .timestamp):
      name(column)
    default:
      storedColumn(column)
    }
  }

  /// The column as it is stored, for what an index is to serve: null exactly where nothing is.
  mutating func unread(_ column: Int) {
    if isUnadoptedFlag(column) { storedColumn(column) } else { name(column) }
  }

  /// Whether whatever is stored in a column can be read.
  func isAlwaysReadable(_ column: Int) -> Bool { isKey(column) || isUnadoptedFlag(column) }

  private func isKey(_ column: Int) -> Bool { column == SystemColumn.key.rawValue }

  /// Whether null in it means false.
  private func isUnadoptedFlag(_ column: Int) -> Bool {
    column == SystemColumn.deleted.rawValue && table.columns[column].isNullable
  }

  private mutating func caseWhen(_ column: Int, _ condition: (inout SQLWriter) -> Void) {
    write("CASE WHEN ")
    name(column)
    condition(&self)
    write(" THEN ")
    name(column)
    write(" END")
  }

  /// That what stands before is a number, and no infinity.
  private mutating func finite() {
    write(" BETWEEN ")
    bind(.double(-.greatestFiniteMagnitude))
    write(" AND ")
    bind(.double(.greatestFiniteMagnitude))
  }

  private enum StoredForm {
    case key, deleted, flag, integer, double, bytes, looseJSON
    /// As an operation reads it.
    case read(Operation)
    case choice([String])
  }

  private func form(of column: Int) -> StoredForm {
    // Keys are told apart as they are stored.
    if isKey(column) { return .key }
    if isUnadoptedFlag(column) { return .deleted }
    return switch table.columns[column].type {
    case .bool: .flag
    case .int64: .integer
    case .double: .double
    case .string: .read(.text_)
    case .bytes: .bytes
    case .timestamp: .read(.timestamp)
    case .date: .read(.dateOfText)
    case .timeOfDay: .read(.timeOfText)
    case .decimal: .read(.decimalOfColumn)
    case .uuid: .read(.uuidOfText)
    case .json(asWritten: true): .read(.jsonOfText)
    case .json(asWritten: false): .looseJSON
    case .enumeration(let declared): .choice(declared)
    }
  }

  // MARK: - Comparing with constants

  /// Writes a comparison that an index can serve.
  ///
  /// - Returns: Whether it did; otherwise the column is to be compared in its one form.
  mutating func forms(
    _ column: Int, _ comparison: ComparisonOperator, _ constant: Operand
  ) -> Bool {
    let isEquality = comparison == .eq || comparison == .ne
    switch (table.columns[column].type, constant) {
    case (.timeOfDay, .string(let time)):
      self.time(column, comparison, TimeForms(time))
    case (.uuid, _), (.bytes, _), (.json(asWritten: true), _):
      guard isEquality, !isKey(column) else { return false }
      if comparison == .ne { write("(") }
      guard forms(column, in: [constant]) else { return false }
      if comparison == .ne { write(") IS NOT TRUE") }
    case (.bool, _) where !isEquality || isUnadoptedFlag(column):
      return false
    case (.int64, .double) where isEquality:
      // A double that another program stored equals the constant, and yet does not fit.
      if comparison == .ne { write("(") }
      plain(column)
      write(ComparisonOperator.eq.sqlOperator)
      bind(constant.value)
      andFits(column)
      if comparison == .ne { write(") IS NOT TRUE") }
    case (.bool, _), (.int64, _), (.double, _), (.string, _), (.date, _), (.enumeration, _):
      plain(column)
      write(comparison.sqlOperator)
      bind(constant.value)
      // What does not fit equals no constant, but may well be greater or less than it.
      if !isEquality { andFits(column) }
    case (.timestamp, _), (.decimal, _), (.timeOfDay, _), (.json, _):
      return false
    }
    return true
  }

  /// Writes a membership that an index can serve, as ``forms(_:_:_:)`` does.
  mutating func forms(_ column: Int, in constants: [Operand]) -> Bool {
    let type = table.columns[column].type
    // SQLite takes a list of one for "=", and then the constant for the column in all that stands
    // beside it: a double where a whole number is stored. It does not do so for IS.
    if constants.count == 1, !type.isReadInForms { return forms(column, .eq, constants[0]) }
    switch type {
    case .uuid where !isKey(column):
      uuids(column, constants.compactMap { if case .string(let text) = $0 { text } else { nil } })
      return true
    case .timestamp, .decimal:
      return false
    case .bytes:
      blobs(column, constants.map(\.value))
    case .timeOfDay:
      list(column, constants.flatMap(\.timeForms))
    case .json(asWritten: true):
      list(column, constants.map(\.value))
      andFits(column)
    case .json:
      return false
    case .bool where isUnadoptedFlag(column):
      return false
    case .int64:
      list(column, constants.map(\.value))
      // As for a comparison with one.
      if constants.contains(where: \.isDouble) { andFits(column) }
    case .bool, .double, .string, .date, .uuid, .enumeration:
      list(column, constants.map(\.value))
    }
    return true
  }

  private mutating func list(_ column: Int, _ values: [Value]) {
    plain(column)
    write(" IN ")
    bindList(values)
  }

  /// Blobs, and the texts that read as the same.
  private mutating func blobs(_ column: Int, _ blobs: [Value]) {
    name(column)
    write(" COLLATE BINARY IN (")
    for (index, blob) in blobs.enumerated() {
      write(index > 0 ? ", " : "")
      bind(blob)
      write(", CAST(")
      bind(blob)
      write(" AS TEXT)")
    }
    write(")")
  }

  /// As it is stored, and compared by bytes where it is text: the table may have given the column
  /// another collation.
  private mutating func plain(_ column: Int) {
    name(column)
    switch table.columns[column].type {
    case .bool, .int64, .double, .timestamp, .decimal: break
    case .string, .bytes, .date, .timeOfDay, .uuid, .json, .enumeration: write(" COLLATE BINARY")
    }
  }

  /// That the value fits its column: asked last, of those rows alone for which all else is true.
  private mutating func andFits(_ column: Int) {
    switch form(of: column) {
    case .key, .deleted, .flag: return
    case .integer, .double, .read, .bytes, .looseJSON, .choice:
      write(" AND ")
      storedColumn(column)
      write(" IS NOT NULL")
    }
  }

  /// The forms of one time lie together, and those of others before or after all of them.
  private mutating func time(_ column: Int, _ comparison: ComparisonOperator, _ forms: TimeForms) {
    func bound(_ writer: inout SQLWriter, _ symbol: String, _ form: String) {
      writer.name(column)
      writer.write(" COLLATE BINARY \(symbol) ")
      writer.bind(.string(form))
    }
    switch comparison {
    case .eq, .ne:
      write("(")
      bound(&self, ">=", forms.shortest)
      write(" AND ")
      bound(&self, "<=", forms.longest)
      andFits(column)
      write(comparison == .eq ? ")" : ") IS NOT TRUE")
      return
    case .gt: bound(&self, ">", forms.longest)
    case .ge: bound(&self, ">=", forms.shortest)
    case .lt: bound(&self, "<", forms.shortest)
    case .le: bound(&self, "<=", forms.longest)
    }
    andFits(column)
  }

  // MARK: - UUIDs

  /// Any mixture of cases: they all lie between the one in upper case and the one in lower case. Many
  /// others may lie there too, so the range is split at the first letters.
  private mutating func uuids(_ column: Int, _ uuids: [String]) {
    guard !uuids.isEmpty else { return write("0") }
    guard let letters = UUIDRange.letters(for: uuids.count) else {
      storedColumn(column)
      write(" IN ")
      return bindList(uuids.map { .string($0) })
    }
    let ranges = uuids.flatMap { UUIDRange.all(of: $0, splitAt: letters) }
    join(ranges[...], with: " OR ") { writer, range in
      writer.write("(")
      for (symbol, bound) in [(">=", range.first), ("<=", range.last)] {
        // SQLite would take a range for much of the table, and several for more than all of it.
        writer.write("likelihood(")
        writer.name(column)
        writer.write(" COLLATE BINARY \(symbol) ")
        writer.bind(.string(bound))
        writer.write(", 0.001) AND ")
      }
      writer.storedColumn(column)
      writer.write(" IS ")
      writer.bind(.string(range.uuid))
      writer.write(")")
    }
  }
}

extension ColumnType {
  /// Whether one value may be stored in several forms.
  fileprivate var isReadInForms: Bool {
    switch self {
    case .uuid, .bytes, .json, .timeOfDay, .timestamp, .decimal: true
    case .bool, .int64, .double, .string, .date, .enumeration: false
    }
  }
}

extension Operand {
  fileprivate var isDouble: Bool {
    if case .double = self { true } else { false }
  }

  fileprivate var timeForms: [Value] {
    guard case .string(let time) = self else { return [] }
    return TimeForms(time).all.map { .string($0) }
  }
}
