import CDatasyncSQLite
import DatasyncModel
import DatasyncStorage

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One reading connection with its thread's snapshot.
///
/// `@unchecked Sendable`: made by the opening thread, then touched by its reader thread alone.
final class Reader: @unchecked Sendable {
  private let connection: Connection
  private let shared: SharedState
  /// Has the writer adopt what others wrote.
  private let adopt: @Sendable () -> Void
  private let statements = RowStatements()
  private var snapshot: Snapshot?
  private let progress: ReadProgress
  private let busyWait: BusyWait
  private let checkpointer: Checkpointer
  private let options: StoreOptions
  private let cacheUse: CacheUse

  /// The longest that a snapshot is used for new reads: an old one keeps the WAL growing.
  private let maxSnapshotAge: Duration = .milliseconds(250)
  /// How long another program has kept the writer from adopting when reads wait for it no more. What
  /// a program has committed and let go is adopted sooner, even on a busy machine.
  private let maxLockWait: Duration = .milliseconds(500)

  init(
    path: String, options: StoreOptions, shared: SharedState, busyWait: BusyWait,
    checkpointer: Checkpointer, adopt: @escaping @Sendable () -> Void
  ) throws(SQLiteFailure) {
    connection = try Connection(path: path)
    cacheUse = CacheUse(of: connection, shared)
    self.shared = shared
    self.busyWait = busyWait
    self.checkpointer = checkpointer
    self.adopt = adopt
    self.options = options
    progress = ReadProgress(shared: shared, options: options)
    try connection.execute(
      """
      PRAGMA query_only = ON;
      PRAGMA cache_size = -\(max(1, options.cacheBytes / 1024));
      PRAGMA temp_store = MEMORY;
      """)
    try connection.registerFilterFunctions(options.filterBudget)
    try PackedRow.register(on: connection)
    try ImageField.register(on: connection)
    progress.install(on: connection)
  }

  /// Carries a read out, unless it has to wait for what other programs wrote to be adopted.
  ///
  /// - Returns: Whether it is done; else it is to come again.
  func perform(_ job: ReadJob) -> Bool {
    progress.forgetLast()
    if shared.isClosing {
      job.run(.failure(SharedState.closed))
      return true
    }
    if job.cancellation?.isCancelled == true {
      job.run(.failure(Reader.cancelled))
      return true
    }
    do {
      guard let snapshot = try snapshot(for: job) else { return false }
      progress.begin(job)
      job.run(.success(snapshot))
      progress.end()
      if progress.stopped != nil { endSnapshot() }
    } catch {
      endSnapshot()
      job.run(.failure(error))
    }
    return true
  }

  /// Waits for the next turn of the scan at hand; see ``ReadProgress``.
  var turnEnded: ((_ mayEnd: Bool) -> Bool)? {
    get { progress.turnEnded }
    set { progress.turnEnded = newValue }
  }

  /// Whether the last read was ended so that another one could begin.
  var wasEndedForOther: Bool { progress.wasEndedForOther }

  static var cancelled: DatasyncError {
    DatasyncError(.cancelled, reason: "CANCELLED", "the read was cancelled")
  }

  /// No read waits: a snapshot that is held would keep the WAL from being reused.
  func rest() {
    if !isStale { endSnapshot() }
    cacheUse.note()
  }

  /// Whether a test wants the snapshot to be used on.
  private var isStale: Bool {
    #if DEBUG
      options.fault == .staleRead && MonotonicClock.now - progress.openedAt < .milliseconds(300)
    #else
      false
    #endif
  }

  private func endSnapshot() {
    snapshot = nil
    if !connection.isAutocommit { try? connection.cached("COMMIT").run() }
  }

  func close() {
    endSnapshot()
    statements.removeAll()
    if shared.isWALDamaged { connection.keepWAL() }
    connection.close()
  }

  /// - Returns: nil where the read has to wait.
  private func snapshot(for job: ReadJob) throws(DatasyncError) -> Snapshot? {
    if let snapshot, snapshot.sequence >= job.minimum, !connection.isAutocommit, isFresh,
      !job.scope.concerns(snapshot.pendingTables)
    {
      return snapshot
    }
    if let snapshot, isStale { return snapshot }
    endSnapshot()
    do {
      return try open(for: job)
    } catch {
      throw OwnTables.explained(error, connection).error(while: "reading")
    }
  }

  private var isFresh: Bool {
    let maxAge = shared.walPages < options.restartPages ? maxSnapshotAge : .zero
    return MonotonicClock.now - progress.openedAt < maxAge
  }

  /// Opens a snapshot that shows what is in the log, and nothing else.
  ///
  /// What another program has committed is adopted within milliseconds, and a read of those rows
  /// waits for that. Where that program goes on to hold the write lock, so that nothing can be
  /// adopted, or where there is very much to adopt, the snapshot shows its rows as they were before:
  /// the capture triggers have noted them.
  ///
  /// - Returns: nil where the read has to wait.
  private func open(for job: ReadJob) throws(SQLiteFailure) -> Snapshot? {
    checkpointer.makeWay()
    // Where the last snapshot could not be ended: nobody may read in it any more.
    if !connection.isAutocommit { try connection.cached("COMMIT").run() }
    // What was announced, and what the reader knows of.
    let needed = max(shared.head, job.minimum)
    try connection.cached("BEGIN").run()
    let state = try state()
    let isOther = state.head < needed || !state.isSameHistory
    let pending = isOther || state.hasForeignChanges ? try pendingTables() : []
    if isOther || job.scope.concerns(pending), job.mayWait,
      !busyWait.isKeptWaiting(longerThan: maxLockWait)
    {
      try connection.cached("COMMIT").run()
      adopt()
      return nil
    }
    guard !isOther else {
      throw state.isSameHistory && state.head >= shared.head ? Reader.behind : Reader.replaced
    }
    let snapshot = Snapshot(
      connection: connection, statements: statements, shared: shared, progress: progress,
      pendingTables: pending, sequence: state.head, oldest: state.oldest)
    self.snapshot = snapshot
    progress.openedAt = MonotonicClock.now
    return snapshot
  }

  /// What a snapshot shows of the log. A value.
  private struct LogState {
    let head: Sequence
    let oldest: Sequence
    /// False where somebody has put other content into the file, which the writer has not seen yet.
    let isSameHistory: Bool
    let hasForeignChanges: Bool
  }

  private func state() throws(SQLiteFailure) -> LogState {
    let statement = try connection.cached(
      """
      SELECT (SELECT max(sequence) FROM datasync_log), oldest,
        (SELECT value FROM datasync_settings WHERE name = 'history_id'),
        EXISTS (SELECT 1 FROM datasync_written) OR EXISTS (SELECT 1 FROM datasync_foreign)
      FROM datasync_state
      """)
    defer { statement.reset() }
    guard try statement.step() else { throw .damaged("datasync_state has lost its row") }
    return LogState(
      head: Sequence(UInt64(clamping: statement.int64(0))),
      oldest: Sequence(UInt64(clamping: statement.int64(1))),
      isSameHistory: statement.text(2) == shared.historyID,
      hasForeignChanges: statement.int64(3) != 0)
  }

  private static var replaced: SQLiteFailure {
    SQLiteFailure(
      extendedCode: SQLITE_BUSY, message: "the database's content has just been replaced")
  }

  private static var behind: SQLiteFailure {
    SQLiteFailure(
      extendedCode: SQLITE_BUSY,
      message: "the database has not come to the sequence that the reader knows of")
  }

  /// The tables of which other programs have changed rows that are not adopted.
  private func pendingTables() throws(SQLiteFailure) -> Set<Int> {
    let statement = try connection.cached(
      """
      SELECT id FROM datasync_tables WHERE EXISTS
        (SELECT 1 FROM datasync_foreign WHERE table_id = datasync_tables.id)
      UNION SELECT DISTINCT table_id FROM datasync_written
      """)
    defer { statement.reset() }
    var tables: Set<Int> = []
    while try statement.step() { tables.insert(statement.int(0)) }
    return tables
  }
}
