import DatasyncModel
import DatasyncStorage
import Foundation

/// Keeps what a store tells, and waits for it. Sendable.
///
/// `@unchecked`: touched with the condition's lock held.
final class BatchRecord: StorageObserver, @unchecked Sendable {
  /// A batch as it was told. A value.
  struct Told: Sendable {
    let batch: CommittedBatch
    /// The store's head while it was told.
    let storeHead: Sequence?
  }

  private let condition = NSCondition()
  private var told: [Told] = []
  private var answers: [UInt64: WriteAnswer.Outcome] = [:]
  private var answerCounts: [UInt64: Int] = [:]
  private var catalogs: [(catalog: Catalog, batches: Int)] = []
  private var holds = false
  private var isBlocked = false
  private var calls = 0
  private var hasOverlapped = false
  private weak var store: (any Storage)?

  func watch(_ store: any Storage) {
    condition.withLock { self.store = store }
  }

  func batchCommitted(_ batch: CommittedBatch) -> Bool {
    let head = condition.withLock { store }?.head
    condition.lock()
    defer { condition.unlock() }
    calls += 1
    if calls > 1 { hasOverlapped = true }
    told.append(Told(batch: batch, storeHead: head))
    for answer in batch.answers {
      answers[answer.replyTo.request] = answer.outcome
      answerCounts[answer.replyTo.request, default: 0] += 1
    }
    condition.broadcast()
    // In vain where nobody lets it go: a law has a deadline, and lets go in the end.
    while isBlocked { condition.wait() }
    calls -= 1
    return holds
  }

  func catalogChanged(_ catalog: Catalog) {
    condition.lock()
    defer { condition.unlock() }
    catalogs.append((catalog, told.count))
    condition.broadcast()
  }

  // MARK: - For laws

  /// Whether the writer is to wait after each batch.
  func hold(_ holds: Bool) {
    condition.withLock { self.holds = holds }
  }

  /// Keeps the writer within its next batch, or lets it go.
  func block(_ isBlocked: Bool) {
    condition.lock()
    defer { condition.unlock() }
    self.isBlocked = isBlocked
    condition.broadcast()
  }

  var batches: [Told] { condition.withLock { told } }
  var commits: [Commit] { batches.flatMap(\.batch.commits) }
  var overlapped: Bool { condition.withLock { hasOverlapped } }
  var catalogChanges: [(catalog: Catalog, batches: Int)] { condition.withLock { catalogs } }
  func answerCount(_ request: UInt64) -> Int { condition.withLock { answerCounts[request] ?? 0 } }
  func outcome(_ request: UInt64) -> WriteAnswer.Outcome? {
    condition.withLock { answers[request] }
  }

  /// - Returns: nil where the time is over before there is an answer.
  func outcome(_ request: UInt64, within patience: Duration) -> WriteAnswer.Outcome? {
    _ = wait(patience) { $0.answers[request] != nil }
    return outcome(request)
  }

  func waitForHead(_ head: Sequence, within patience: Duration) -> Bool {
    wait(patience) { ($0.told.last?.batch.head ?? .zero) >= head }
  }

  func waitForCommits(_ count: Int, within patience: Duration) -> Bool {
    wait(patience) { $0.told.reduce(0) { $0 + $1.batch.commits.count } >= count }
  }

  func waitForBatches(_ count: Int, within patience: Duration) -> Bool {
    wait(patience) { $0.told.count >= count }
  }

  func waitForCatalogs(_ count: Int, within patience: Duration) -> Bool {
    wait(patience) { $0.catalogs.count >= count }
  }

  private func wait(_ patience: Duration, until isSo: (BatchRecord) -> Bool) -> Bool {
    let end = Date() + patience.seconds
    condition.lock()
    defer { condition.unlock() }
    while !isSo(self) {
      guard condition.wait(until: end) else { return isSo(self) }
    }
    return true
  }
}

/// A value that somebody waits for. Sendable.
///
/// `@unchecked`: touched with the condition's lock held.
final class Awaited<Value: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var value: Value?

  func set(_ value: Value) {
    condition.lock()
    defer { condition.unlock() }
    self.value = value
    condition.broadcast()
  }

  /// - Returns: nil where the time is over before it is there.
  func get(within patience: Duration) -> Value? {
    let end = Date() + patience.seconds
    condition.lock()
    defer { condition.unlock() }
    while value == nil {
      guard condition.wait(until: end) else { break }
    }
    return value
  }
}
