import DatasyncMessages
import DatasyncModel
import DatasyncStorage
import NIOCore

/// One `Changes` call: a subscription that ends with its first batch of changes, or when the wait is
/// over. Loop-bound.
final class LongPoll: EventSink {
  let isTyped = false
  private let loop: ServiceLoop
  private let maxChanges: Int
  private let maxWait: TimeAmount
  private let completion: (Result<ChangesReply, DatasyncError>) -> Void
  private(set) var subscription: Subscription?
  private var timeout: Scheduled<Void>?
  private var changes: [[UInt8]] = []
  private var unreadable: [[UInt8]] = []
  private var byteCount = 0
  /// The last change sent is followed by another of its commit.
  private var isWithinCommit = false
  /// What came next would have been too large for the answer.
  private var isFull = false
  /// The wait is over, or there are changes enough: it answers once the commit at hand has come.
  private var isDue = false
  private var isEnded = false

  init(
    _ request: ChangesRequest, _ resolver: RequestResolver, loop: ServiceLoop,
    completion: @escaping (Result<ChangesReply, DatasyncError>) -> Void
  ) throws(DatasyncError) {
    self.loop = loop
    self.completion = completion
    maxChanges = request.maxChanges == 0 ? 1000 : Int(min(request.maxChanges, 100_000))
    let wait = try SubscriptionPlan.amount(request.maxWait, field: "max_wait")
    maxWait = min(wait, loop.options.maxLongPoll)
    let plan = try resolver.changes(request)
    hasToken = !request.resumeToken.isEmpty
    subscription = Subscription(
      requestID: 0, plan: plan, author: resolver.caller.author, turn: resolver.caller.turn,
      loop: loop,
      sink: self)
  }

  private let hasToken: Bool

  func start() {
    // What depends on memberships is known a moment later.
    guard !hasToken, subscription?.plan.memberships.isEmpty == true else {
      subscription?.start()
      return
    }
    let (position, mark) = (loop.store.head, subscription?.plan.mark)
    cancel()
    completion(.success(reply(at: position, mark: mark, more: false)))
  }

  func cancel() {
    isEnded = true
    timeout?.cancel()
    subscription?.cancel()
    subscription = nil
  }

  /// Whether it may go on under other rights: its answer says what its token was asked under.
  func admits(_ rights: Rights?) -> Bool {
    guard let subscription else { return false }
    guard subscription.plan.memberships.isEmpty else {
      return rights.map { subscription.keeps($0) } ?? false
    }
    return subscription.plan.mark
      == rights?.mark(of: subscription.view.table, in: loop.catalog, by: loop.tokens)
  }

  /// Once there is enough for an answer, the subscription must stop where it is.
  var isWritable: Bool {
    !isEnded && !isFull && (eventCount < maxChanges || isWithinCommit)
  }

  /// Its answer says under which rights its token is good.
  let takesJudgements = false

  func subscriptionReleased() {
    if isDue { answerSoon() }
  }

  /// An answer ends within a commit where that is too large for it.
  let takesWholeCommits = false

  func admits(_ count: Int) -> Bool {
    guard !isFull else { return false }
    let limit = loop.options.maxRowBytes
    guard eventCount > 0, byteCount + count + LongPoll.eventOverhead > limit else { return true }
    isFull = true
    answerSoon()
    return false
  }

  /// Of an event in an answer, beside its bytes.
  private static let eventOverhead = 16

  private var eventCount: Int { changes.count + unreadable.count }

  /// It is full once, and then it answers.
  func awaitDrain(_ subscription: Subscription) {}

  func sharedForm(for requestID: UInt64) -> EventForm? { nil }

  func send(framed bytes: ByteBuffer, messageCount: Int) {
    preconditionFailure("a long poll's events are sent one by one")
  }

  func send(_ event: EncodedEvent, own: Bool, more: Bool, for requestID: UInt64) {
    var writer = WireWriter(reservingCapacity: event.bytes.count + 4)
    writer.append(encoded: event.bytes)
    byteCount += event.bytes.count + LongPoll.eventOverhead
    switch event.kind {
    case .change:
      if own { writer.append(field: EventField.own, bool: true) }
      if more { writer.append(field: EventField.more, bool: true) }
      changes.append(writer.bytes)
    case .unreadable:
      if more { writer.append(field: EventField.unreadableMore, bool: true) }
      unreadable.append(writer.bytes)
    }
    isWithinCommit = more
    if !isWithinCommit, isDue || eventCount >= maxChanges { answerSoon() }
  }

  func send(checkpoint: [UInt8], for requestID: UInt64) {
    guard !isEnded else { return }
    if eventCount > 0 || maxWait == .zero || !hasToken { return answerSoon() }
    guard timeout == nil else { return }
    let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
    timeout = loop.eventLoop.scheduleTask(in: maxWait) { bound.value.answer() }
  }

  func subscriptionEnded(_ requestID: UInt64, error: DatasyncError?) {
    guard !isEnded, let error else { return }
    cancel()
    completion(.failure(error))
  }

  /// The subscription calls from within its step: its position is settled at the end of the tick.
  private func answerSoon() {
    timeout?.cancel()
    let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
    loop.eventLoop.execute { bound.value.answer() }
  }

  /// A subscription may be between two of its turns with a commit half sent.
  private func answer() {
    guard !isEnded, let subscription, var position = subscription.position else { return }
    isDue = true
    guard !subscription.isHeld, !isWithinCommit || isFull else { return }
    var commitStart = subscription.commitStart
    if let start = commitStart, !isWithinCommit {
      // Of the commit that it is within, nothing was sent, and what is held of it ends with the call.
      position = Sequence(start.rawValue - 1)
      commitStart = nil
    }
    let mark = subscription.plan.mark
    cancel()
    let skips = FaultSwitch.isOn(.pollGap) && position < loop.head
    completion(
      .success(
        reply(
          at: skips ? position.next : position, commitStart: commitStart, mark: mark,
          more: position < loop.head)))
  }

  private func reply(
    at position: Sequence, commitStart: Sequence? = nil, mark: ViewMark?, more: Bool
  ) -> ChangesReply {
    ChangesReply(
      changes: changes, unreadable: unreadable,
      resumeToken: ResumeToken(
        historyID: loop.historyID, sequence: position, commitStart: commitStart, mark: mark
      ).text(coder: loop.tokens),
      sequence: position, more: more)
  }
}
