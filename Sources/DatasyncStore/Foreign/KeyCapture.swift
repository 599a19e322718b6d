import DatasyncFilterSQLite
import DatasyncModel

/// The triggers of a table beside: each notes the keys of the rows that were written, and no more. What
/// the rows were before stands in `datasync_rows`.
///
/// They name no table of the owner's and no column but the key, so that a rename with
/// `legacy_alter_table` and a dropped column leave them whole. One trigger never fires: SQLite rewrites
/// the list of columns in it when one is renamed, by which the catalog learns of that; a column that is
/// dropped does no harm there.
struct KeyCapture {
  static let kinds = ["columns", "delete", "insert", "rekey", "update"]

  private let tableID: Int
  private let table: String
  private let key: String
  /// Names and numbers of the owner's columns, in order of number.
  private let columns: [(name: String, number: Int)]

  init(table: Table, raw: RawTable) {
    tableID = table.id
    self.table = raw.name.quotedIdentifier
    key = table.key.storedName.quotedIdentifier
    columns = table.columns.compactMap { column in
      let isOwners =
        column.number == 1 || column.number > SystemColumn.count
        || (column.number == SystemColumn.deleted.rawValue + 1
          && raw.column(column.storedName) != nil)
      return isOwners ? (column.storedName, column.number) : nil
    }
  }

  /// In order of name.
  var triggers: [RawTable.Trigger] {
    let list = columns.map(\.name.quotedIdentifier).joined(separator: ", ")
    let numbers = columns.map { String($0.number) }.joined(separator: " ")
    return [
      trigger(
        "columns", "AFTER UPDATE OF \(list) ON \(table) WHEN 0", "SELECT 'columns \(numbers)'"),
      trigger("delete", "AFTER DELETE ON \(table)", note("OLD")),
      trigger("insert", "AFTER INSERT ON \(table)", note("NEW")),
      trigger(
        "rekey",
        "AFTER UPDATE OF \(key), rowid, oid, _rowid_ ON \(table) "
          + "WHEN NEW.\(key) IS NOT OLD.\(key)", moved),
      trigger("update", "AFTER UPDATE ON \(table)", note("OLD")),
    ]
  }

  private func trigger(_ kind: String, _ event: String, _ body: String) -> RawTable.Trigger {
    let name = "datasync_\(tableID)_\(kind)"
    return RawTable.Trigger(
      name: name, sql: "CREATE TRIGGER \"\(name)\" \(event) BEGIN \(body); END")
  }

  private func note(_ row: String) -> String {
    "INSERT INTO datasync_written (table_id, key) VALUES (\(tableID), \(row).\(key))"
  }

  /// A row that gets another key takes its created_at along: from what is known of it, or from where it
  /// came itself. The unary plus takes the key's affinity away, with which no index would serve.
  private var moved: String {
    """
    INSERT INTO datasync_written (table_id, key, created_at) VALUES (\(tableID), NEW.\(key), \
    coalesce((SELECT created_at FROM datasync_written WHERE created_at IS NOT NULL \
    AND table_id = \(tableID) AND key = +OLD.\(key) ORDER BY n DESC LIMIT 1), \
    (SELECT created_at FROM datasync_rows WHERE table_id = \(tableID) AND key = +OLD.\(key))))
    """
  }

  /// See ``CaptureTriggers/columns(in:)``; empty where it is no trigger of this kind.
  static func columns(in tokens: [SQLToken]) -> [Int: String] {
    guard
      let note = tokens.first(where: { $0.kind == .string && $0.text.hasPrefix("columns ") }),
      let of = tokens.firstIndex(where: { $0.isWord("of") }),
      let on = tokens[of...].firstIndex(where: { $0.isWord("on") })
    else { return [:] }
    let names = tokens[(of + 1)..<on].compactMap(\.name)
    let numbers = note.text.split(separator: " ").dropFirst().compactMap { Int($0) }
    guard names.count == numbers.count else { return [:] }
    return Dictionary(zip(numbers, names), uniquingKeysWith: { first, _ in first })
  }
}
