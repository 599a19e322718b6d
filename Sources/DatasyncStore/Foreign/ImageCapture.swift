import DatasyncFilterSQLite
import DatasyncModel

/// The triggers of a table within.
///
/// Each notes the keys of the rows that are about to change, with the rows as they are before, in
/// `datasync_foreign`; the first note of a key counts. A row's columns are packed into one text,
/// `1='k',6=12`, because a fixed list of columns would forbid ALTER TABLE DROP COLUMN: a column that
/// is gone resolves to the NULL of the enclosing query instead of failing. RENAME COLUMN rewrites
/// the inner name, by which the catalog learns of it.
struct ImageCapture {
  static let kinds = ["delete", "insert_after", "insert_before", "update"]

  let tableID: Int
  let table: String
  let key: String
  /// Names and numbers of the columns, in order of number.
  let columns: [(name: String, number: Int)]
  /// What the key will be of the row that is written.
  private let newKey: String
  private let conflicts: [String]

  init(table: Table, raw: RawTable) {
    tableID = table.id
    self.table = raw.name.quotedIdentifier
    key = table.key.storedName.quotedIdentifier
    columns = table.columns.map { ($0.storedName, $0.number) }
    newKey =
      raw.hasRowIDKey
      ? "NEW.\(key)" : raw.keyColumns.first.flatMap { ReplaceConflicts.new($0) } ?? "NEW.\(key)"
    conflicts =
      raw.replaceConflicts.conditions + (raw.hiddenRowID.map { ["\($0) = NEW.\($0)"] } ?? [])
  }

  /// In order of name.
  var triggers: [RawTable.Trigger] {
    let prefix = "datasync_\(tableID)_"
    return [
      trigger(
        "\(prefix)delete", "BEFORE DELETE", [capture("SELECT OLD.\(key) AS k")]),
      trigger(
        "\(prefix)insert_after", "AFTER INSERT",
        [
          """
          INSERT INTO datasync_foreign (table_id, key) SELECT \(tableID), NEW.\(key) \
          WHERE NEW.\(key) IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f \
          WHERE f.table_id = \(tableID) AND f.key IS +NEW.\(key))
          """
        ]),
      trigger(
        "\(prefix)insert_before", "BEFORE INSERT",
        [capture("SELECT \(key) AS k FROM \(table) WHERE \(key) = \(newKey)")] + replaced),
      trigger(
        "\(prefix)update", "BEFORE UPDATE",
        [
          capture("SELECT OLD.\(key) AS k"),
          capture("SELECT \(newKey) AS k WHERE \(newKey) IS NOT OLD.\(key)"),
        ] + replaced),
    ]
  }

  private func trigger(_ name: String, _ event: String, _ body: [String]) -> RawTable.Trigger {
    let statements = body.map { "  \($0);\n" }.joined()
    return RawTable.Trigger(
      name: name,
      sql: """
        CREATE TRIGGER "\(name)" \(event) ON \(table)
        WHEN (SELECT writing FROM datasync_state) = 0
        BEGIN
        \(statements)END
        """)
  }

  /// Rows that INSERT OR REPLACE and UPDATE OR REPLACE remove without firing a delete trigger.
  private var replaced: [String] {
    conflicts.map { condition in
      capture("SELECT \(key) AS k FROM \(table) WHERE \(condition)")
    }
  }

  /// How a trigger says that it notes the rows that meet a condition, and no other.
  static func sought(by condition: String) -> String { "WHERE \(condition)) AS o WHERE" }

  /// Notes the rows whose keys a query gives.
  private func capture(_ keys: String) -> String {
    let pack = packed(columns.map { part($0.name.quotedIdentifier, $0.number) })
    let absent = columns.map { "NULL AS \($0.name.quotedIdentifier)" }.joined(separator: ", ")
    return """
      INSERT INTO datasync_foreign (table_id, key, before) SELECT \(tableID), o.k, \
      (SELECT (SELECT \(pack) FROM \(table) AS x WHERE x.\(key) = o.k) FROM (SELECT \(absent))) \
      FROM (\(keys)) AS o WHERE o.k IS NOT NULL AND NOT EXISTS (SELECT 1 FROM datasync_foreign AS f \
      WHERE f.table_id = \(tableID) AND f.key IS o.k)
      """
  }

  /// `'6='||quote("n")`; text with a NUL, at which quote() ends, once more as `T` with its bytes.
  private func part(_ name: String, _ number: Int) -> String {
    let value = "'\(number)='||quote(\(name))"
    guard number > SystemColumn.count else { return value }
    return value
      + "||CASE WHEN typeof(\(name))='text' AND instr(\(name),char(0)) "
      + "THEN 'T'||hex(\(name)) ELSE '' END"
  }

  /// Joined by commas, in groups: SQLite bounds the depth of an expression.
  private func packed(_ parts: [String]) -> String {
    guard parts.count > 32 else { return parts.joined(separator: "||','||") }
    let groups = stride(from: 0, to: parts.count, by: 32).map { start in
      "(\(parts[start..<min(start + 32, parts.count)].joined(separator: "||','||")))"
    }
    return packed(groups)
  }

  /// The columns that a trigger of ours packs now, by number: SQLite has rewritten the names that
  /// were changed since.
  static func columns(in tokens: [SQLToken]) -> [Int: String] {
    var result: [Int: String] = [:]
    for (index, token) in tokens.enumerated() where token.kind == .string {
      guard token.text.hasSuffix("="), let number = Int(token.text.dropLast()),
        index + 5 < tokens.count, tokens[index + 3].isWord("quote"),
        let name = tokens[index + 5].name
      else { continue }
      result[number] = name
    }
    return result
  }
}
