import CDatasyncSQLite

/// One SQLite connection. Thread-confined: whoever holds it is its only user.
final class Connection {
  let handle: OpaquePointer
  let path: String
  private var cache: [String: Statement] = [:]
  /// Most statements kept by ``cached(_:)``.
  private let maxCached = 256
  private let busyWait: BusyWait?
  private var isClosed = false
  /// Times what the disk takes, where that is asked for.
  private(set) var syncTimer: SyncTimer?
  /// The journal mode that the file was found in; detaching gives it back.
  var journalModeBefore = "delete"

  /// - Parameters:
  ///   - create: Whether a file that does not exist is made.
  ///   - busyWait: How long another program's lock is waited for; nil: five seconds.
  init(
    path: String, create: Bool = false, busyWait: BusyWait? = nil
  ) throws(SQLiteFailure) {
    var opened: OpaquePointer?
    var flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    if create { flags |= SQLITE_OPEN_CREATE }
    // Some builds of SQLite take a name that begins so for a URI.
    let name = path.hasPrefix("file:") ? "./\(path)" : path
    let code = sqlite3_open_v2(name, &opened, flags, nil)
    guard code == SQLITE_OK, let opened else {
      let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(opened)
      throw SQLiteFailure(extendedCode: code, message: message)
    }
    handle = opened
    self.path = path
    self.busyWait = busyWait
    StatementLog.watch(opened)
    // What a schema of others says is not to be more than it could be in any other program: no
    // function of ours in its views and triggers, and no writing into the tables of SQLite itself.
    // The schema may use what any program lets it: distrusted, it could not be read where a CHECK or a
    // generated column calls a JSON function (SQLite 3.40). Of ours it calls nothing: they are direct-only.
    // A new database is the work of who gives its SQL.
    if !create { setDefended(true) }
    if let busyWait {
      busyWait.install(on: opened)
    } else {
      sqlite3_busy_timeout(opened, 5000)
    }
  }

  deinit {
    close()
  }

  /// Leaves the WAL as it is when the connection is the last to close.
  func keepWAL() {
    _ = datasync_sqlite3_keep_wal(handle)
  }

  /// Gives up the file and its locks; nothing may be asked of the connection afterwards.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    cache.removeAll()
    syncTimer?.remove(from: self)
    syncTimer = nil
    // Statements that outlive the connection turn it into a zombie, which SQLite frees with the last.
    sqlite3_close_v2(handle)
  }

  /// Once the WAL is open.
  func timeSyncs() {
    syncTimer = SyncTimer(self)
  }

  func failure(_ code: Int32) -> SQLiteFailure {
    SQLiteFailure(extendedCode: code, message: String(cString: sqlite3_errmsg(handle)))
  }

  func prepare(_ sql: String) throws(SQLiteFailure) -> Statement {
    try Statement(sql, on: self)
  }

  /// A statement that is kept for the next time.
  func cached(_ sql: String) throws(SQLiteFailure) -> Statement {
    if let statement = cache[sql] {
      statement.reset()
      return statement
    }
    let statement = try prepare(sql)
    if cache.count >= maxCached { cache.removeAll(keepingCapacity: true) }
    cache[sql] = statement
    return statement
  }

  func forgetStatements() {
    cache.removeAll()
  }

  /// Runs one or more statements whose rows nobody wants.
  func execute(_ sql: String) throws(SQLiteFailure) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw failure(code) }
  }

  /// The first column of the first row; nil where there is no row or it is NULL.
  func integer(_ sql: String) throws(SQLiteFailure) -> Int64? {
    let statement = try cached(sql)
    defer { statement.reset() }
    guard try statement.step(), !statement.isNull(0) else { return nil }
    return statement.int64(0)
  }

  func text(_ sql: String) throws(SQLiteFailure) -> String? {
    let statement = try cached(sql)
    defer { statement.reset() }
    guard try statement.step(), !statement.isNull(0) else { return nil }
    return statement.text(0)
  }

  /// The same as ``text(_:)``, whatever the database's encoding.
  func utf8Text(_ sql: String) throws(SQLiteFailure) -> String? {
    let statement = try cached(sql)
    defer { statement.reset() }
    guard try statement.step(), !statement.isNull(0) else { return nil }
    return String(decoding: statement.textBytes(0), as: UTF8.self)
  }

  /// Whether no transaction is open.
  var isAutocommit: Bool { sqlite3_get_autocommit(handle) != 0 }

  var changes: Int { Int(sqlite3_changes(handle)) }

  var lastInsertRowID: Int64 { sqlite3_last_insert_rowid(handle) }

  /// Whether a foreign key that is checked at the end of the transaction is unfulfilled.
  var hasDeferredViolations: Bool {
    var current: Int32 = 0
    var highwater: Int32 = 0
    sqlite3_db_status(handle, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highwater, 0)
    return current != 0
  }

  /// Whether SQLite's own tables are kept from statements that would write into them.
  func setDefended(_ isDefended: Bool) {
    _ = datasync_sqlite3_defend(handle, isDefended ? 1 : 0)
  }

  /// Whether triggers, the owner's and ours, fire on this connection.
  func setTriggersEnabled(_ isEnabled: Bool) {
    _ = datasync_sqlite3_enable_triggers(handle, isEnabled ? 1 : 0)
  }
}

extension Connection {
  /// The collating sequence that a column was declared with.
  func collation(of column: String, in table: String) -> String {
    var name: UnsafePointer<CChar>?
    let code = sqlite3_table_column_metadata(
      handle, "main", table, column, nil, &name, nil, nil, nil)
    guard code == SQLITE_OK, let name else { return "BINARY" }
    return String(cString: name)
  }
}
