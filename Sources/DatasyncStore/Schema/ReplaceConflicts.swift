import DatasyncFilterSQLite
/// The rows that a REPLACE may remove, as the triggers of a table within find them before it does: no
/// trigger fires for such a row. A value.
struct ReplaceConflicts: Sendable {
  /// A unique index besides the key's. A value.
  struct Index {
    let name: String
    /// nil: an expression.
    let columns: [String?]
    let collations: [String]
    let text: CreateIndexText
  }

  /// What a row and the NEW one have in common where a unique index holds no two such; in SQL.
  private(set) var conditions: [String] = []
  /// Why the rows of some index cannot be found; nil: all can.
  private(set) var obstacle: String?

  /// Whether an index is one on an expression.
  let hasExpressions: Bool

  private let columns: [RawTable.Column]
  private let text: CreateTableText

  init(_ indexes: [Index], columns: [RawTable.Column], text: CreateTableText) {
    self.columns = columns
    self.text = text
    hasExpressions = indexes.contains { $0.columns.contains { $0 == nil } }
    for index in indexes {
      if let condition = condition(index) {
        conditions.append(condition)
      } else if obstacle == nil {
        obstacle =
          "the rows that a REPLACE removes by its unique index \(index.name) cannot be found"
      }
    }
  }

  /// Takes a condition that SQLite cannot carry out for an obstacle.
  mutating func refuse(_ reason: String) {
    conditions = []
    obstacle = reason
  }

  /// What a column of the NEW row will hold. Before an insert and an update it is what was given, but
  /// REPLACE makes its default of a NULL that must not be one.
  ///
  /// - Returns: nil where that cannot be told.
  static func new(_ column: RawTable.Column) -> String? {
    let name = "NEW.\(column.name.quotedIdentifier)"
    guard column.isNotNull, let sql = column.defaultSQL else { return name }
    return DefaultReader.isLiteral(sql) ? "coalesce(\(name), \(sql))" : nil
  }

  private func condition(_ index: Index) -> String? {
    var parts: [String] = []
    let isPlain = !index.columns.contains { $0 == nil }
    guard !index.columns.isEmpty, isPlain || index.text.terms.count == index.columns.count else {
      return nil
    }
    for (position, name) in index.columns.enumerated() {
      let named = index.collations[position]
      let collation = ProtobufName.isIdentifier(named) ? named : named.quotedIdentifier
      if let name {
        guard let column = columns.first(where: { $0.name == name }), let new = new(column) else {
          return nil
        }
        parts.append("\(name.quotedIdentifier) = \(new) COLLATE \(collation)")
      } else {
        let term = index.text.terms[position]
        guard let text = index.text.text(term), let row = newRow(term) else { return nil }
        parts.append("(\(text)) = (SELECT \(text) FROM (\(row))) COLLATE \(collation)")
      }
    }
    // A partial index is searched only where it is said that the row is in it.
    if !isPlain, let predicate = index.text.predicate { parts.append("(\(predicate))") }
    return parts.joined(separator: " AND ")
  }

  private func new(_ column: RawTable.Column) -> String? {
    // Before REPLACE has made defaults of NULLs, what is generated of them is something else.
    guard column.isGenerated else { return ReplaceConflicts.new(column) }
    let sources = self.sources(of: column)
    let mayChange = columns.contains {
      $0.isNotNull && $0.defaultSQL != nil && sources.contains($0.name.asciiLowercased)
    }
    return mayChange ? nil : ReplaceConflicts.new(column)
  }

  /// The columns of which a generated one is made, also by way of others.
  private func sources(of column: RawTable.Column) -> Set<String> {
    var found: Set<String> = []
    var next: Set = [column.name.asciiLowercased]
    while let name = next.popFirst() {
      let new = (text.namedColumns[name] ?? []).subtracting(found)
      found.formUnion(new)
      next.formUnion(new)
    }
    return found
  }

  /// The columns of the NEW row that an expression names, under their names. No others: a trigger keeps
  /// the columns that it names from being dropped, as the index does.
  private func newRow(_ expression: [SQLToken]) -> String? {
    let names = Set(
      expression.filter { [.word, .quotedName].contains($0.kind) }.map(\.text.asciiLowercased))
    var list: [String] = []
    for column in columns where names.contains(column.name.asciiLowercased) {
      guard let new = new(column) else { return nil }
      list.append("\(new) AS \(column.name.quotedIdentifier)")
    }
    return "SELECT \(list.isEmpty ? "NULL" : list.joined(separator: ", "))"
  }
}
