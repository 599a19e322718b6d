import CDatasyncSQLite
import DatasyncModel
import DatasyncStorage
import Synchronization

/// What the writer is told. A value, under its monitor's lock.
struct WriterInbox {
  var queue = WriteQueue()
  var isClosed = false
  /// Set by whoever wants foreign writes adopted now.
  var isWoken = false
  /// Whether requests gather until the observer has room for what becomes of them.
  var isGathering = false
  /// Whether no request is begun any more.
  var isEnding = false
  /// Called when no request is under way, once that is so.
  var whenEnded: [@Sendable () -> Void] = []

  var isReady: Bool {
    (!queue.isEmpty && (!isGathering || isEnding)) || isClosed || isWoken || !whenEnded.isEmpty
  }
}

/// The one thread that writes: one connection, one transaction for all that waits. Sendable.
///
/// `@unchecked`: all but the queue is touched by the writer's thread alone, once it runs.
final class Writer: @unchecked Sendable {
  let connection: Connection
  let options: StoreOptions
  let observer: any StorageObserver
  let shared: SharedState
  private let inbox = Monitor(WriterInbox())
  private let log: ChangeLog
  let cache = StatementCache()
  private var keys = KeyGenerator()
  /// See ``WriteTransaction/rowCounts``.
  var rowCounts: [Int: Int64] = [:]
  var schema: Schema
  var head: Sequence
  var dataVersion: Int64 = -1
  /// While tables wait to be attached: until when the schema must not have changed.
  var rest: (version: Int64, until: Duration)?
  var compactor: Compactor
  var mutations: MutationBounds
  var clock: RetentionClock
  var lastTrim: Duration = .zero
  var lastClockSave: Duration
  var lastTidy: Duration = .zero
  private var lastLook: Duration = .zero
  /// Called before each transaction, on the writer's thread; may wait a little.
  var beginning: () -> Void = {}
  /// Called once the write lock is held.
  var begun: () -> Void = {}
  /// Called after each transaction, on the writer's thread.
  var committed: () -> Void = {}
  /// See ``Checkpointer/makeRoom(by:waiting:)``.
  var copyWAL: (_ milliseconds: Int32) -> Bool = { _ in true }
  let cacheUse: CacheUse
  /// Until then, nobody who reads is waited for on a full disk.
  var nextRoomWait: Duration = .zero
  /// Whether the database's path still names the file that is open.
  var isInPlace: () -> Bool = { true }
  /// Tables of ours that are gone, as was said last.
  var tablesGone: [String] = []
  /// Where nobody writes, what others do is not looked at before.
  private var nextAdoption: Duration = .zero
  /// Nil: nobody can tell.
  var walGuard: WALGuard?
  /// Of the database's file.
  var inode: Int64 = 0
  /// Called when another history has begun.
  var historyBegun: () -> Void = {}
  /// Of foreign changes, in the transactions that hold nothing else.
  var adoption: (began: Duration, rows: Int)?
  /// Gives up the disk space that is kept for deletes on a full disk; takes it again.
  var reserve: DiskReserve?
  /// Nil: nobody can tell.
  var foreignReads: ForeignReads?
  /// Called in the end, where all that was committed has been synced.
  var closedSynced: () -> Void = {}

  /// Most requests of a batch that are refused because what they touch cannot be read, while the
  /// others are written; where there are more, the storage as a whole has failed.
  private static let maxSetAside = 16
  /// How long one transaction takes on new requests.
  private let maxBatchTime: Duration = .milliseconds(50)
  /// Rows that the answers of one transaction hold, in bytes; the request that passes it is the last.
  private let maxBatchAnswerBytes = 8 << 20

  init(
    connection: Connection, options: StoreOptions, observer: any StorageObserver,
    shared: SharedState, prepared: StoreOpening.Prepared
  ) {
    self.connection = connection
    self.options = options
    self.observer = observer
    self.shared = shared
    schema = prepared.schema
    head = prepared.head
    compactor = prepared.compactor
    mutations = prepared.mutations
    clock = prepared.clock
    lastClockSave = MonotonicClock.now
    log = ChangeLog(connection)
    cacheUse = CacheUse(of: connection, shared)
  }

  // MARK: - From any thread

  /// - Parameter startsNow: false: ``start()`` follows soon, when more has come.
  func submit(_ request: WriteRequest, startsNow: Bool) throws(DatasyncError) {
    let isReady = try inbox.withLock { inbox throws(DatasyncError) -> Bool in
      guard !inbox.isClosed, !inbox.isEnding else { throw SharedState.closed }
      if let gone = shared.gone { throw gone }
      if let limit = limitReached(by: request, inbox.queue) {
        throw DatasyncError(
          .resourceExhausted, reason: "WRITE_QUEUE_FULL",
          "\(inbox.queue.count) writes are waiting: try again later",
          metadata: ["limit": limit], retryAfter: .milliseconds(100))
      }
      inbox.queue.append(request)
      return inbox.isReady
    }
    if isReady, startsNow { inbox.signal() }
  }

  private func limitReached(by request: WriteRequest, _ queue: WriteQueue) -> String? {
    if queue.count >= options.maxQueuedWrites { return "max_queued_writes" }
    // One alone may be larger.
    let bytes = queue.isEmpty ? 0 : queue.byteCount.addingClamped(request.byteCount)
    return bytes > options.maxQueuedWriteBytes ? "max_queued_write_bytes" : nil
  }

  /// Takes on what was submitted.
  func start() {
    if inbox.withLock({ $0.isReady }) { inbox.signal() }
  }

  /// Has foreign writes adopted soon.
  func wake() {
    inbox.withLock { $0.isWoken = true }
    inbox.signal()
  }

  /// Takes on what has gathered.
  func resume() {
    inbox.withLock { $0.isGathering = false }
    start()
  }

  /// Refuses what has not begun and what comes, and calls back, on any thread, when what had begun is
  /// published.
  func endWrites(_ ended: @escaping @Sendable () -> Void) {
    let isOver = inbox.withLock { inbox in
      inbox.isEnding = true
      if !inbox.isClosed { inbox.whenEnded.append(ended) }
      return inbox.isClosed
    }
    if isOver { ended() } else { inbox.broadcast() }
  }

  /// Takes back what a session waits for, as far as it has not begun.
  ///
  /// - Returns: The requests' own numbers; nobody answers them.
  func withdraw(loop: Int, session: UInt64) -> [UInt64] {
    inbox.withLock { $0.queue.withdraw(loop: loop, session: session) }.map(\.replyTo.request)
  }

  var queuedCount: Int { inbox.withLock { $0.queue.count } }
  var queuedBytes: Int { inbox.withLock { $0.queue.byteCount } }

  func closeQueue() {
    inbox.withLock { $0.isClosed = true }
    inbox.broadcast()
  }

  // MARK: - On the writer's thread

  func run() {
    while true {
      let (requests, isWoken, isClosed, isEnding) = take()
      if isEnding {
        refuse(requests, with: shared.gone ?? SharedState.closed)
        if requests.isEmpty {
          tellEnded()
          if isClosed { break }
        }
      } else if !isThere() {
        if let gone = shared.gone { refuse(requests, with: gone) }
        if isClosed { break }
      } else if !requests.isEmpty {
        process(requests)
      } else if isClosed {
        break
      } else if MonotonicClock.now >= nextAdoption,
        isWoken || foreignCommitSeen()
          || rest.map({ MonotonicClock.now >= $0.until }) ?? false
      {
        letOthersFinish(isAwaited: isWoken)
        process([])
      } else {
        tidy()
      }
      shared.writerWatch.enter(.idle)
    }
    cache.removeAll()
    log.forgetStatements()
    // A checkpoint syncs what it copies; 0: it got through.
    if shared.gone == nil, options.synchronous == .normal,
      (try? connection.integer("PRAGMA wal_checkpoint(FULL)")) == 0
    {
      closedSynced()
    }
    foreignReads = nil
    walGuard = nil
    if shared.isWALDamaged { connection.keepWAL() }
    connection.close()
  }

  /// Looks once a second; what is written into a file that has no name any more is lost.
  private func isThere() -> Bool {
    guard shared.gone == nil else { return false }
    guard MonotonicClock.now - lastLook > .seconds(1) else { return true }
    lastLook = MonotonicClock.now
    guard !isInPlace() else { return true }
    setGone()
    return false
  }

  func setGone() {
    shared.setGone()
    observer.noticed(
      .databaseGone(path: connection.path, checkpointed: shared.checkpointed))
  }

  /// With the write lock held, or directly after a commit.
  ///
  /// - Throws: where the WAL does not hold what was committed; nothing is served any more then.
  func requireWAL() throws(SQLiteFailure) {
    guard let state = walGuard?.state, state != .whole else { return }
    if state == .damaged { shared.setWALDamaged() }
    setGone()
    throw SQLiteFailure(
      extendedCode: SQLITE_IOERR, message: "the write-ahead log's file is not what was written")
  }

  func refuse(_ requests: [WriteRequest], with error: DatasyncError) {
    publish(requests.map { WriteAnswer(replyTo: $0.replyTo, outcome: .failure(error)) }, [])
  }

  private func tellEnded() {
    let waiting = inbox.withLock { inbox in
      defer { inbox.whenEnded = [] }
      return inbox.whenEnded
    }
    for ended in waiting { ended() }
  }

  private func take() -> (
    requests: [WriteRequest], isWoken: Bool, isClosed: Bool, isEnding: Bool
  ) {
    inbox.wait(
      timeout: idleTime,
      until: \.isReady
    ) { inbox in
      inbox.isGathering = false
      let requests = inbox.queue.takeBatch(
        WriteQueue.BatchLimits(
          requests: options.maxBatchCount, writes: options.maxBatchWrites,
          bytes: options.maxBatchBytes))
      let isWoken = inbox.isWoken
      inbox.isWoken = false
      return (requests, isWoken, inbox.isClosed, inbox.isEnding)
    }
  }

  /// Until the next look at what others do; not past the moment at which waiting tables are due.
  private var idleTime: Duration {
    guard let rest else { return options.foreignPollInterval }
    return min(options.foreignPollInterval, max(.milliseconds(1), rest.until - MonotonicClock.now))
  }

  /// Waits a little for other programs that have read, and may be about to write: what we write now would
  /// not let them. Not where requests come.
  private func letOthersFinish(isAwaited: Bool) {
    guard let foreignReads else { return }
    let deadline = MonotonicClock.now + (isAwaited ? .milliseconds(20) : .milliseconds(250))
    while foreignReads.areOpen, MonotonicClock.now < deadline {
      let hasNews = inbox.wait(
        timeout: .milliseconds(1), until: { !$0.queue.isEmpty || $0.isClosed || $0.isEnding }
      ) { !$0.queue.isEmpty || $0.isClosed || $0.isEnding }
      if hasNews { return }
    }
  }

  /// Whether another connection has committed since we last looked.
  private func foreignCommitSeen() -> Bool {
    let version = try? connection.integer("PRAGMA data_version")
    return version != nil && version != dataVersion
  }

  /// Carries requests out and publishes what became of each, whatever happens. Those that there is
  /// no time for go back to the queue.
  func process(_ requests: [WriteRequest]) {
    // By position in `requests`: who lost a transaction for the others is not tried again.
    var refused: [Int: DatasyncError] = [:]
    var hasMadeRoom = false
    while true {
      do {
        let done = try attempt(requests, refused: refused)
        guard done < requests.count else { return }
        return inbox.withLock { $0.queue.putBack(requests[done...], after: requests[..<done]) }
      } catch {
        rollBack()
        if let gone = shared.gone { return refuse(requests, with: gone) }
        switch error {
        case .poisoned(let index, let error): refused[index] = error
        case .failed(let failure, let index?)
        where failure.concernsPlace && refused.count < Writer.maxSetAside:
          refused[index] = failure.error(while: "writing")
        case .failed(let failure, _) where failure.code == SQLITE_FULL && !hasMadeRoom:
          hasMadeRoom = true
          makeRoom()
        case .failed(let failure, _)
        where failure.code == SQLITE_FULL && requests.contains { $0.isDelete }
          && (requests.count > 1 || reserve?.release() == true):
          return processOnFullDisk(requests, failure)
        case .failed(let failure, _):
          let failure = OwnTables.explained(failure, connection)
          let error = failure.error(while: "writing")
          if isNews(failure) { observer.writesFailed(error) }
          return publish(
            requests.map { WriteAnswer(replyTo: $0.replyTo, outcome: .failure(error)) }, [])
        }
      }
    }
  }

  /// That tables of ours are gone is said once; nobody is to look for them at every moment.
  private func isNews(_ failure: SQLiteFailure) -> Bool {
    guard !failure.ownTablesGone.isEmpty else { return true }
    defer { tablesGone = failure.ownTablesGone }
    nextAdoption = MonotonicClock.now + .seconds(1)
    return failure.ownTablesGone != tablesGone
  }

  private enum AttemptFailure: Error {
    case poisoned(Int, DatasyncError)
    /// At a request, by its position; nil: between them, or in the end.
    case failed(SQLiteFailure, at: Int?)
  }

  /// One transaction.
  ///
  /// - Returns: How many requests it held: fewer than given where time was up.
  private func attempt(
    _ requests: [WriteRequest], refused: [Int: DatasyncError]
  ) throws(AttemptFailure) -> Int {
    do {
      try begin()
      let transaction = newTransaction()
      if schema.hasSideEffects { try transaction.setWriting(true) }
      var answers: [WriteAnswer] = []
      answers.reserveCapacity(requests.count)
      let start = MonotonicClock.now
      var writesSinceLook = 0
      for (index, request) in requests.enumerated() {
        let outcome = try self.outcome(
          request, refused: refused[index], index: index, in: transaction)
        answers.append(WriteAnswer(replyTo: request.replyTo, outcome: outcome))
        writesSinceLook += request.operations.count
        if transaction.answerBytes >= maxBatchAnswerBytes { break }
        guard writesSinceLook >= 16 else { continue }
        writesSinceLook = 0
        if MonotonicClock.now - start > maxBatchTime { break }
      }
      if schema.hasSideEffects {
        try transaction.setWriting(false)
        // What our own statements have noted of rows that they logged themselves.
        try connection.cached("DELETE FROM datasync_written").run()
      }
      try end(transaction)
      publish(answers, transaction.commits)
      return answers.count
    } catch let failure as AttemptFailure {
      throw failure
    } catch let failure as SQLiteFailure {
      throw .failed(failure, at: nil)
    } catch {
      throw .failed(SQLiteFailure(extendedCode: 1, message: "\(error)"), at: nil)
    }
  }

  private func outcome(
    _ request: WriteRequest, refused: DatasyncError?, index: Int, in transaction: WriteTransaction
  ) throws(AttemptFailure) -> WriteAnswer.Outcome {
    if let refused { return .failure(refused) }
    do {
      #if DEBUG
        return try transaction.apply(request, breaking: options.fault)
      #else
        return try transaction.apply(request)
      #endif
    } catch {
      switch error {
      case .request(let error): return .failure(error)
      case .poisoned(let error): throw .poisoned(index, error)
      case .batch(let failure): throw .failed(failure, at: index)
      }
    }
  }

  func newTransaction() -> WriteTransaction {
    WriteTransaction(
      connection: connection, schema: schema, log: log, cache: cache, now: options.calendar(),
      head: head, keys: keys, rowCounts: rowCounts, maxRowBytes: options.maxRowBytes,
      maxCommitBytes: options.maxCommitBytes)
  }

  /// Trims, notes the log's size, and commits.
  ///
  /// - Returns: Whether the log was trimmed.
  @discardableResult
  func end(
    _ transaction: WriteTransaction, trimming extra: Int = 0
  ) throws(SQLiteFailure) -> Bool {
    var compactor = self.compactor
    var clock = self.clock
    clock.advance(calendar: transaction.now, monotonic: MonotonicClock.now)
    compactor.logBytes += transaction.logBytes
    let added = transaction.commits.reduce(0) { $0 + $1.count }
    let oldest = compactor.oldest
    let limit = 64 + 4 * added + extra
    try compactor.step(connection, now: clock.now, head: transaction.head, atMost: limit)
    try compactor.saveIfDue(connection, head: transaction.head)
    let mutations = try trimmedMutations(transaction, now: clock.now, trimming: extra)
    try saveIfDue(clock)
    try commit()
    // Before anyone hears of the commit, and before it is copied into the database.
    try requireWAL()
    self.compactor = compactor
    shared.setLog(compactor)
    self.mutations = mutations
    shared.setMutationBytes(mutations.bytes)
    self.clock = clock
    head = transaction.head
    keys = transaction.keys
    rowCounts = transaction.rowCounts
    committed()
    return compactor.oldest != oldest
  }

  private func commit() throws(SQLiteFailure) {
    shared.writerWatch.enter(.committing)
    let start = MonotonicClock.now
    try connection.cached("COMMIT").run()
    shared.writerWatch.enter(.writing)
    let syncing = connection.syncTimer?.take() ?? .zero
    // A transaction that changed nothing does not come to the disk.
    guard syncing > .zero || options.synchronous == .normal else { return }
    observer.committed(in: MonotonicClock.now - start, syncing: syncing)
  }

  func rollBack() {
    guard !connection.isAutocommit else { return }
    try? connection.cached("ROLLBACK").run()
  }

  func publish(_ answers: [WriteAnswer], _ commits: [Commit]) {
    shared.setHead(head)
    guard !answers.isEmpty || !commits.isEmpty else { return }
    // Said beforehand: the observer may have it taken back before it returns.
    inbox.withLock { $0.isGathering = true }
    let waits = observer.batchCommitted(
      CommittedBatch(answers: answers, commits: commits, head: head))
    if !waits { inbox.withLock { $0.isGathering = false } }
  }
}
