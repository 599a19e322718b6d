import DatasyncMessages
import DatasyncModel
import DatasyncStore
import DequeModule
import NIOCore

/// The requests that run in one call, whatever kind of call it is: resolves them and starts each in
/// its turn. Loop-bound.
///
/// A read sees every write sent before it and none sent after it; writes among themselves, and reads
/// among themselves, do not wait for each other.
final class Operations: WriteRequester {
  let loop: ServiceLoop
  /// A typed service's table.
  let ownTable: Table?
  var caller: Caller
  weak var sink: (any ResponseSink)?

  private var running: [UInt64: Running] = [:]
  private(set) var subscriptionCount = 0
  private var registration: UInt64?
  /// Writes handed to the store, by ticket; the order of tickets is the order of sending.
  private var pendingWrites: [UInt64: PendingWrite] = [:]
  private var nextTicket: UInt64 = 1
  /// What waits for its turn, in the order of sending.
  private var steps: Deque<Step> = []
  /// Reads at work, and those among them that scan.
  private var activeReads = 0
  private var activeScans = 0
  /// Subscriptions that would send if the stream took it, in the order of their turns.
  private var waitingSubscriptions: Deque<Subscription> = []

  private enum Running {
    case write
    case read(CancellationFlag)
    case subscription(Subscription)
    case longPoll(LongPoll)
  }

  private struct PendingWrite {
    let requestID: UInt64
    let isCommit: Bool
  }

  private struct Step {
    enum Kind {
      case write
      case read
      case scan
    }

    let requestID: UInt64
    let kind: Kind
    let start: () -> Void
  }

  init(loop: ServiceLoop, caller: Caller, ownTable: Table? = nil) {
    self.loop = loop
    self.caller = caller
    self.ownTable = ownTable
  }

  /// Requests that run, subscriptions aside.
  var inFlight: Int { running.count - subscriptionCount }
  var isIdle: Bool { running.isEmpty }
  func isRunning(_ requestID: UInt64) -> Bool { running[requestID] != nil }

  // MARK: - Requests

  /// Starts a request whose id is free. Every path leads to one last word for it.
  func start(_ request: Request, id: UInt64) {
    do throws(DatasyncError) {
      switch request {
      case .write(let message):
        try write([message], isCommit: false, mutationID: message.mutationID, id: id)
      case .commit(let message):
        try commit(message, id: id)
      case .get(let request):
        try get(request, id: id)
      case .query(let request):
        try query(request, id: id)
      case .subscribe(let request):
        try subscribe(request, id: id)
      case .describe(let table):
        try describe(table, id: id)
      case .changes(let request):
        try changes(request, id: id)
      case .authenticate:
        throw .unimplemented("authenticate")
      case .open, .cancel:
        throw .unimplemented("outside a session, this request")
      }
    } catch {
      finish(id, error: error)
    }
  }

  /// Ends a request that runs: its last word is CANCELLED, for a subscription OK.
  ///
  /// - Returns: Whether it was running.
  func cancel(_ requestID: UInt64) -> Bool {
    switch running[requestID] {
    case nil:
      return false
    case .subscription(let subscription):
      subscription.end(nil)
    case .read(let flag):
      flag.cancel()
      finish(requestID, error: .requestCancelled)
    case .longPoll(let poll):
      poll.cancel()
      finish(requestID, error: .requestCancelled)
    case .write:
      finish(requestID, error: .requestCancelled)
    }
    return true
  }

  /// The call is gone: nobody hears more. Writes on their way take effect all the same.
  func abandon() {
    sink = nil
    let requests = Array(running.values)
    running = [:]
    subscriptionCount = 0
    steps.removeAll()
    waitingSubscriptions.removeAll()
    for request in requests {
      switch request {
      case .subscription(let subscription): subscription.cancel()
      case .read(let flag): flag.cancel()
      case .longPoll(let poll): poll.cancel()
      case .write: break
      }
    }
    unregisterWhenIdle()
  }

  /// The stream takes more again: answers go first, then each subscription that waits has its turn.
  func drained() {
    startSteps()
    for _ in 0..<waitingSubscriptions.count {
      guard sink?.isWritable ?? false, let next = waitingSubscriptions.popFirst() else { return }
      next.drained()
    }
  }

  func awaitDrain(_ subscription: Subscription) {
    waitingSubscriptions.append(subscription)
  }

  private func answer(_ requestID: UInt64, _ response: Response) {
    guard remove(requestID) else { return }
    sink?.answer(requestID, response)
    if FaultSwitch.strikes(.doubleAnswer) { sink?.answer(requestID, response) }
    sink?.requestEnded()
  }

  /// Ends a request, whether it runs or could not be started.
  func finish(_ requestID: UInt64, error: DatasyncError?) {
    _ = remove(requestID)
    sink?.finish(requestID, error: error)
    sink?.requestEnded()
  }

  private func remove(_ requestID: UInt64) -> Bool {
    guard let request = running.removeValue(forKey: requestID) else { return false }
    if case .subscription = request { subscriptionCount -= 1 }
    return true
  }

  // MARK: - Writes

  private func commit(_ message: CommitMessage, id: UInt64) throws(DatasyncError) {
    guard message.writes.count <= loop.options.maxWritesPerCommit else {
      throw DatasyncError(
        .resourceExhausted, reason: "MAX_WRITES_PER_COMMIT",
        "a commit holds at most \(loop.options.maxWritesPerCommit) writes")
    }
    var writes: [WriteMessage] = []
    for (index, write) in message.writes.enumerated() {
      guard let write else { throw DatasyncError.emptyRequest.at(writeIndex: index) }
      guard write.mutationID.isEmpty else {
        throw DatasyncError.badField(
          "mutation_id", reason: "BAD_MUTATION_ID",
          "a write inside a commit has none: the commit has one"
        ).at(writeIndex: index)
      }
      writes.append(write)
    }
    if writes.isEmpty {
      _ = try mutation(message.mutationID, [], isCommit: true)
      running[id] = .write
      return answer(id, .commit([], replayed: false))
    }
    try write(writes, isCommit: true, mutationID: message.mutationID, id: id)
  }

  private func write(
    _ messages: [WriteMessage], isCommit: Bool, mutationID: String, id: UInt64
  ) throws(DatasyncError) {
    let resolver = WriteResolver(catalog: loop.catalog, ownTable: ownTable)
    var operations: [WriteOperation] = []
    operations.reserveCapacity(messages.count)
    var byteCount = 64
    for (index, message) in messages.enumerated() {
      do {
        operations.append(try resolver.resolve(message.write))
      } catch {
        throw isCommit ? error.at(writeIndex: index) : error
      }
      byteCount += message.write.byteCount
    }
    let mutation = try mutation(mutationID, operations, isCommit: isCommit)
    let ticket = nextTicket
    nextTicket += 1
    let request = WriteRequest(
      replyTo: ReplyAddress(loop: loop.index, session: register(), request: ticket),
      operations: operations, isCommit: isCommit, origin: caller.clientID, mutation: mutation,
      byteCount: byteCount)
    running[id] = .write
    if steps.isEmpty, activeReads == 0 { return try submit(request, id: id) }
    steps.append(
      Step(requestID: id, kind: .write) { [weak self] in
        do throws(DatasyncError) {
          try self?.submit(request, id: id)
        } catch {
          self?.finish(id, error: error)
        }
      })
  }

  private func submit(_ request: WriteRequest, id: UInt64) throws(DatasyncError) {
    try loop.store.submit(request)
    pendingWrites[request.replyTo.request] = PendingWrite(
      requestID: id, isCommit: request.isCommit)
  }

  private func mutation(
    _ id: String, _ operations: [WriteOperation], isCommit: Bool
  ) throws(DatasyncError) -> Mutation? {
    guard !id.isEmpty, !FaultSwitch.isOn(.repeatMutation) else { return nil }
    guard id.utf8.count <= 64 else {
      throw .badField(
        "mutation_id", reason: "BAD_MUTATION_ID", "a mutation id has 1 to 64 bytes")
    }
    return Mutation(
      scope: caller.mutationScope, id: id,
      fingerprint: RequestFingerprint.of(operations, isCommit: isCommit))
  }

  private func register() -> UInt64 {
    if let registration { return registration }
    let id = loop.register(self)
    registration = id
    return id
  }

  private func unregisterWhenIdle() {
    guard sink == nil, pendingWrites.isEmpty, let registration else { return }
    loop.unregister(registration)
    self.registration = nil
  }

  /// The call has ended: the loop need not know it any longer.
  func close() {
    abandon()
  }

  func answered(_ answer: WriteAnswer) {
    guard let pending = pendingWrites.removeValue(forKey: answer.replyTo.request) else { return }
    if case .write = running[pending.requestID] {
      switch answer.outcome {
      case .failure(let error):
        finish(pending.requestID, error: error)
      case .success(let results, let replayed):
        let replies = results.map { result in
          WriteReply(
            entity: EntityReply(messageName: result.messageName, image: result.image),
            sequence: FaultSwitch.isOn(.wrongSequence) ? result.sequence.next : result.sequence,
            replayed: replayed)
        }
        self.answer(
          pending.requestID,
          pending.isCommit ? .commit(replies, replayed: replayed) : .write(replies[0]))
      }
    }
    startSteps()
    unregisterWhenIdle()
  }

  // MARK: - Reads

  private func enqueue(_ id: UInt64, _ kind: Step.Kind, _ start: @escaping () -> Void) {
    steps.append(Step(requestID: id, kind: kind, start: start))
    startSteps()
  }

  /// Starts what has its turn. A read waits for the writes before it to be answered, for the stream
  /// to take its answer, and where it scans for others to end; a write waits for the reads before it.
  private func startSteps() {
    while let next = steps.first {
      guard running[next.requestID] != nil else {
        steps.removeFirst()
        continue
      }
      switch next.kind {
      case .write:
        guard activeReads == 0 else { return }
      case .read:
        guard pendingWrites.isEmpty, sink?.isWritable ?? false else { return }
      case .scan:
        guard pendingWrites.isEmpty, sink?.isWritable ?? false,
          activeScans < loop.options.maxReadsAtOnce
        else { return }
      }
      steps.removeFirst()
      next.start()
    }
  }

  private func readEnded() {
    activeReads -= 1
    startSteps()
  }

  private func get(_ request: GetRequest, id: UInt64) throws(DatasyncError) {
    let plan = try GetPlan(request, catalog: loop.catalog, ownTable: ownTable)
    let flag = CancellationFlag()
    running[id] = .read(flag)
    enqueue(id, .read) { [weak self] in
      guard let self else { return }
      self.activeReads += 1
      self.loop.readRow(plan.key, in: plan.table) { [weak self] result in
        guard let self else { return }
        if self.isCurrent(flag, id) {
          do throws(DatasyncError) {
            self.answer(id, .get(try plan.reply(try result.get())))
          } catch {
            self.finish(id, error: error)
          }
        }
        self.readEnded()
      }
    }
  }

  private func query(_ request: QueryRequest, id: UInt64) throws(DatasyncError) {
    let coder = loop.pageTokens
    let historyID = loop.historyID
    let plan = try QueryPlan(request, catalog: loop.catalog, ownTable: ownTable, coder: coder)
    let flag = CancellationFlag()
    running[id] = .read(flag)
    enqueue(id, .scan) { [weak self] in
      guard let self else { return }
      self.activeReads += 1
      self.activeScans += 1
      self.loop.read(
        cancellation: flag,
        { snapshot throws(DatasyncError) in
          try plan.run(in: snapshot, historyID: historyID, coder: coder)
        },
        completion: { [weak self] (result: Swift.Result<QueryReply, DatasyncError>) in
          guard let self else { return }
          self.activeScans -= 1
          if self.isCurrent(flag, id) {
            switch result {
            case .success(let reply): self.answer(id, .query(reply))
            case .failure(let error): self.finish(id, error: error)
            }
          }
          self.readEnded()
        })
    }
  }

  /// Whether a read's request still runs: it may have been cancelled, and its id used again.
  private func isCurrent(_ flag: CancellationFlag, _ id: UInt64) -> Bool {
    if case .read(let current) = running[id] { return current === flag }
    return false
  }

  private func describe(_ name: String, id: UInt64) throws(DatasyncError) {
    running[id] = .write
    if name.isEmpty {
      answer(id, .describe(ownTable.map { [$0] } ?? loop.catalog.tables))
    } else {
      let table = try RequestNames.table(name, catalog: loop.catalog, ownTable: ownTable)
      answer(id, .describe([table]))
    }
  }

  // MARK: - Subscriptions

  private func subscribe(_ request: SubscribeRequest, id: UInt64) throws(DatasyncError) {
    guard let sink else { return }
    guard subscriptionCount < loop.options.maxSubscriptionsPerSession else {
      throw DatasyncError(
        .resourceExhausted, reason: "MAX_SUBSCRIPTIONS_PER_SESSION",
        "a session has at most \(loop.options.maxSubscriptionsPerSession) subscriptions")
    }
    let plan = try SubscriptionPlan(
      request, catalog: loop.catalog, ownTable: ownTable, options: loop.options)
    let subscription = Subscription(
      requestID: id, plan: plan, clientID: caller.clientID, loop: loop, sink: sink
    ) { [weak self] error in
      self?.finish(id, error: error)
    }
    running[id] = .subscription(subscription)
    subscriptionCount += 1
    // It sees what the session wrote before it, as a read does.
    enqueue(id, .read) { subscription.start() }
  }

  private func changes(_ request: ChangesRequest, id: UInt64) throws(DatasyncError) {
    let poll = try LongPoll(request, caller: caller, loop: loop, ownTable: ownTable) {
      [weak self] result in
      switch result {
      case .success(let reply): self?.answer(id, .changes(reply))
      case .failure(let error): self?.finish(id, error: error)
      }
    }
    running[id] = .longPoll(poll)
    poll.start()
  }
}

extension Write {
  fileprivate var byteCount: Int {
    switch self {
    case .create(let entity), .replace(let entity, _), .update(let entity, _, _):
      128 + (entity?.bytes.count ?? 0)
    case .delete(_, let id, _): 128 + id.utf8.count
    }
  }
}

extension DatasyncError {
  /// The same error, of one write of a commit.
  fileprivate func at(writeIndex index: Int) -> DatasyncError {
    var error = self
    error.metadata["write_index"] = String(index)
    return error
  }
}
