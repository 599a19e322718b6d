import DatasyncFilterSQLite
import DatasyncModel

/// Does to a table what it takes to be served, within the writer's transaction whose triggers are off.
struct TableAttacher {
  let connection: Connection
  let builder: StoredTableBuilder
  /// Microseconds since 1970.
  let now: Int64

  /// Adds the system columns that a table within lacks.
  ///
  /// - Returns: The names of those added; a reason where they cannot be.
  func addSystemColumns(to raw: RawTable) throws(SQLiteFailure) -> Result<[String], Obstacle> {
    let missing = raw.missingSystemColumns
    do {
      try connection.execute("SAVEPOINT attach")
      for column in missing {
        let name = SystemColumn.names[column.rawValue]
        let type = SystemColumnDeclaration.declared(column, isStrict: raw.isStrict)
        try connection.execute(
          "ALTER TABLE \(raw.name.quotedIdentifier) ADD COLUMN \(name) \(type)")
      }
      try connection.execute("RELEASE attach")
      return .success(missing.map { SystemColumn.names[$0.rawValue] })
    } catch  where error.concernsRequest {
      // Something in the schema stands against it; the other tables must be served all the same.
      try connection.execute("ROLLBACK TO attach; RELEASE attach")
      return .failure(Obstacle("its system columns cannot be added: \(error.message)"))
    }
  }

  /// Why columns that the owner has under the system's names are not the system's: they hold something.
  func contentObstacle(_ raw: RawTable) throws(SQLiteFailure) -> String? {
    for system in SystemColumn.allCases where system != .key {
      guard let column = raw.column(SystemColumn.names[system.rawValue]) else { continue }
      let name = column.name.quotedIdentifier
      let isOurs =
        switch system {
        case .deleted: "\(name) IN (0, 1)"
        case .createdAt, .updatedAt: "typeof(\(name)) = 'integer' AND \(name) > 100000000000000"
        // A number alone may count anything.
        case .version where raw.column("created_at") != nil:
          "typeof(\(name)) = 'integer' AND \(name) > 0 AND created_at > 100000000000000"
        case .version: "0"
        default: "1"
        }
      let unique = try connection.integer(
        """
        SELECT 1 FROM pragma_index_list(\(raw.name.quotedLiteral)) AS list,
          pragma_index_info(list.name) AS column
        WHERE list."unique" AND column.name = \(column.name.quotedLiteral)
        """)
      guard unique == nil else {
        return
          "its column \(column.name) is to be unique, which the system's is not: name it otherwise, "
          + "or keep the system fields beside the table"
      }
      let other = try connection.integer(
        "SELECT 1 FROM \(raw.name.quotedIdentifier) WHERE \(name) IS NOT NULL AND NOT (\(isOurs)) LIMIT 1"
      )
      guard other == nil else {
        return
          "its column \(column.name) holds other values than the system's: name it otherwise, or "
          + "keep the system fields beside the table"
      }
    }
    return nil
  }

  /// Why a table cannot be served. A value.
  struct Obstacle: Error {
    let reason: String

    init(_ reason: String) {
      self.reason = reason
    }
  }

  /// Begins the history of a table's rows at a version.
  func beginHistory(of stored: StoredTable, at version: Sequence) throws(SQLiteFailure) {
    switch stored.placement {
    case .beside:
      try KnownRowsFill(connection: connection, stored: stored).begin(at: version, now: now)
    case .within:
      let columns = stored.quotedColumns
      let (created, updated) = (columns[1], columns[2])
      let (versions, deleted) = (columns[3], columns[4])
      let statement = try connection.prepare(
        """
        UPDATE \(stored.quotedName) SET \(versions) = ?1, \(created) = coalesce(\(created), ?2),
        \(updated) = coalesce(\(updated), ?2), \(deleted) = coalesce(\(deleted), 0)
        """)
      statement.bind(1, Int64(clamping: version.rawValue))
      statement.bind(2, now)
      try statement.run()
    }
  }

  /// Moves the system fields of a table within beside it: versions and numbers stay, columns that we
  /// added go, and rows that are marked as deleted with them.
  ///
  /// - Returns: The table as it is then.
  func moveBeside(
    _ raw: RawTable, _ entry: inout TableEntry
  ) throws(SQLiteFailure) -> RawTable {
    let name = raw.name.quotedIdentifier
    let key = (raw.keyColumns.first?.name ?? "").quotedIdentifier
    for trigger in raw.triggers where trigger.isOurs {
      try connection.execute("DROP TRIGGER \(trigger.name.quotedIdentifier)")
    }
    func moment(_ column: String) -> String {
      "CASE typeof(\(column)) WHEN 'integer' THEN \(column) ELSE \(now) END"
    }
    if entry.addedColumns.contains("deleted") {
      try connection.execute("DELETE FROM \(name) WHERE deleted = 1")
    }
    try connection.execute(
      """
      INSERT OR REPLACE INTO datasync_rows SELECT \(entry.id), \(key), \(moment("created_at")),
        \(moment("updated_at")), coalesce(version, \(entry.attached)), 0, x'' FROM \(name)
        WHERE \(key) IS NOT NULL
      """)
    for column in entry.addedColumns where raw.column(column) != nil {
      try connection.execute("ALTER TABLE \(name) DROP COLUMN \(column)")
    }
    entry.addedColumns = []
    entry.placement = .beside
    entry.softDelete = false
    for (column, number) in entry.numbers where (2...SystemColumn.count).contains(number) {
      entry.numbers[column] = nil
    }
    return try RawSchemaReader.table(connection, named: raw.name) ?? raw
  }

  /// Gives tables the triggers that they are to have, in place of those of ours that they have.
  func ensureTriggers(_ tables: [StoredTable]) throws(SQLiteFailure) {
    for trigger in tables.flatMap(\.ownTriggers) {
      try connection.execute("DROP TRIGGER \(trigger.name.quotedIdentifier)")
    }
    let wanted = tables.flatMap { stored in
      CaptureTriggers.triggers(of: stored).map { (table: stored.raw.name, trigger: $0) }
    }
    try TriggerBatch(connection: connection).make(wanted)
  }
}
