import DatasyncMessages
import DatasyncModel
import DatasyncRPC
import DatasyncStorage
import Logging
import NIOCore

/// What one event loop owns of the service: its calls, its subscriptions, the tail of the log. Its parts
/// know what they are about, and this brings a batch, a read or a request to them. Loop-bound; nothing in it
/// is locked, since nobody else touches it.
final class ServiceLoop {
  let index: Int
  let eventLoop: any EventLoop
  let store: any Storage
  let options: ServiceOptions
  let logger: Logger
  /// Both shared by all loops.
  let metrics: ServiceMetrics
  let log: ServiceLog
  let decoder: RequestDecoder
  let encoder = ResponseEncoder()
  /// Makes and reads the tokens of this database.
  let tokens: TokenCoder
  private(set) var catalog: Catalog
  /// The last commit that this loop has published.
  private(set) var head: Sequence
  private(set) var tail: CommitTail
  /// Of the subscriptions of all loops.
  let filters: FilterShelf
  /// The same.
  let subscriptionCount: SubscriptionCount
  /// The same.
  let sessionCounts: SessionCounts
  /// What requests are resolved with.
  let requests: RequestContext
  let memos: RowMemos
  let heartbeats: TimerQueue
  /// Of the subscriptions that say something at most once in an interval.
  let intervals: TimerQueue
  let live: LiveDelivery
  let pointReads = PointReads()
  var requesters = WriteRequesters()
  let credentialHolders: CredentialHolders
  let memberships = MembershipWatch()
  /// Of those who follow the log by name.
  let consumerDesk: ConsumerDesk
  private var positions = PublishedPositions()
  private var checkpoint: (sequence: Sequence, bytes: [UInt8])?
  /// The same with the marks of those who may not read everything.
  private var markedCheckpoints: (sequence: Sequence, bytes: [ViewMark: [UInt8]]) = (.zero, [:])
  /// Pages of the log held by subscriptions that will send them next.
  var pagesHeld = 0
  /// Of pages of queries that wait for streams that are full.
  var pageBytesHeld = 0

  private var lastTurn: UInt64 = 0
  /// Of what becomes of pages: each may be a megabyte to be encoded.
  private let turns: NIOLoopBound<TurnQueue>
  /// Subscriptions that have ended, to be freed in turns.
  private var released: [Subscription] = []
  /// Whether the writer starts at the end of this tick.
  private var startsWriting = false

  init(
    index: Int, eventLoop: any EventLoop, store: any Storage, head: Sequence,
    options: ServiceOptions,
    logger: Logger, metrics: ServiceMetrics = ServiceMetrics(), log: ServiceLog? = nil,
    filters: FilterShelf? = nil, subscriptionCount: SubscriptionCount? = nil,
    sessionCounts: SessionCounts = SessionCounts(), access: AccessControl? = nil,
    hooks: HookSet? = nil
  ) {
    self.sessionCounts = sessionCounts
    self.subscriptionCount =
      subscriptionCount ?? SubscriptionCount(max: options.maxSubscriptions)
    self.metrics = metrics
    self.log = log ?? ServiceLog(logger: logger)
    self.index = index
    self.eventLoop = eventLoop
    self.store = store
    self.options = options
    self.logger = logger
    self.head = head
    catalog = store.catalog
    decoder = RequestDecoder(maxBytes: options.maxDecodedBytes)
    tokens = TokenCoder(key: store.tokenKey)
    let filters = filters ?? FilterShelf(maxBytes: options.maxFilterBytes)
    self.filters = filters
    requests = RequestContext(
      store: store, options: options, tokens: tokens, filters: filters, access: access,
      hooks: hooks)
    memos = RowMemos(options.filterBudget, terms: filters.terms)
    live = LiveDelivery(memos: memos, options: options)
    turns = NIOLoopBound(TurnQueue(eventLoop: eventLoop), eventLoop: eventLoop)
    credentialHolders = CredentialHolders(turns: turns)
    consumerDesk = ConsumerDesk(eventLoop: eventLoop)
    heartbeats = TimerQueue(eventLoop: eventLoop, purpose: .heartbeat)
    intervals = TimerQueue(eventLoop: eventLoop, purpose: .interval)
    tail = CommitTail(start: head, maxBytes: options.tailBytes)
  }

  var historyID: String { store.historyID }

  /// An error is on its way to a client: where it is a limit's, that counts.
  func note(_ error: DatasyncError?) {
    if let limit = error?.metadata["limit"] { noteLimit(limit) }
  }

  /// A limit has struck.
  func noteLimit(_ name: String) {
    options.limits?.limitReached(named: name)
  }

  // MARK: - Calls

  /// Of a session, and of no other on any loop. Connections have theirs from 1 on.
  func makeTurn() -> UInt64 {
    lastTurn += 1
    return UInt64(index + 1) << 48 | lastTurn
  }

  // MARK: - Writes

  /// Queues a write; the writer starts at the end of the tick, so that all that comes in one tick is
  /// committed together.
  func submit(_ request: WriteRequest) throws(DatasyncError) {
    try store.submit(request, startsNow: false)
    guard !startsWriting else { return }
    startsWriting = true
    eventLoop.assumeIsolated().execute { [self] in
      startsWriting = false
      store.startWriting()
    }
  }

  // MARK: - Batches

  /// Takes what the writer did: first the answers, then the commits, so that a session sees the
  /// answer to a write before its event.
  ///
  /// - Returns: How many subscriptions got something.
  func deliver(_ batch: CommittedBatch) -> Int {
    if !FaultSwitch.isOn(.eventBeforeResponse) { answerWrites(of: batch) }
    live.begin(at: eventLoop.now)
    for commit in batch.commits where commit.last > head {
      tail.append(commit)
      memberships.note(commit, in: self)
      if commit.isInLogOnly { fallBack(before: commit) } else { publish(commit) }
      head = commit.last
    }
    head = max(head, batch.head)
    memos.release()
    // Views are exact at the head then.
    live.sendAll { endOfBatch }
    live.end()
    if FaultSwitch.isOn(.eventBeforeResponse) { answerWrites(of: batch) }
    for body in positions.takeReady(at: head) { body() }
    memberships.readNext(in: self)
    if !batch.commits.isEmpty { intervals.wakeIdle() }
    return live.subscriptionsReached
  }

  private func answerWrites(of batch: CommittedBatch) {
    for answer in batch.answers where answer.replyTo.loop == index {
      requesters[answer.replyTo.session]?.answered(answer)
    }
  }

  /// Whoever is live reads the commit from the log, in pieces: it is too large for memory.
  private func fallBack(before commit: Commit) {
    // What came before it is sent, without a checkpoint: the head is beyond.
    live.sendAll { nil }
    let position = Sequence(commit.first.rawValue - 1)
    for subscription in heartbeats.subscriptions where subscription.isLive {
      subscription.fallBack(to: position)
      positions.wait(for: commit.last) { subscription.pump() }
    }
  }

  /// A live subscription reads the log from a position on, once this loop has published so much.
  func sendToLog(_ subscription: Subscription, from position: Sequence, through end: Sequence) {
    guard subscription.isLive else { return }
    subscription.readsLog = true
    subscription.fallBack(to: position)
    positions.wait(for: end) { subscription.pump() }
  }

  private func publish(_ commit: Commit) {
    for change in commit.changes {
      guard let change = judged(change, of: commit) else { continue }
      live.show(change, of: commit, in: self)
    }
  }

  /// To free a filter like this takes about as long as to read it.
  private static let largeFilterBytes = 4096

  /// Keeps a subscription that has ended, and whose filter is large, until there is time to free it.
  func release(_ subscription: Subscription) {
    guard subscription.filterBytes >= ServiceLoop.largeFilterBytes else { return }
    released.append(subscription)
    turns.value.append { [self] in released.removeLast() }
  }

  /// nil for what no subscription can see: an attached table, after ending those that must end, and
  /// tables that are no longer served.
  private func judged(_ change: Change, of commit: Commit) -> JudgedChange? {
    if change.operation == .tableAttached {
      // What came before it has to be sent before subscriptions end.
      live.sendAll { endOfBatch }
      live.forEach(inTable: change.tableID) {
        $0.tableAttached(change.tableID, at: change.sequence)
      }
      return nil
    }
    guard let table = catalog.table(id: change.tableID) else { return nil }
    return JudgedChange(
      change: change, table: table, commit: commit, maxRowBytes: options.maxRowBytes,
      memos: memos)
  }

  // MARK: - Positions

  /// Runs the closure once this loop has published everything up to a position. A reader may be
  /// ahead of the batch that is about to come.
  func whenPublished(_ position: Sequence, _ body: @escaping () -> Void) {
    if position <= head, !live.isAtWork { return body() }
    positions.wait(for: position, body)
  }

  /// Of more marks at one position, checkpoints are encoded again.
  private static let maxMarkedCheckpoints = 4096

  /// Views are exact at the head.
  private var endOfBatch: EventBatch.End {
    // What a checkpoint says of its receiver's rights is not the same for all.
    if requests.access != nil { return .position(head) }
    return .checkpoint(encodedCheckpoint(at: head, isCurrent: false, mark: nil))
  }

  /// The checkpoint of a position, encoded once for all with the same mark that stand there.
  func encodedCheckpoint(at sequence: Sequence, isCurrent: Bool, mark: ViewMark?) -> [UInt8] {
    guard !isCurrent else { return makeCheckpoint(at: sequence, isCurrent: true, mark) }
    guard let mark else {
      if let checkpoint, checkpoint.sequence == sequence { return checkpoint.bytes }
      let bytes = makeCheckpoint(at: sequence, isCurrent: false, nil)
      checkpoint = (sequence, bytes)
      return bytes
    }
    if markedCheckpoints.sequence != sequence
      || markedCheckpoints.bytes.count >= ServiceLoop.maxMarkedCheckpoints
    {
      markedCheckpoints.sequence = sequence
      markedCheckpoints.bytes.removeAll(keepingCapacity: true)
    }
    if let bytes = markedCheckpoints.bytes[mark] { return bytes }
    let bytes = makeCheckpoint(at: sequence, isCurrent: false, mark)
    markedCheckpoints.bytes[mark] = bytes
    return bytes
  }

  private func makeCheckpoint(
    at sequence: Sequence, isCurrent: Bool, _ mark: ViewMark?
  ) -> [UInt8] {
    let named = FaultSwitch.isOn(.wrongToken) ? Sequence(max(1, sequence.rawValue) - 1) : sequence
    let token = ResumeToken(historyID: historyID, sequence: named, mark: mark)
    return DatasyncMessages.encodedCheckpoint(
      resumeToken: token.text(coder: tokens), sequence: sequence, isCurrent: isCurrent)
  }

  // MARK: - Catalog

  func catalogChanged(_ catalog: Catalog) {
    guard catalog.generation > self.catalog.generation else { return }
    self.catalog = catalog
    for subscription in heartbeats.subscriptions { subscription.catalogChanged(catalog) }
  }

  /// The access file has changed: nothing more is sent to whom it may concern until that is judged, so that
  /// everybody is judged as of now.
  func accessChanged() {
    for subscription in heartbeats.subscriptions where subscription.plan.rights != nil {
      subscription.hold(.access)
    }
    credentialHolders.accessChanged()
  }

  /// What any subscription has sent belongs to a history that is no more.
  func historyReplaced() {
    checkpoint = nil
    markedCheckpoints = (.zero, [:])
    for subscription in heartbeats.subscriptions { subscription.end(.historyReplaced) }
  }

  // MARK: - Reads

  /// Runs a closure in a snapshot on a reader thread, and the completion back on this loop.
  func read<Result: Sendable>(
    _ scope: ReadScope, cancellation: CancellationFlag? = nil, turn: UInt64 = 0,
    isShort: Bool = false,
    _ body: @escaping @Sendable (any StorageSnapshot) throws(DatasyncError) -> Result,
    completion: @escaping (Swift.Result<Result, DatasyncError>) -> Void
  ) {
    let eventLoop = eventLoop
    let completion = NIOLoopBound(completion, eventLoop: eventLoop)
    let log = log
    let turns = isShort ? nil : turns
    store.read(
      scope, cancellation: cancellation, client: turn, isShort: isShort, body
    ) { result in
      if case .failure(let error) = result { log.readFailed(error) }
      eventLoop.execute {
        guard let turns else { return completion.value(result) }
        turns.value.perform { completion.value(result) }
      }
    }
  }

  /// Reads one row; all that come in one tick share a snapshot and a hop.
  func readRow(
    _ key: String, in table: Table, completion: @escaping PointReads.Completion
  ) {
    pointReads.append(key, in: table, on: self, completion: completion)
  }
}
