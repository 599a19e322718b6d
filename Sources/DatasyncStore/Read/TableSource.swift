import DatasyncModel

/// Where the rows of a table come from in SQL: the table itself, or, for one who knows an older
/// state of it, a view of the present table in the old names. A value.
struct TableSource {
  let table: Table
  /// After FROM.
  let sql: String

  /// - Parameter isPending: Whether other programs have changed rows that are not adopted: these are
  ///   shown as they were before.
  init(table: Table, current: Table, isPending: Bool = false) {
    self.table = table
    let rows = isPending ? TableSource.adoptedRows(of: current) : current.name.quotedIdentifier
    if table === current {
      sql = rows
      return
    }
    let columns = table.columns.map { column in
      let name = column.name.quotedIdentifier
      guard let index = current.index(ofNumber: column.number) else { return "NULL AS \(name)" }
      return "\(current.columns[index].name.quotedIdentifier) AS \(name)"
    }
    sql = "(SELECT \(columns.joined(separator: ", ")) FROM \(rows))"
  }

  /// The rows as the log knows them: those that other programs have not touched, and the others as
  /// the capture triggers have noted them.
  private static func adoptedRows(of table: Table) -> String {
    let key = table.key.name.quotedIdentifier
    let columns = table.columns.map(\.name.quotedIdentifier).joined(separator: ", ")
    let noted = table.columns.dropFirst().map { column in
      "\(PackedRow.functionName)(before, \(column.number)) AS \(column.name.quotedIdentifier)"
    }
    return """
      (SELECT \(columns) FROM \(table.name.quotedIdentifier) AS t WHERE NOT EXISTS \
      (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = \(table.id) AND f.key IS t.\(key)) \
      UNION ALL SELECT \((["key AS \(key)"] + noted).joined(separator: ", ")) \
      FROM datasync_foreign WHERE table_id = \(table.id) AND before IS NOT NULL)
      """
  }

  var key: String { table.key.name.quotedIdentifier }

  var notDeleted: String {
    let deleted = table.columns[SystemColumn.deleted.rawValue].name.quotedIdentifier
    return "coalesce(\(deleted), 0) = 0"
  }

  /// All columns of the row whose key is ?1.
  var rowSQL: String {
    let columns = table.columns.map(\.name.quotedIdentifier).joined(separator: ", ")
    return "SELECT \(columns) FROM \(sql) WHERE \(key) = ?1"
  }
}

/// The statements that read one row by key, by table as the caller knows it. Thread-confined.
final class RowStatements {
  private struct Entry {
    /// Kept alive, so that their addresses tell tables apart.
    let table: Table
    let current: Table
    let statement: Statement
  }

  private var entries: [ObjectIdentifier: Entry] = [:]
  private let maxEntries = 1024

  func statement(
    for table: Table, current: Table, on connection: Connection
  ) throws(SQLiteFailure) -> Statement {
    if let entry = entries[ObjectIdentifier(table)], entry.current === current {
      // One that found nothing has not been reset, and takes no new key before it is.
      entry.statement.reset()
      return entry.statement
    }
    let source = TableSource(table: table, current: current)
    let statement = try connection.prepare(source.rowSQL)
    if entries.count >= maxEntries { entries.removeAll() }
    entries[ObjectIdentifier(table)] = Entry(table: table, current: current, statement: statement)
    return statement
  }

  func removeAll() {
    entries.removeAll()
  }
}
