import DatasyncModel
import DatasyncStorage
import NIOCore

/// The live subscriptions of a loop, and what the batch at hand has for them: each change is shown to the
/// audiences that it may concern, and what they make of it is sent at the end. Loop-bound.
final class LiveDelivery {
  private let memos: RowMemos
  /// Of what filters may take on the loop for one batch, in bytes of text.
  private let maxFilterBytes: Int
  private var index = SubscriptionIndex()
  /// While a batch is shown to the index, who leaves it is kept here until the end, and nobody joins.
  private(set) var isAtWork = false
  private var departed: [Subscription] = []
  /// Audiences for which the batch at hand has events.
  private var active: [Audience] = []
  private var spareBatches: [EventBatch] = []
  /// Subscriptions that got something of the batch at hand.
  private(set) var subscriptionsReached = 0
  /// The event loop's time at the beginning of the batch at hand.
  private(set) var time = NIODeadline.uptimeNanoseconds(0)
  /// Of the memos, at the beginning of the batch at hand.
  private var filterWorkBefore = 0
  /// Rows of the batch at hand that filters have judged, each for itself.
  private var judgements = 0

  init(memos: RowMemos, options: ServiceOptions) {
    self.memos = memos
    maxFilterBytes = options.maxFilterBatchBytes
  }

  // MARK: - Who is live

  func insert(_ subscription: Subscription) {
    index.insert(subscription)
  }

  func remove(_ subscription: Subscription) {
    if isAtWork { departed.append(subscription) } else { index.remove(subscription) }
  }

  func forEach(inTable id: Int, _ body: (Subscription) -> Void) {
    index.forEach(inTable: id, body)
  }

  // MARK: - A batch

  func begin(at time: NIODeadline) {
    self.time = time
    subscriptionsReached = 0
    filterWorkBefore = memos.workBytes
    judgements = 0
    isAtWork = true
  }

  func end() {
    isAtWork = false
    for subscription in departed { index.remove(subscription) }
    departed.removeAll(keepingCapacity: true)
  }

  func show(_ change: JudgedChange, of commit: Commit, in loop: ServiceLoop) {
    index.forEachCandidate(of: change) { $0.take(change, of: commit, in: loop) }
  }

  /// What it takes to judge a row, as so many bytes of text.
  private static let judgementBytes = 8

  /// Counts one row for one filter. False: filters have had their share of the batch at hand.
  func mayJudge() -> Bool {
    judgements += 1
    return memos.workBytes &- filterWorkBefore + judgements * LiveDelivery.judgementBytes
      <= maxFilterBytes
  }

  // MARK: - Events

  /// A batch of events for an audience that has some now.
  func beginBatch(of audience: Audience) -> EventBatch {
    active.append(audience)
    return takeBatch()
  }

  func takeBatch() -> EventBatch { spareBatches.popLast() ?? EventBatch() }

  func giveBack(_ batch: EventBatch) {
    batch.removeAll()
    if spareBatches.count < 64 { spareBatches.append(batch) }
  }

  /// Gives every audience what there is for it.
  ///
  /// - Parameter end: Follows the events; asked for where there are any; nil: more is to come.
  func sendAll(end: () -> EventBatch.End?) {
    guard !active.isEmpty else { return }
    let end = end()
    for audience in active { send(to: audience, end: end) }
    active.removeAll(keepingCapacity: active.count < 1024)
  }

  func send(to audience: Audience, end: EventBatch.End?) {
    subscriptionsReached += audience.count
    if let batch = audience.deliver(end: end) { giveBack(batch) }
  }
}
