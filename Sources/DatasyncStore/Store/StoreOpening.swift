import CDatasyncSQLite
import DatasyncModel

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What opening a store does before its threads run.
struct StoreOpening {
  let path: String
  let options: StoreOptions

  /// The database, ready to be written; everything checked that could speak against it.
  ///
  /// - Parameter isLooking: Whether nothing is to be changed, the journal mode neither.
  func connect(
    busyWait: BusyWait?, isLooking: Bool = false
  ) throws(DatasyncError) -> Connection {
    try checkFile()
    do {
      let connection = try Connection(path: path, busyWait: busyWait)
      _ = try connection.integer("SELECT count(*) FROM sqlite_schema")
      guard sqlite3_db_readonly(connection.handle, "main") == 0 else { throw readOnly(nil) }
      // Of a database in UTF-16 the answer is in UTF-16, too, unless it is asked for as UTF-8.
      let encoding = try connection.utf8Text("PRAGMA encoding")
      guard encoding == "UTF-8" else {
        throw DatasyncError(
          .failedPrecondition, reason: "UNSUPPORTED_ENCODING",
          "\(path) stores text as \(encoding ?? "?"), datasync serves UTF-8: make a new database "
            + "from its dump (sqlite3 OLD .dump | sqlite3 NEW)")
      }
      if isLooking { return connection }
      connection.journalModeBefore = try connection.text("PRAGMA journal_mode") ?? "delete"
      let mode = try connection.text("PRAGMA journal_mode = WAL")
      guard mode == "wal" else {
        throw DatasyncError(
          .failedPrecondition, reason: "NO_WAL",
          "\(path) cannot use SQLite's write-ahead log (journal mode \(mode ?? "?")): put it on a "
            + "local file system and close other programs that hold it open")
      }
      try connection.execute(
        """
        PRAGMA synchronous = \(options.synchronous == .full ? "FULL" : "NORMAL");
        PRAGMA foreign_keys = ON;
        PRAGMA cache_size = -\(max(1, options.cacheBytes / 1024));
        PRAGMA temp_store = MEMORY;
        PRAGMA wal_autocheckpoint = 0;
        PRAGMA journal_size_limit = 67108864;
        """)
      // Rules may judge a write by other rows.
      try connection.registerFilterFunctions(options.filterBudget)
      try ImageField.register(on: connection)
      return connection
    } catch let error as DatasyncError {
      throw error
    } catch let failure as SQLiteFailure {
      throw explained(failure)
    } catch {
      throw DatasyncError(.internal, "\(path) cannot be opened", cause: error)
    }
  }

  /// Makes sure that nobody else serves the database; before anything is asked of it.
  ///
  /// - Throws: FAILED_PRECONDITION, reason DATABASE_IN_USE.
  func lock() throws(DatasyncError) -> DatabaseLock {
    try checkFile()
    return try DatabaseLock.take(database: path)
  }

  private func checkFile() throws(DatasyncError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      let isMissing = errno == ENOENT || errno == ENOTDIR
      throw DatasyncError(
        isMissing ? .notFound : .failedPrecondition, reason: "NO_DATABASE",
        isMissing
          ? "there is no database \(path): make one with sqlite3, or give --schema FILE.sql"
          : "cannot reach \(path): \(String(cString: strerror(errno)))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw DatasyncError(
        .failedPrecondition, reason: "NOT_A_DATABASE", "\(path) is not a regular file")
    }
    guard access(path, R_OK) == 0 else {
      throw DatasyncError(
        .failedPrecondition, reason: "UNREADABLE_DATABASE",
        "\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    guard access(path, W_OK) == 0 else { throw readOnly(nil) }
  }

  private func readOnly(_ cause: SQLiteFailure?) -> DatasyncError {
    DatasyncError(
      .failedPrecondition, reason: "READ_ONLY_DATABASE",
      "\(path) is read-only for this process: make the file and its directory writable, or run as "
        + "its owner", cause: cause)
  }

  func explained(_ failure: SQLiteFailure) -> DatasyncError {
    switch failure.code {
    case SQLITE_NOTADB:
      return DatasyncError(
        .failedPrecondition, reason: "NOT_A_DATABASE",
        "\(path) is no SQLite database, or is encrypted: its header is another's", cause: failure)
    case SQLITE_CORRUPT:
      return DatasyncError(
        .dataLoss, reason: "DATABASE_CORRUPT",
        "\(path) is damaged: run `datasync check \(path)`, and restore a backup where that says so",
        cause: failure)
    case SQLITE_READONLY:
      return readOnly(failure)
    case SQLITE_BUSY:
      return DatasyncError(
        .unavailable, reason: "DATABASE_BUSY",
        "another program holds \(path) locked; try again", cause: failure)
    default:
      var error = failure.error(while: "opening \(path)")
      error.message = "\(path): \(error.message)"
      return error
    }
  }

  /// What a transaction of the opening found.
  struct Prepared {
    let schema: Schema
    let head: Sequence
    let historyID: String
    let tokenKey: [UInt8]
    let compactor: Compactor
    let mutations: MutationBounds
    let clock: RetentionClock
    /// What is new in the log.
    let attached: [SchemaLoader.Attached]
  }

  /// Makes our tables, names the history, reads the catalog, attaches, adopts: one transaction, and
  /// more where much is to be adopted.
  func prepare(
    _ connection: Connection, identity: FileIdentity,
    attaching: SchemaLoader.AttachSelection
  ) throws(DatasyncError) -> Prepared {
    do {
      connection.setTriggersEnabled(false)
      try connection.execute("BEGIN IMMEDIATE")
      try OwnTables.ensure(connection)
      if options.isMadeForUs { try OwnTables.set("placement", .string("within"), connection) }
      let head = try ChangeLog.head(connection)
      let historyID = try HistoryCheck(connection: connection, identity: identity)
        .historyID(head: head)
      let tokenKey = try OwnTables.tokenKey(connection)
      var next = head.next
      let now = options.calendar()
      let clock = RetentionClock(
        saved: try OwnTables.savedClock(connection), calendar: now, monotonic: MonotonicClock.now)
      try OwnTables.saveClock(clock.now, connection)
      let loader = SchemaLoader(
        connection: connection, options: options, attaching: attaching, previous: nil, now: now)
      let loaded = try loader.load(nextSequence: &next)
      let attached = loaded.attached
      var schema = loaded.schema
      func reload() throws(SQLiteFailure) {
        let again = SchemaLoader(
          connection: connection, options: options, mayAlter: false, previous: schema, now: now)
        schema = try again.load(nextSequence: &next).schema
      }
      if try FormWatch(connection: connection, schema: schema).settleOpenColumns() { try reload() }
      let transaction = WriteTransaction(
        connection: connection, schema: schema, log: ChangeLog(connection),
        cache: StatementCache(), now: now, head: head, keys: KeyGenerator())
      for table in attached {
        try transaction.append(
          Change(
            sequence: transaction.takeSequence(), tableID: table.table.id, key: "",
            operation: .tableAttached, before: nil, after: nil))
        try transaction.endCommit()
      }
      _ = try Adoption(transaction: transaction).adopt()
      try transaction.endCommit()
      if !transaction.strays.isEmpty {
        try FormWatch(connection: connection, schema: schema).note(strays: transaction.strays)
        try reload()
      }
      var compactor = try Compactor.load(connection, options: options)
      try compactor.save(connection, head: transaction.head)
      try connection.execute("COMMIT")
      connection.setTriggersEnabled(schema.hasSideEffects)
      return Prepared(
        schema: schema, head: transaction.head, historyID: historyID,
        tokenKey: tokenKey, compactor: compactor,
        mutations: try MutationBounds.load(connection), clock: clock, attached: attached)
    } catch {
      if !connection.isAutocommit { try? connection.execute("ROLLBACK") }
      switch error {
      case let error as DatasyncError: throw error
      case StoreFailure.error(let error): throw error
      case StoreFailure.sqlite(let failure): throw explained(failure)
      case let failure as SQLiteFailure: throw explained(failure)
      default: throw DatasyncError(.internal, "\(path) cannot be opened", cause: error)
      }
    }
  }
}
