import DatasyncMessages
import DatasyncModel
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
  /// Held until ``abandon()``, which whoever the sink is calls at its end.
  var sink: (any ResponseSink)?

  var running: [UInt64: Running] = [:]
  /// When requests began; empty where nobody counts.
  private var started: [UInt64: ServiceMetrics.Started] = [:]
  private(set) var subscriptionCount = 0
  /// Of the subscriptions' filters.
  private var filterBytes = 0
  var registration: UInt64?
  /// Writes handed to the store, by ticket; the order of tickets is the order of sending.
  var pendingWrites: [UInt64: PendingWrite] = [:]
  var nextTicket: UInt64 = 1
  /// Told when no write that had begun is unanswered; set: none is begun any more.
  var whenWritesEnded: (() -> Void)?
  /// One that hooks look at: nothing begins before its end.
  var hookedWrite: HookedWrite?
  /// What waits for its turn, in the order of sending.
  var steps: Deque<Step> = []
  /// Reads whose turn has come and that are not done with the store.
  var activeReads = 0
  /// Of them, those of one row: pages wait for their answers.
  var activeGets = 0
  /// Scans that hold a page, or work on one.
  var activeScans = 0
  /// Scans whose turn has come while there are enough at work.
  var waitingScans: Deque<Step> = []
  /// Pages that came while the stream took no more; each is sent by its closure.
  var waitingPages: Deque<() -> Void> = []
  /// Of pages that wait; the loop counts them, too.
  var heldPageBytes = 0
  /// Subscriptions that would send if the stream took it, in the order of their turns.
  private var waitingSubscriptions: Deque<Subscription> = []

  enum Running {
    case write
    case read(CancellationFlag)
    case subscription(Subscription)
    case longPoll(LongPoll)
  }

  struct PendingWrite {
    let requestID: UInt64
    let isCommit: Bool
    /// Whether it is ``Operations/hookedWrite``.
    var isHooked = false
  }

  struct Step {
    enum Kind {
      case write
      case hookedWrite
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

  /// For the request at hand.
  var resolver: RequestResolver {
    RequestResolver(loop.requests, catalog: loop.catalog, ownTable: ownTable, caller: caller)
  }

  /// Requests that run, subscriptions aside.
  var inFlight: Int { running.count - subscriptionCount }
  var isIdle: Bool { running.isEmpty }
  func isRunning(_ requestID: UInt64) -> Bool { running[requestID] != nil }

  // MARK: - Requests

  /// Starts a request whose id is free. Every path leads to one last word for it.
  func start(_ request: Request, id: UInt64) {
    if loop.metrics.isOn { started[id] = loop.metrics.started(request) }
    do throws(DatasyncError) {
      try checkCredentials()
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
        throw .unimplemented("`authenticate` is a request of a session")
      case .open, .cancel:
        throw .unimplemented("`open` and `cancel` are requests of a session")
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
      if let hookedWrite, hookedWrite.requestID == requestID, hookedWrite.isBeforeWriting {
        hookedWrite.abandon()
        startSteps()
      }
    }
    return true
  }

  /// The call is gone, whoever ended it: nobody hears more. A write that nobody can be told of is not
  /// begun; one that is takes effect.
  func abandon() {
    sink = nil
    whenWritesEnded = nil
    for ticket in withdraw() { pendingWrites[ticket] = nil }
    let requests = Array(running.values)
    running = [:]
    if subscriptionCount > 0 { subscriptionsLeft(subscriptionCount) }
    subscriptionCount = 0
    filterBytes = 0
    for started in started.values { loop.metrics.ended(started, .cancelled) }
    started = [:]
    steps.removeAll()
    waitingScans.removeAll()
    waitingPages.removeAll()
    loop.pageBytesHeld -= heldPageBytes
    heldPageBytes = 0
    waitingSubscriptions.removeAll()
    for request in requests {
      switch request {
      case .subscription(let subscription):
        subscription.cancel()
        loop.release(subscription)
      case .read(let flag): flag.cancel()
      case .longPoll(let poll): poll.cancel()
      case .write: break
      }
    }
    if let hookedWrite,
      hookedWrite.isBeforeWriting || hookedWrite.ticket.map({ pendingWrites[$0] == nil }) ?? false
    {
      hookedWrite.abandon()
    }
    unregisterWhenIdle()
  }

  /// The stream takes more again: small answers go first, then pages that are ready and subscriptions
  /// that wait have their turns, one of each.
  func drained() {
    startSteps()
    takeTurns()
  }

  func takeTurns() {
    var turns = waitingSubscriptions.count
    while activeGets == 0, sink?.isWritable ?? false, turns > 0 || !waitingPages.isEmpty {
      waitingPages.popFirst()?()
      guard turns > 0, sink?.isWritable ?? false else { continue }
      turns -= 1
      waitingSubscriptions.popFirst()?.drained()
    }
  }

  func awaitDrain(_ subscription: Subscription) {
    waitingSubscriptions.append(subscription)
  }

  func answer(_ requestID: UInt64, _ response: Response) {
    guard remove(requestID) else { return }
    noteEnd(of: requestID, nil)
    sink?.answer(requestID, response)
    if FaultSwitch.strikes(.doubleAnswer) { sink?.answer(requestID, response) }
    sink?.requestEnded()
  }

  /// Ends a request, whether it runs or could not be started.
  func finish(_ requestID: UInt64, error: DatasyncError?) {
    _ = remove(requestID)
    noteEnd(of: requestID, error?.code)
    sink?.finish(requestID, error: error)
    sink?.requestEnded()
  }

  private func remove(_ requestID: UInt64) -> Bool {
    guard let request = running.removeValue(forKey: requestID) else { return false }
    if case .subscription(let subscription) = request {
      subscriptionCount -= 1
      filterBytes -= subscription.filterBytes
      subscriptionsLeft(1)
    }
    return true
  }

  private func noteEnd(of requestID: UInt64, _ code: DatasyncError.Code?) {
    guard loop.metrics.isOn, let started = started.removeValue(forKey: requestID) else { return }
    loop.metrics.ended(started, code)
  }

  // MARK: - Subscriptions

  /// Those that run, in the order of their ids.
  var subscriptions: [Subscription] {
    running.sorted { $0.key < $1.key }.compactMap { _, request in
      if case .subscription(let subscription) = request { subscription } else { nil }
    }
  }

  private func subscriptionsLeft(_ number: Int) {
    loop.subscriptionCount.leave(number)
    loop.metrics.subscriptionsChanged(by: -number)
  }

  func subscribe(_ request: SubscribeRequest, id: UInt64) throws(DatasyncError) {
    guard let sink else { return }
    guard subscriptionCount < loop.options.maxSubscriptionsPerSession else {
      throw DatasyncError(
        .resourceExhausted, reason: "MAX_SUBSCRIPTIONS_PER_SESSION",
        "a session has at most \(loop.options.maxSubscriptionsPerSession) subscriptions",
        metadata: ["limit": "max_subscriptions_per_session"])
    }
    let plan = try resolver.subscription(request)
    let subscription = Subscription(
      requestID: id, plan: plan, author: caller.author, turn: caller.turn, loop: loop,
      sink: sink)
    let limit = loop.options.maxFilterBytesPerSession
    guard filterBytes + subscription.filterBytes <= limit else {
      throw DatasyncError(
        .resourceExhausted, reason: "MAX_FILTER_BYTES_PER_SESSION",
        "the filters of a session's subscriptions take at most \(limit) bytes, and with this one "
          + "they would take \(filterBytes + subscription.filterBytes)",
        metadata: ["limit": "max_filter_bytes_per_session"])
    }
    try loop.subscriptionCount.admit()
    running[id] = .subscription(subscription)
    subscriptionCount += 1
    filterBytes += subscription.filterBytes
    loop.metrics.subscriptionsChanged(by: 1)
    // It sees what the session wrote before it, as a read does.
    enqueue(id, .read) { subscription.start() }
  }

  func changes(_ request: ChangesRequest, id: UInt64) throws(DatasyncError) {
    let poll = try LongPoll(request, resolver, loop: loop) {
      [self] result in
      switch result {
      case .success(let reply): answer(id, .changes(reply))
      case .failure(let error): finish(id, error: error)
      }
    }
    running[id] = .longPoll(poll)
    poll.start()
  }
}
