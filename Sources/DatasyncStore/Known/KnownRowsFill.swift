import DatasyncModel

/// Makes `datasync_rows` say what a table beside holds now. Within the writer's transaction; costs a
/// read and a write a row, and memory for one row.
struct KnownRowsFill {
  let connection: Connection
  let stored: StoredTable

  /// Begins a table's history: every row gets the version, and the moment as its times; rows that are
  /// known keep their created_at.
  func begin(at version: Sequence, now: Int64) throws(SQLiteFailure) {
    try forEachRow { (key, row, known) throws(SQLiteFailure) in
      try put(
        key, row,
        RowStamp(createdAt: known?.createdAt ?? now, updatedAt: now, version: version),
        isKnown: known != nil)
    }
    let stale = try connection.prepare(
      "DELETE FROM datasync_rows WHERE table_id = ?1 AND version <> ?2")
    stale.bind(1, Int64(stored.table.id))
    stale.bind(2, Int64(clamping: version.rawValue))
    try stale.run()
  }

  /// Encodes every known row anew, after its columns have become others; nothing else changes. Rows that
  /// others have written meanwhile are left for the adoption, which compares.
  func refresh() throws(SQLiteFailure) {
    let condition = """
      WHERE \(stored.quotedKey) NOT IN (SELECT key FROM datasync_written
        WHERE table_id = \(stored.table.id) AND key IS NOT NULL)
      """
    try forEachRow(condition) { (key, row, known) throws(SQLiteFailure) in
      guard let known else { return }
      try put(
        key, row,
        RowStamp(
          createdAt: known.createdAt, updatedAt: known.updatedAt, version: known.version),
        isKnown: true)
    }
  }

  private func put(
    _ key: Value, _ row: OwnersRow, _ stamp: RowStamp, isKnown: Bool
  ) throws(SQLiteFailure) {
    let known = KnownRow(
      createdAt: stamp.createdAt, updatedAt: stamp.updatedAt, version: stamp.version,
      isFaulty: !row.faults.isEmpty, image: row.image(key: key, stamp, table: stored.table))
    if isKnown { try rows.update(key, known) } else { try rows.insert(key, known) }
  }

  private let rows: KnownRows

  init(connection: Connection, stored: StoredTable) {
    self.connection = connection
    self.stored = stored
    rows = KnownRows(tableID: stored.table.id, connection: connection)
  }

  private func forEachRow(
    _ condition: String = "",
    _ body: (Value, OwnersRow, KnownRow?) throws(SQLiteFailure) -> Void
  ) throws(SQLiteFailure) {
    let statement = try connection.prepare(
      "SELECT \(stored.storedColumnList) FROM \(stored.quotedName) \(condition)")
    while try statement.step() {
      let key = statement.rawValue(0)
      guard !key.isNull else { continue }
      try body(key, OwnersRow(statement, stored), try rows.row(key))
    }
  }
}
