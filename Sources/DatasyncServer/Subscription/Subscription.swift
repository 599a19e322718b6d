import DatasyncAccess
import DatasyncFilter
import DatasyncModel
import DatasyncStorage
import NIOCore

/// One subscription: a position in the log, and what its view makes of the commits after it.
/// Loop-bound.
///
/// Nothing is queued here. A subscription whose stream does not take more falls back to its position
/// and is served from the log when the stream has drained:
///
///     snapshotting ──► replaying ◄──► live
///          │             ▲  │          │      resting: waits for the end of its interval
///          │             │  ▼          │
///          │           resting         │
///          └──────────────┴────────────┴──► ended
///
/// Where its caller's rights change it is judging, from any of them, and then replaying.
final class Subscription: SlotHolder {
  let requestID: UInt64
  var plan: SubscriptionPlan
  /// Whose own changes are its own.
  var author: Author {
    didSet { authorTag = Subscription.tag(of: author) }
  }
  /// As ``EventBatch/onlyAuthorTag``; nil: nothing is its own.
  private(set) var authorTag: Int?
  /// See ``Caller/turn``.
  let turn: UInt64
  let loop: ServiceLoop
  var view: View { plan.view }
  /// Of its filter, as its session counts them.
  let filterBytes: Int
  var slot = 0
  /// While it is live: those that see the same.
  private(set) var audience: Audience?

  var phase = Phase.starting
  /// Held until the end, which whoever owns the sink makes sure of; hears how it ended, unless it
  /// was cancelled.
  private(set) var sink: (any EventSink)?
  /// Whether the checkpoint marked `current` has been sent.
  private(set) var isCurrent = false
  /// Whether a change was sent after the last checkpoint.
  var owesCheckpoint = false
  var lastCheckpoint: NIODeadline
  /// The places in the loop's two ``TimerQueue``s, which alone touch them.
  var heartbeatPlace = TimerQueue.Place.none
  var intervalPlace = TimerQueue.Place.none
  private var isAwaitingDrain = false
  /// Of reads of the log, which end with the subscription; most never have one.
  private var logReads: CancellationFlag?
  /// Whether its filter has taken too much on the loop: it catches up away from it.
  var readsLog = false

  /// Of a replay from the log.
  var pages: ReplayPages { boxedPages?.pages ?? ReplayPages() }
  var boxedPages: ReplayPages.Box?
  /// Why it sends nothing for a moment.
  var holds: SubscriptionHold = []
  /// Of the sets that belong to its caller; nil: its view needs none.
  var holder: MembershipHolder?
  var stage = Stage.queued
  /// Whether its caller has shown other credentials: what comes of that is said, also where it is nothing.
  var owesJudgement = false
  var waitingChange: WaitingChange?
  /// Rises when the view becomes another: pages made for the one before are of no use.
  var viewGeneration = 0

  /// How far it is on its way to begin.
  enum Stage {
    /// It waits for its turn.
    case queued
    /// For what its caller may read.
    case awaitingSets
    case begun
  }

  enum Phase {
    case starting
    indirect case snapshotting(InitialRows)
    /// What has been sent is judged by other rights.
    indirect case judging(Judgement)
    /// Everything up to `position` has been sent; `isReading`: a page of the log is on its way.
    case replaying(position: Sequence, isReading: Bool)
    /// The interval began at a time; it may be over for long, where nothing has come since.
    case resting(position: Sequence, since: NIODeadline)
    /// Its position is the loop's head.
    case live
    case ended
  }

  init(
    requestID: UInt64, plan: SubscriptionPlan, author: Author, turn: UInt64 = 0,
    loop: ServiceLoop, sink: any EventSink
  ) {
    self.turn = turn
    self.requestID = requestID
    self.plan = plan
    filterBytes = plan.view.condition.byteCount
    self.author = author
    authorTag = Subscription.tag(of: author)
    self.loop = loop
    self.sink = sink
    lastCheckpoint = loop.eventLoop.now
  }

  private static func tag(of author: Author) -> Int? {
    author.clientID.isEmpty ? nil : author.hashValue
  }

  var isEnded: Bool {
    if case .ended = phase { return true }
    return false
  }

  /// Everything up to here has been sent; nil before the initial rows are complete.
  var position: Sequence? {
    switch phase {
    case .live: loop.head
    case .replaying(let position, _), .resting(let position, _): position
    case .starting, .snapshotting, .judging, .ended: nil
    }
  }

  /// Where ``position`` is within a commit: its first sequence.
  var commitStart: Sequence? { pages.within?.start }

  // MARK: - Life

  func start() {
    scheduleHeartbeat()
    guard plan.memberships.isEmpty else {
      stage = .awaitingSets
      return useRights(plan.rights)
    }
    stage = .begun
    begin()
  }

  /// Starts, once it is known what its caller may read.
  func begin() {
    switch plan.start {
    case .rows:
      startInitialRows()
    case .now:
      afterAnswered { $0.startNow() }
    case .after(let token):
      afterAnswered { $0.resume(after: token) }
    }
    plan.start = .now
  }

  /// Goes on once this loop has published every write that any loop has answered: whoever subscribes
  /// after an answer finds its change in what is current.
  private func afterAnswered(_ body: @escaping (Subscription) -> Void) {
    loop.whenPublished(loop.store.head) { [self] in
      if !isEnded { body(self) }
    }
  }

  /// Says where it starts before anything else, also where the stream is full: a change without a
  /// position before it is one from which nobody can resume.
  private func startNow() {
    let position = loop.head
    phase = .replaying(position: position, isReading: false)
    sendCurrent(at: position)
    pump()
  }

  /// A token may be ahead of what this loop has published, by the batch that is on its way; ahead of
  /// the database it belongs to a history that is no more.
  private func resume(after token: ResumeToken) {
    if FaultSwitch.isOn(.loseOnResume) { return advance(to: token.sequence.next) }
    if let start = token.commitStart { holdPages { $0.within = CommitCut(start: start) } }
    // A look at the database shows whether its content is still of the token's history.
    loop.read(.log, isShort: true, { $0.sequence }) {
      [self] (result: Result<Sequence, DatasyncError>) in
      guard !isEnded else { return }
      switch result {
      case .failure(let error): end(error)
      case .success(let sequence):
        guard token.historyID == loop.historyID, token.sequence <= sequence else {
          return end(.historyReplaced)
        }
        loop.whenPublished(token.sequence) { [self] in
          // As it is now: what the caller may read may have changed since it asked.
          guard token.mark == plan.mark || FaultSwitch.isOn(.anyMark) else {
            return end(.viewChanged)
          }
          advance(to: token.sequence)
        }
      }
    }
  }

  /// Everything up to the position has been sent: goes on with what follows.
  func advance(to position: Sequence) {
    guard !isEnded else { return }
    phase = .replaying(position: position, isReading: false)
    pump()
  }

  func end(_ error: DatasyncError?) {
    guard !isEnded else { return }
    let sink = sink
    cancel()
    sink?.subscriptionEnded(requestID, error: error)
  }

  /// Ends without a word.
  func cancel() {
    guard !isEnded else { return }
    if case .live = phase { loop.live.remove(self) }
    if case .snapshotting(let rows) = phase { rows.cancellation.cancel() }
    if case .judging(let judgement) = phase { judgement.cancellation.cancel() }
    loop.memberships.leave(self)
    logReads?.cancel()
    phase = .ended
    dropPages()
    sink = nil
    loop.heartbeats.remove(self)
    loop.intervals.remove(self)
  }

  func cancellationOfLogReads() -> CancellationFlag {
    if let logReads { return logReads }
    let flag = CancellationFlag()
    logReads = flag
    return flag
  }

  /// Whether the stream takes more now; where it does not, ``drained()`` follows when it does.
  var maySend: Bool {
    guard let sink else { return false }
    if sink.isWritable { return true }
    if !isAwaitingDrain {
      isAwaitingDrain = true
      sink.awaitDrain(self)
    }
    return false
  }

  /// The stream takes more again.
  func drained() {
    isAwaitingDrain = false
    switch phase {
    case .snapshotting: readInitialRows()
    case .judging: goOnJudging()
    case .replaying: pump()
    case .starting, .resting, .live, .ended: break
    }
  }

  var audienceKey: Audience.Key {
    Audience.Key(
      filter: ExactText(view.condition.text), rights: view.rightsKey,
      filterColumns: view.condition.namedColumns,
      selected: view.selected, sendsEveryUpdate: view.sendsEveryUpdate,
      includeDeleted: view.includeDeleted, wantsPrevious: plan.wantsPrevious,
      isTyped: sink?.isTyped ?? false, generation: view.table?.generation ?? 0)
  }

  /// Shares the view of the others.
  func joined(_ audience: Audience) {
    self.audience = audience
    plan.view = audience.view
  }

  func leftAudience() {
    audience = nil
  }

  func becomeLive(at position: Sequence) {
    if let interval = plan.minInterval {
      let now = loop.eventLoop.now
      phase = .resting(position: position, since: now)
      settle(at: position)
      if !isEnded { loop.intervals.insert(self, due: now + interval) }
      return
    }
    phase = .live
    readsLog = false
    loop.live.insert(self)
    settle(at: position)
  }

  /// Says where the subscription stands, where that is owed.
  private func settle(at position: Sequence) {
    if !isCurrent {
      sendCurrent(at: position)
    } else if owesCheckpoint {
      sendCheckpoint(at: position)
    }
  }

  func sendCurrent(at position: Sequence) {
    isCurrent = true
    owesCheckpoint = false
    lastCheckpoint = loop.eventLoop.now
    sink?.send(
      checkpoint: loop.encodedCheckpoint(at: position, isCurrent: true, mark: plan.mark),
      for: requestID)
    if plan.once { end(nil) }
  }

  /// It has to be said anew where the view is current.
  func owesCurrent() {
    isCurrent = false
  }

  /// Nothing where the position is within a commit: the checkpoint is owed until its end.
  func sendCheckpoint(at position: Sequence) {
    guard pages.within == nil else { return }
    owesCheckpoint = false
    lastCheckpoint = loop.eventLoop.now
    sink?.send(
      checkpoint: loop.encodedCheckpoint(at: position, isCurrent: false, mark: plan.mark),
      for: requestID)
  }

  // MARK: - Heartbeats

  private func scheduleHeartbeat() {
    loop.heartbeats.insert(self, due: lastCheckpoint + plan.heartbeat)
  }

  func heartbeat() {
    guard !isEnded else { return }
    let now = loop.eventLoop.now
    if now + Subscription.heartbeatGrain >= lastCheckpoint + plan.heartbeat {
      if let position = checkpointPosition { sendCheckpoint(at: position) }
      // Where nothing can be said now: look again after the same time.
      lastCheckpoint = now
    }
    if !isEnded { scheduleHeartbeat() }
  }

  /// Where the view is exact now; nil where it is not, or where the stream takes nothing.
  private var checkpointPosition: Sequence? {
    sink?.isWritable ?? false && pages.within == nil ? position : nil
  }

  // MARK: - Rights and schema

  func take(_ rights: Rights?, _ sets: MembershipSets) {
    plan.rights = rights
    author.principal = rights?.principal.id ?? ""
    plan.sets = sets
    plan.mark = rights?.mark(of: view.table, in: loop.catalog, by: loop.tokens, sets: sets)
  }

  func catalogChanged(_ catalog: Catalog) {
    let rights = plan.rights.flatMap { loop.requests.access?.rights(of: $0.principal) }
    guard view.table != nil || rights != nil else { return }
    if let table = view.table, rights == nil,
      catalog.table(id: table.id)?.generation == table.generation
    {
      return
    }
    // Rows of the new schema cannot be held against what was sent by the old one's rules.
    if case .judging = phase { return end(.viewChanged) }
    take { () throws(DatasyncError) in
      try adaptedView(to: catalog, rights: rights, sets: plan.sets)
    }
    guard !isEnded, rights != nil else { return }
    take(rights, plan.sets)
    useRights(rights)
  }

  /// - Throws: Why there is no such view any more.
  func adaptedView(
    to catalog: Catalog, rights: Rights?, sets: MembershipSets
  ) throws(DatasyncError) -> View {
    guard let old = view.table else {
      return try view.adapted(
        to: nil, in: catalog, filters: loop.filters, rights: rights, sets: sets)
    }
    guard let table = catalog.table(id: old.id) else { throw .tableGone(old) }
    guard table.systemNames == old.systemNames else { throw .fieldsRenamed(table.name) }
    return try view.adapted(
      to: try rights?.table(table, for: .read) ?? table, in: catalog, filters: loop.filters,
      rights: rights, sets: sets)
  }

  /// Another view from the same position on.
  private func take(_ make: () throws(DatasyncError) -> View) {
    let isLive: Bool
    if case .live = phase { isLive = true } else { isLive = false }
    if isLive { loop.live.remove(self) }
    dropPages()
    do throws(DatasyncError) {
      plan.view = try make()
    } catch {
      return end(error)
    }
    if isLive { loop.live.insert(self) }
  }

  /// The table's history begins anew: what a subscription has seen of it is no longer the base of
  /// what follows.
  func tableAttached(_ table: Int, at sequence: Sequence) {
    guard view.part(of: table) != nil else { return }
    end(.tableAttached(at: sequence))
  }
}
