import DatasyncModel

/// `datasync_rows` of one table, for the writer. Thread-confined.
final class KnownRows {
  private let connection: Connection
  private let tableID: Int64
  private var find: Statement?
  private var insert: Statement?
  private var insertNew: Statement?
  private var update: Statement?
  private var delete: Statement?

  /// Whether the last row that another program wrote was new, as the next one is then likely to be.
  var expectsNew = false

  init(tableID: Int, connection: Connection) {
    self.tableID = Int64(tableID)
    self.connection = connection
  }

  /// The columns that ``row(_:)`` reads, after a first one.
  static let columns = "created_at, updated_at, version, faulty, image"

  /// - Parameter first: The index of the first of ``columns``.
  static func read(_ statement: Statement, from first: Int32 = 0) -> KnownRow {
    KnownRow(
      createdAt: statement.int64(first), updatedAt: statement.int64(first + 1),
      version: Sequence(UInt64(clamping: statement.int64(first + 2))),
      isFaulty: statement.int64(first + 3) != 0, image: RowImage(bytes: statement.blob(first + 4)))
  }

  func row(_ key: Value) throws(SQLiteFailure) -> KnownRow? {
    let statement = try find(
      &find,
      "SELECT \(KnownRows.columns) FROM datasync_rows WHERE table_id = ?1 AND key = ?2")
    defer { statement.reset() }
    statement.bind(1, tableID)
    statement.bind(2, key)
    guard try statement.step() else { return nil }
    return KnownRows.read(statement)
  }

  func insert(_ key: Value, _ row: KnownRow) throws(SQLiteFailure) {
    let statement = try find(
      &insert, "INSERT OR REPLACE INTO datasync_rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
    bind(key, row, to: statement)
    try statement.run()
  }

  /// - Returns: Whether the row was not known; nothing is written where it was.
  func insertNew(_ key: Value, _ row: KnownRow) throws(SQLiteFailure) -> Bool {
    let statement = try find(
      &insertNew,
      "INSERT INTO datasync_rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING")
    bind(key, row, to: statement)
    try statement.run()
    return connection.changes > 0
  }

  /// Of a row that is known; created_at is written, too.
  func update(_ key: Value, _ row: KnownRow) throws(SQLiteFailure) {
    let statement = try find(
      &update,
      """
      UPDATE datasync_rows SET created_at = ?3, updated_at = ?4, version = ?5, faulty = ?6, image = ?7
      WHERE table_id = ?1 AND key = ?2
      """)
    bind(key, row, to: statement)
    try statement.run()
  }

  func remove(_ key: Value) throws(SQLiteFailure) {
    let statement = try find(
      &delete, "DELETE FROM datasync_rows WHERE table_id = ?1 AND key = ?2")
    statement.bind(1, tableID)
    statement.bind(2, key)
    try statement.run()
  }

  private func bind(_ key: Value, _ row: KnownRow, to statement: Statement) {
    statement.bind(1, tableID)
    statement.bind(2, key)
    statement.bind(3, row.createdAt)
    statement.bind(4, row.updatedAt)
    statement.bind(5, Int64(clamping: row.version.rawValue))
    statement.bind(6, row.isFaulty ? 1 : 0 as Int64)
    statement.bind(7, row.image.bytes)
  }

  /// - Parameter sql: Made the first time alone.
  private func find(
    _ place: inout Statement?, _ sql: @autoclosure () -> String
  ) throws(SQLiteFailure) -> Statement {
    if let statement = place { return statement }
    let statement = try connection.prepare(sql())
    place = statement
    return statement
  }
}
