import CDatasyncSQLite
import DatasyncModel

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
  private let progress = ReadProgress()
  private var openedAt: Duration = .zero

  /// The longest that a snapshot is used for new reads: an old one keeps the WAL growing.
  private let maxSnapshotAge: Duration = .milliseconds(250)
  /// The longest that a read waits for other programs' changes to be adopted.
  private let maxAdoptionWait: Duration = .seconds(5)

  init(
    path: String, options: StoreOptions, shared: SharedState, adopt: @escaping @Sendable () -> Void
  ) throws(SQLiteFailure) {
    connection = try Connection(path: path)
    self.shared = shared
    self.adopt = adopt
    try connection.execute(
      """
      PRAGMA query_only = ON;
      PRAGMA cache_size = -\(max(1, options.cacheBytes / 1024));
      PRAGMA temp_store = MEMORY;
      """)
    try connection.registerFilterFunctions()
    progress.install(on: connection)
  }

  func perform(_ job: ReaderPool.Job) {
    if job.cancellation?.isCancelled == true {
      job.run(.failure(Reader.cancelled))
      return
    }
    do {
      let snapshot = try snapshot(atLeast: job.minimum)
      progress.cancellation = job.cancellation
      job.run(.success(snapshot))
      progress.cancellation = nil
    } catch {
      endSnapshot()
      job.run(.failure(error))
    }
  }

  static var cancelled: DatasyncError {
    DatasyncError(.cancelled, reason: "CANCELLED", "the read was cancelled")
  }

  func endSnapshot() {
    guard snapshot != nil else { return }
    snapshot = nil
    if !connection.isAutocommit { try? connection.execute("COMMIT") }
  }

  func close() {
    endSnapshot()
    statements.removeAll()
    connection.close()
  }

  private func snapshot(atLeast minimum: Sequence) throws(DatasyncError) -> Snapshot {
    if let snapshot, snapshot.sequence >= minimum, !connection.isAutocommit,
      MonotonicClock.now - openedAt < maxSnapshotAge
    {
      return snapshot
    }
    endSnapshot()
    do {
      return try open()
    } catch {
      throw error.error(while: "reading")
    }
  }

  /// Opens a snapshot in which no foreign change waits for its sequence, where that can be had soon.
  ///
  /// What another program has committed is adopted within milliseconds, unless that program goes on
  /// to hold the write lock. The read waits for it then, ``maxAdoptionWait`` at most: a row that is
  /// not in the log yet would come to subscribers a second time.
  private func open() throws(SQLiteFailure) -> Snapshot {
    let deadline = MonotonicClock.now + maxAdoptionWait
    var pause: UInt32 = 250
    while true {
      if connection.isAutocommit { try connection.cached("BEGIN").run() }
      let isPending = try connection.integer("SELECT 1 FROM datasync_foreign LIMIT 1") != nil
      if isPending, MonotonicClock.now < deadline {
        try connection.cached("COMMIT").run()
        adopt()
        usleep(pause)
        pause = min(pause * 2, 10_000)
        continue
      }
      let sequence = try ChangeLog.head(connection)
      let oldest = try connection.integer("SELECT oldest FROM datasync_state") ?? 0
      let snapshot = Snapshot(
        connection: connection, statements: statements, shared: shared, sequence: sequence,
        oldest: Sequence(UInt64(clamping: oldest)))
      self.snapshot = snapshot
      openedAt = MonotonicClock.now
      return snapshot
    }
  }
}

/// Stops a running statement when its read is cancelled. Thread-confined.
final class ReadProgress {
  var cancellation: (any ReadCancellation)?

  /// `self` must live as long as the connection.
  func install(on connection: Connection) {
    sqlite3_progress_handler(
      connection.handle, 2000,
      { context in
        guard let context else { return 0 }
        let progress = Unmanaged<ReadProgress>.fromOpaque(context).takeUnretainedValue()
        return progress.cancellation?.isCancelled == true ? 1 : 0
      }, Unmanaged.passUnretained(self).toOpaque())
  }
}
