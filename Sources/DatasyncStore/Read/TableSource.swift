import DatasyncFilterSQLite
import DatasyncModel

/// Where the rows of a table come from in SQL, each column under its field's name. A value.
///
/// Of a table beside, the rows themselves are the images in `datasync_rows`; the owner's table, with its
/// indexes, is there for what filters and orders ask of it.
struct TableSource {
  /// As the caller knows it: it may be an older state of the present one.
  let table: Table
  /// After FROM.
  let sql: String
  /// Whether the rows come as images, in the columns ``image`` and ``faulty``.
  let hasImages: Bool

  // Names that no field can have.
  static let image = "\" image\""
  static let faulty = "\" faulty\""

  /// - Parameters:
  ///   - isPending: Whether other programs have changed rows that are not adopted: these are shown as
  ///     they were before.
  ///   - lacksKeys: Whether the table has rows without a key, of which nothing is known.
  ///   - needed: Positions in ``Table/columns`` of what conditions and orders name.
  init(
    table: Table, current: StoredTable, isPending: Bool = false, needed: Set<Int> = [],
    lacksKeys: Bool = false
  ) {
    self.table = table
    switch current.placement {
    case .within:
      hasImages = false
      sql = TableSource.within(table, current, isPending: isPending)
    case .beside:
      hasImages = true
      sql = TableSource.beside(
        table, current, isPending: isPending, needed: needed, lacksKeys: lacksKeys)
    }
  }

  var key: String { table.key.name.quotedIdentifier }

  var notDeleted: String {
    let deleted = table.columns[SystemColumn.deleted.rawValue].name.quotedIdentifier
    return "coalesce(\(deleted), 0) = 0"
  }

  // MARK: - Within

  private static func within(_ table: Table, _ current: StoredTable, isPending: Bool) -> String {
    let rows = isPending ? adoptedRows(of: current) : current.quotedName
    if table === current.table, table.columns.allSatisfy({ $0.name == $0.storedName }) {
      return rows
    }
    let columns = table.columns.map { column in
      let name = column.name.quotedIdentifier
      guard let index = current.table.index(ofNumber: column.number) else {
        return "NULL AS \(name)"
      }
      return "\(current.quotedColumns[index]) AS \(name)"
    }
    return "(SELECT \(columns.joined(separator: ", ")) FROM \(rows))"
  }

  /// The rows as the log knows them: those that other programs have not touched, and the others as
  /// the capture triggers have noted them.
  private static func adoptedRows(of stored: StoredTable) -> String {
    let (table, key) = (stored.table, stored.quotedKey)
    let columns = stored.quotedColumns.joined(separator: ", ")
    let noted = zip(table.columns, stored.quotedColumns).dropFirst().map { column, name in
      "\(PackedRow.functionName)(before, \(column.number)) AS \(name)"
    }
    return """
      (SELECT \(columns) FROM \(stored.quotedName) AS t WHERE NOT EXISTS \
      (SELECT 1 FROM datasync_foreign AS f WHERE f.table_id = \(table.id) AND f.key IS +t.\(key)) \
      UNION ALL SELECT \((["key AS \(key)"] + noted).joined(separator: ", ")) \
      FROM datasync_foreign WHERE table_id = \(table.id) AND before IS NOT NULL)
      """
  }

  // MARK: - Beside

  private static func beside(
    _ table: Table, _ current: StoredTable, isPending: Bool, needed: Set<Int>, lacksKeys: Bool
  ) -> String {
    // What the system fields and the key can answer needs no look at the owner's table.
    let needsOwners =
      !isPending && (lacksKeys || needed.contains { $0 >= SystemColumn.count })
    let marked = current.marksDeleted
    let columns = table.columns.enumerated().map { position, column in
      let name = column.name.quotedIdentifier
      let value =
        switch position {
        case SystemColumn.key.rawValue: needsOwners ? "t.\(current.quotedKey)" : "r.key"
        case SystemColumn.createdAt.rawValue: "r.created_at"
        case SystemColumn.updatedAt.rawValue: "r.updated_at"
        case SystemColumn.version.rawValue: "r.version"
        case SystemColumn.deleted.rawValue:
          marked ? ImageField.sql("r.image", column) : "0"
        default: owners(column, current, isThere: needsOwners)
        }
      return "\(value) AS \(name)"
    }
    let from =
      needsOwners
      // The unary plus takes the key's affinity away, with which no index would serve.
      ? """
      \(current.quotedName) AS t \(lacksKeys ? "LEFT" : "CROSS") JOIN datasync_rows AS r \
      ON r.table_id = \(current.table.id) AND r.key = +t.\(current.quotedKey)
      """ : "datasync_rows AS r WHERE r.table_id = \(current.table.id)"
    return """
      (SELECT \(columns.joined(separator: ", ")), r.image AS \(image), r.faulty AS \(faulty) \
      FROM \(from))
      """
  }

  private static func owners(_ column: Column, _ current: StoredTable, isThere: Bool) -> String {
    guard let index = current.table.index(ofNumber: column.number) else { return "NULL" }
    return isThere && current.isStoredAsRead(index)
      ? "t.\(current.quotedColumns[index])" : ImageField.sql("r.image", column)
  }

  /// Reads one row by its key, ?1.
  ///
  /// Columns: of a table within, all of ``Table/columns``; of one beside, version, faulty and image.
  var rowSQL: String {
    if hasImages {
      let version = table.columns[SystemColumn.version.rawValue].name.quotedIdentifier
      return """
        SELECT \(version), \(TableSource.faulty), \(TableSource.image) FROM \(sql) WHERE \(key) = ?1
        """
    }
    let columns = table.columns.map(\.name.quotedIdentifier).joined(separator: ", ")
    return "SELECT \(columns) FROM \(sql) WHERE \(key) = ?1"
  }
}

/// The statements that read one row by key, by table as the caller knows it. Thread-confined.
final class RowStatements {
  private struct Entry {
    /// Kept alive, so that their addresses tell tables apart.
    let table: Table
    let current: StoredTable
    let statement: Statement
  }

  private var entries: [ObjectIdentifier: Entry] = [:]
  private let maxEntries = 1024

  func statement(
    for table: Table, current: StoredTable, on connection: Connection
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
