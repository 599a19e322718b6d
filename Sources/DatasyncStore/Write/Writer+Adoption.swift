import CDatasyncSQLite
import DatasyncModel
import DatasyncStorage

/// What other programs have done, taken over before ours is written.
extension Writer {
  /// Begins a transaction in which nothing foreign is left to adopt.
  func begin() throws(SQLiteFailure) {
    let watch = shared.writerWatch
    let start = MonotonicClock.now
    watch.enter(.waitingForLock)
    beginning()
    // Where the last transaction could not be taken back.
    if !connection.isAutocommit { try connection.cached("ROLLBACK").run() }
    // Of tables that wait, one part is attached before the requests that wait, too.
    var hasAttached = false
    while true {
      watch.enter(.waitingForLock)
      try connection.cached("BEGIN IMMEDIATE").run()
      begun()
      try requireWAL()
      watch.enter(.writing)
      let version = try connection.integer("PRAGMA data_version") ?? 0
      let isDue = !hasAttached && rest.map { MonotonicClock.now >= $0.until } ?? false
      guard version != dataVersion || isDue else {
        adoption = nil
        return
      }
      let isReplaced = try goOnWithReplacedContent()
      var loaded =
        isReplaced ? try reload(mayAlter: false, previous: schema) : try reloadIfChanged()
      let attached = loaded?.attached ?? []
      if try FormWatch(connection: connection, schema: loaded?.schema ?? schema)
        .settleOpenColumns()
      {
        loaded = try reload(mayAlter: false, previous: loaded?.schema ?? schema)
      }
      let transaction = newTransaction()
      // That of no table stands for the beginning of a history.
      for table in (isReplaced ? [0] : []) + attached.map(\.table.id) {
        try transaction.append(
          Change(
            sequence: transaction.takeSequence(), tableID: table, key: "",
            operation: .tableAttached, before: nil, after: nil))
        try transaction.endCommit()
      }
      let adopted = try Adoption(
        transaction: transaction, schema: loaded?.schema ?? schema
      ).adopt()
      try transaction.endCommit()
      if adopted == 0, loaded == nil {
        dataVersion = version
        adoption = nil
        return
      }
      if !transaction.strays.isEmpty {
        let current = loaded?.schema ?? schema
        try FormWatch(connection: connection, schema: current).note(strays: transaction.strays)
        let mixed = try reload(mayAlter: false, previous: current)
        // Before anybody can read the value that is in another form.
        shared.setSchema(mixed.schema)
        loaded = mixed
      }
      try end(transaction)
      noteAdoption(adopted, since: start)
      if isReplaced {
        historyBegun()
        observer.historyReplaced()
      }
      if let loaded {
        install(loaded)
        hasAttached = loaded.mightAlter
      }
      dataVersion = version
      publish([], transaction.commits)
    }
  }

  /// Content that somebody has put back, as SQLite's backup interface does, is another history: its
  /// sequences may have been given to other changes.
  ///
  /// - Returns: Whether another history begins, with the next sequence.
  private func goOnWithReplacedContent() throws(SQLiteFailure) -> Bool {
    guard try OwnTables.exist(connection) else {
      setGone()
      throw SQLiteFailure(extendedCode: SQLITE_ERROR, message: "the database is another one now")
    }
    if try connection.integer("PRAGMA schema_version") != schema.version {
      try OwnTables.requireShared(connection)
      tablesGone = []
    }
    let found = try ChangeLog.head(connection)
    do {
      let id = try OwnTables.setting("history_id", connection)
      guard id != .string(shared.historyID) || found != head else { return false }
      try OwnTables.ensure(connection)
      // Readers wait until they find it.
      shared.setHistoryID(try HistoryCheck.begin(connection, inode: inode))
    } catch {
      switch error {
      case .sqlite(let failure): throw failure
      case .error(let error):
        throw SQLiteFailure(extendedCode: SQLITE_ERROR, message: error.message)
      }
    }
    head = max(found, head)
    compactor = try Compactor.load(connection, options: options)
    compactor.oldest = head.next
    mutations = try MutationBounds.load(connection)
    return true
  }

  private func noteAdoption(_ count: Int, since start: Duration) {
    guard count > 0 else { return }
    let (began, rows) = adoption ?? (start, 0)
    adoption = (began, rows + count)
    observer.foreignAdopted(count, total: rows + count, in: MonotonicClock.now - began)
  }

  private func reloadIfChanged() throws(SQLiteFailure) -> SchemaLoader.Loaded? {
    let version = try connection.integer("PRAGMA schema_version") ?? 0
    let hasChanged = version != schema.version
    guard hasChanged || isRested(version) else { return nil }
    return try reload(mayAlter: !hasChanged, previous: schema)
  }

  private func reload(
    mayAlter: Bool, previous: Schema
  ) throws(SQLiteFailure) -> SchemaLoader.Loaded {
    connection.setTriggersEnabled(false)
    defer { connection.setTriggersEnabled(schema.hasSideEffects) }
    var next = head.next
    let loader = SchemaLoader(
      connection: connection, options: options, attaching: options.attachesTables ? .all : .ready,
      mayAlter: mayAlter, attachTime: Writer.attachTime, previous: previous,
      now: options.calendar())
    return try loader.load(nextSequence: &next)
  }

  /// Whether tables wait, and the schema has been at rest for long enough.
  private func isRested(_ version: Int64) -> Bool {
    guard let rest else { return false }
    return rest.version == version && MonotonicClock.now >= rest.until
  }

  /// Where many tables wait, they are attached a part at a time: so long at once, as far as a table
  /// alone does not take longer.
  private static let attachTime = Duration.milliseconds(100)
  /// What requests have to themselves between two parts; those that wait then are written.
  private static let attachPause = Duration.milliseconds(10)

  private func install(_ found: SchemaLoader.Loaded) {
    let loaded = found.schema
    defer {
      // Where the schema was to be altered, time was up.
      let delay = found.mightAlter ? Writer.attachPause : options.attachDelay
      rest = found.isWaiting ? (loaded.version, MonotonicClock.now + delay) : nil
    }
    let isNew = loaded.catalog !== schema.catalog
    if loaded.unserved != schema.unserved { observer.unservedTablesChanged(loaded.unserved) }
    schema = loaded
    shared.setSchema(loaded)
    rowCounts = [:]
    cache.removeAll()
    connection.setTriggersEnabled(loaded.hasSideEffects)
    guard isNew else { return }
    observer.catalogChanged(loaded.catalog)
  }
}
