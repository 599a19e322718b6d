import DatasyncModel
import DequeModule
import Synchronization

/// Requests that wait for the writer. A value, under its monitor's lock.
struct WriteQueue {
  var requests: Deque<WriteRequest> = []
  var byteCount = 0
  var isClosed = false
  /// Set by whoever wants foreign writes adopted now.
  var isWoken = false
}

/// The one thread that writes: one connection, one transaction for all that waits. Sendable.
///
/// `@unchecked`: all but the queue is touched by the writer's thread alone, once it runs.
final class Writer: @unchecked Sendable {
  let connection: Connection
  let options: StoreOptions
  private let observer: any StoreObserver
  private let shared: SharedState
  private let queue = Monitor(WriteQueue())
  private let log: ChangeLog
  private let cache = StatementCache()
  private var keys = KeyGenerator()
  private(set) var schema: Schema
  private(set) var head: Sequence
  private var dataVersion: Int64 = -1
  private var compactor: Compactor
  private var lastTrim: Duration = .zero
  private var lastTidy: Duration = .zero
  private var lastLook: Duration = .zero
  /// Called after each transaction, on the writer's thread.
  var committed: () -> Void = {}
  /// Whether the database's path still names the file that is open.
  var isInPlace: () -> Bool = { true }
  /// Called in the end, where all that was committed has been synced.
  var closedSynced: () -> Void = {}

  /// Most foreign rows adopted in one transaction.
  static let maxAdopted = 10_000
  /// How long one transaction takes on new requests.
  private let maxBatchTime: Duration = .milliseconds(50)

  init(
    connection: Connection, options: StoreOptions, observer: any StoreObserver,
    shared: SharedState, schema: Schema, head: Sequence, compactor: Compactor
  ) {
    self.connection = connection
    self.options = options
    self.observer = observer
    self.shared = shared
    self.schema = schema
    self.head = head
    self.compactor = compactor
    log = ChangeLog(connection)
  }

  // MARK: - From any thread

  func submit(_ request: WriteRequest) throws(DatasyncError) {
    let error = queue.withLock { queue -> DatasyncError? in
      guard !queue.isClosed else { return SharedState.closed }
      if let gone = shared.gone { return gone }
      guard queue.requests.count < options.maxQueuedWrites,
        queue.requests.isEmpty
          || queue.byteCount + request.byteCount <= options.maxQueuedWriteBytes
      else {
        return DatasyncError(
          .resourceExhausted, reason: "WRITE_QUEUE_FULL",
          "\(queue.requests.count) writes are waiting: try again a little later",
          metadata: ["limit": "max_queued_writes"], retryAfter: .milliseconds(100))
      }
      queue.requests.append(request)
      queue.byteCount += request.byteCount
      return nil
    }
    if let error { throw error }
    queue.signal()
  }

  /// Has foreign writes adopted soon.
  func wake() {
    queue.withLock { $0.isWoken = true }
    queue.signal()
  }

  func closeQueue() {
    queue.withLock { $0.isClosed = true }
    queue.broadcast()
  }

  // MARK: - On the writer's thread

  func run() {
    while true {
      let (requests, isWoken, isClosed) = take()
      if !isThere() {
        refuse(requests)
        if isClosed { break }
      } else if !requests.isEmpty {
        process(requests)
      } else if isClosed {
        break
      } else if isWoken || foreignCommitSeen() {
        process([])
      } else {
        tidy()
      }
    }
    cache.removeAll()
    log.forgetStatements()
    // A checkpoint syncs what it copies; 0: it got through.
    if shared.gone == nil, options.synchronous == .normal,
      (try? connection.integer("PRAGMA wal_checkpoint(FULL)")) == 0
    {
      closedSynced()
    }
    connection.close()
  }

  /// Looks once a second; what is written into a file that has no name any more is lost.
  private func isThere() -> Bool {
    guard shared.gone == nil else { return false }
    guard MonotonicClock.now - lastLook > .seconds(1) else { return true }
    lastLook = MonotonicClock.now
    guard !isInPlace() else { return true }
    shared.setGone()
    observer.databaseGone(path: connection.path)
    return false
  }

  private func refuse(_ requests: [WriteRequest]) {
    guard !requests.isEmpty, let error = shared.gone else { return }
    publish(requests.map { WriteAnswer(replyTo: $0.replyTo, outcome: .failure(error)) }, [])
  }

  private func take() -> (requests: [WriteRequest], isWoken: Bool, isClosed: Bool) {
    queue.wait(
      timeout: options.foreignPollInterval,
      until: { !$0.requests.isEmpty || $0.isClosed || $0.isWoken }
    ) { queue in
      var requests: [WriteRequest] = []
      var bytes = 0
      while let request = queue.requests.first, requests.count < max(1, options.maxBatchCount),
        requests.isEmpty || bytes + request.byteCount <= options.maxBatchBytes
      {
        requests.append(queue.requests.removeFirst())
        bytes += request.byteCount
      }
      queue.byteCount -= bytes
      let isWoken = queue.isWoken
      queue.isWoken = false
      return (requests, isWoken, queue.isClosed)
    }
  }

  /// Whether another connection has committed since we last looked.
  private func foreignCommitSeen() -> Bool {
    let version = try? connection.integer("PRAGMA data_version")
    return version != nil && version != dataVersion
  }

  /// Carries requests out and publishes what became of each, whatever happens.
  func process(_ requests: [WriteRequest]) {
    var rest = requests[...]
    repeat {
      // By position in `requests`: who lost a transaction for the others is not tried again.
      var refused: [Int: DatasyncError] = [:]
      attempts: while true {
        do {
          let done = try attempt(rest, refused: refused)
          rest = rest.dropFirst(done)
          break attempts
        } catch {
          rollBack()
          switch error {
          case .poisoned(let index, let error): refused[index] = error
          case .failed(let failure):
            let error = failure.error(while: "writing")
            publish(
              rest.map { WriteAnswer(replyTo: $0.replyTo, outcome: .failure(error)) }, [])
            return
          }
        }
      }
    } while !rest.isEmpty
  }

  private enum AttemptFailure: Error {
    case poisoned(Int, DatasyncError)
    case failed(SQLiteFailure)
  }

  /// One transaction.
  ///
  /// - Returns: How many requests it held: fewer than given where time was up.
  private func attempt(
    _ requests: ArraySlice<WriteRequest>, refused: [Int: DatasyncError]
  ) throws(AttemptFailure) -> Int {
    do {
      try begin()
      let transaction = newTransaction()
      if schema.hasSideEffects { try transaction.setWriting(true) }
      var answers: [WriteAnswer] = []
      answers.reserveCapacity(requests.count)
      let start = MonotonicClock.now
      for index in requests.indices {
        let outcome = try self.outcome(
          requests[index], refused: refused[index], index: index, in: transaction)
        answers.append(WriteAnswer(replyTo: requests[index].replyTo, outcome: outcome))
        if index & 15 == 15, MonotonicClock.now - start > maxBatchTime { break }
      }
      if schema.hasSideEffects { try transaction.setWriting(false) }
      try end(transaction)
      publish(answers, transaction.commits)
      return answers.count
    } catch let failure as AttemptFailure {
      throw failure
    } catch let failure as SQLiteFailure {
      throw .failed(failure)
    } catch {
      throw .failed(SQLiteFailure(extendedCode: 1, message: "\(error)"))
    }
  }

  private func outcome(
    _ request: WriteRequest, refused: DatasyncError?, index: Int, in transaction: WriteTransaction
  ) throws(AttemptFailure) -> WriteAnswer.Outcome {
    if let refused { return .failure(refused) }
    do {
      return try transaction.apply(request)
    } catch {
      switch error {
      case .request(let error): return .failure(error)
      case .poisoned(let error): throw .poisoned(index, error)
      case .batch(let failure): throw .failed(failure)
      }
    }
  }

  private func newTransaction() -> WriteTransaction {
    WriteTransaction(
      connection: connection, schema: schema, log: log, cache: cache, now: WallClock.now,
      head: head, keys: keys)
  }

  /// Begins a transaction in which nothing foreign is left to adopt.
  private func begin() throws(SQLiteFailure) {
    while true {
      try connection.cached("BEGIN IMMEDIATE").run()
      let version = try connection.integer("PRAGMA data_version") ?? 0
      guard version != dataVersion else { return }
      let isReloaded = try reloadIfChanged()
      let transaction = newTransaction()
      for table in isReloaded.attached {
        transaction.append(
          Change(
            sequence: transaction.takeSequence(), tableID: table.table.id, key: "",
            operation: .tableAttached, before: nil, after: nil))
        try transaction.endCommit(origin: "")
      }
      let adopted = try Adoption(
        transaction: transaction, schema: isReloaded.schema ?? schema
      ).adopt(atMost: Writer.maxAdopted)
      try transaction.endCommit(origin: "")
      if adopted == 0, isReloaded.schema == nil {
        dataVersion = version
        return
      }
      try end(transaction)
      if let schema = isReloaded.schema { install(schema) }
      // There may be more to adopt than one transaction took.
      if adopted < Writer.maxAdopted { dataVersion = version }
      publish([], transaction.commits)
    }
  }

  private func reloadIfChanged() throws(SQLiteFailure) -> (
    schema: Schema?, attached: [SchemaLoader.Attached]
  ) {
    guard try connection.integer("PRAGMA schema_version") != schema.version else {
      return (nil, [])
    }
    connection.setTriggersEnabled(false)
    defer { connection.setTriggersEnabled(schema.hasSideEffects) }
    var next = head.next
    let loader = SchemaLoader(
      connection: connection, options: options, attaching: options.attachesTables ? .all : .ready,
      previous: schema, now: WallClock.now)
    let (loaded, attached) = try loader.load(nextSequence: &next)
    return (loaded, attached)
  }

  private func install(_ loaded: Schema) {
    let isNew = loaded.catalog !== schema.catalog
    schema = loaded
    cache.removeAll()
    connection.setTriggersEnabled(loaded.hasSideEffects)
    guard isNew else { return }
    shared.setCatalog(loaded.catalog)
    observer.catalogChanged(loaded.catalog)
  }

  /// Trims, notes the log's size, and commits.
  ///
  /// - Returns: Whether the log was trimmed.
  @discardableResult
  private func end(
    _ transaction: WriteTransaction, trimming extra: Int = 0
  ) throws(SQLiteFailure) -> Bool {
    var compactor = self.compactor
    compactor.logBytes += transaction.logBytes
    let added = transaction.commits.reduce(0) { $0 + $1.changes.count }
    let oldest = compactor.oldest
    let limit = 64 + 4 * added + extra
    try compactor.step(connection, now: transaction.now, head: transaction.head, atMost: limit)
    if compactor != self.compactor { try compactor.save(connection) }
    try trimMutations(now: transaction.now)
    try connection.cached("COMMIT").run()
    self.compactor = compactor
    head = transaction.head
    keys = transaction.keys
    committed()
    return compactor.oldest != oldest
  }

  private func trimMutations(now: Int64) throws(SQLiteFailure) {
    let time = MonotonicClock.now
    guard time - lastTrim > .seconds(1) else { return }
    lastTrim = time
    let age = options.mutationRetention.components.seconds
    try MutationLog(connection: connection).trim(
      before: now - age * 1_000_000, keeping: options.maxMutations, atMost: 10_000)
  }

  private func rollBack() {
    guard !connection.isAutocommit else { return }
    try? connection.execute("ROLLBACK")
  }

  private func publish(_ answers: [WriteAnswer], _ commits: [Commit]) {
    shared.setHead(head)
    guard !answers.isEmpty || !commits.isEmpty else { return }
    observer.batchCommitted(CommittedBatch(answers: answers, commits: commits, head: head))
  }

  // MARK: - Upkeep

  /// Forgets old mutation ids and trims the log while nobody asks for anything else.
  private func tidy() {
    guard MonotonicClock.now - lastTidy > .seconds(1) else { return }
    do {
      try begin()
      // Where there was something to trim, there may be more.
      let didTrim = try end(newTransaction(), trimming: 4096)
      if !didTrim { lastTidy = MonotonicClock.now }
    } catch {
      rollBack()
      lastTidy = MonotonicClock.now
    }
  }
}
