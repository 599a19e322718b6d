import DatasyncFilter
import DatasyncModel

/// The live subscriptions of a loop that see the same of every change, in the same form: what a
/// change means to them is judged once and encoded once, and what of it is sent is put together
/// once. Loop-bound.
final class Audience: SlotHolder {
  /// What subscriptions to one table must have in common.
  struct Key: Hashable {
    let filter: ExactText
    /// See ``View/rightsKey``.
    let rights: ExactText
    let filterColumns: ViewCondition.NamedColumns
    let selected: Set<Int>?
    let sendsEveryUpdate: Bool
    let includeDeleted: Bool
    let wantsPrevious: Bool
    let isTyped: Bool
    /// Of the table's schema.
    let generation: Int
  }

  let key: Key
  let view: View
  /// Values of columns of which each row that it sees has one. A value.
  enum IndexKey {
    case one(column: Int, value: Value)
    indirect case several([(column: Int, values: [Value])])
  }

  /// By what the index finds it, which chooses that; nil: by any row.
  var indexKey: IndexKey?
  /// Of one that sees all tables, the same for each of those by its id.
  var partKeys: [Int: IndexKey] = [:]
  /// The last change that it was shown, where it is found by several values.
  private var lastShown = Sequence.zero
  var slot = 0
  private var members = SlotSet<Subscription>()
  /// What the batch at hand has for the members; nil: nothing so far.
  private(set) var batch: EventBatch?
  /// The members have ended, or read the log: they leave when the batch at hand has been delivered.
  private var isLeft = false

  init(key: Key, view: View) {
    self.key = key
    self.view = view
  }

  var isEmpty: Bool { members.isEmpty }
  var count: Int { members.count }

  func insert(_ subscription: Subscription) {
    members.insert(subscription)
  }

  func remove(_ subscription: Subscription) {
    members.remove(subscription)
  }

  func forEach(_ body: (Subscription) -> Void) {
    members.forEach(body)
  }

  /// Whether it has not been shown the change so far.
  func isShownFirst(_ change: JudgedChange) -> Bool {
    let sequence = change.change.sequence
    defer { lastShown = sequence }
    return sequence != lastShown
  }

  /// Judges a change and keeps what the members see of it until it is delivered.
  func take(_ change: JudgedChange, of commit: Commit, in loop: ServiceLoop) {
    guard !isLeft, let view = view.part(of: change.table.id) else { return }
    if view.condition.isShared, !loop.live.mayJudge() { return leave(before: commit, in: loop) }
    let verdicts: Verdicts
    do throws(FilterFault) {
      verdicts = try change.verdicts(in: view)
    } catch {
      return fail(error, in: loop)
    }
    guard !verdicts.isEmpty else { return }
    if let batch, batch.byteCount >= loop.options.eventBatchBytes, !batch.endsWith(commit) {
      // More follows at once, and with it the checkpoint.
      loop.live.send(to: self, end: nil)
    }
    let batch = self.batch ?? loop.live.beginBatch(of: self)
    self.batch = batch
    verdicts.forEach { verdict in
      let event = change.encoded(
        verdict, view: view, wantsPrevious: key.wantsPrevious && !FaultSwitch.isOn(.noPrevious),
        isTyped: key.isTyped)
      batch.append(event, of: commit)
    }
  }

  /// Ends every member, after what came before.
  private func fail(_ fault: FilterFault, in loop: ServiceLoop) {
    isLeft = true
    if batch != nil { loop.live.send(to: self, end: nil) }
    members.forEach { $0.end(fault.error) }
  }

  /// Has every member read the log from this commit on, where the readers judge it.
  private func leave(before commit: Commit, in loop: ServiceLoop) {
    isLeft = true
    loop.noteLimit("max_filter_batch_bytes")
    batch?.remove(commit)
    if batch != nil { loop.live.send(to: self, end: nil) }
    let position = Sequence(commit.first.rawValue - 1)
    members.forEach { loop.sendToLog($0, from: position, through: commit.last) }
  }

  /// Has every member stay where it is before this commit: what they may read is another after it.
  func depart(before commit: Commit, in loop: ServiceLoop) {
    guard !isLeft else { return }
    isLeft = true
    if batch != nil { loop.live.send(to: self, end: nil) }
    let position = Sequence(commit.first.rawValue - 1)
    members.forEach { $0.fallBack(to: position) }
  }

  /// Gives every member what was kept.
  ///
  /// - Parameter end: Follows the events; nil where more of the batch is to come.
  /// - Returns: The batch, to be used again.
  func deliver(end: EventBatch.End?) -> EventBatch? {
    guard let batch else { return nil }
    self.batch = nil
    batch.end = end
    members.forEach { $0.deliver(batch) }
    return batch
  }
}
