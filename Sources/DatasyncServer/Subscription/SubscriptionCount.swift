import DatasyncModel
import Synchronization

/// How many subscriptions there are in all calls. Sendable.
final class SubscriptionCount: Sendable {
  let max: Int
  private let count = Atomic<Int>(0)

  /// What one takes beside its filter and what is sent on it, about.
  static let bytes = 2048

  init(max: Int) {
    self.max = max
  }

  var value: Int { count.load(ordering: .relaxed) }

  /// - Throws: RESOURCE_EXHAUSTED, reason MAX_SUBSCRIPTIONS.
  func admit() throws(DatasyncError) {
    guard count.add(1, ordering: .relaxed).newValue > max else { return }
    leave(1)
    throw DatasyncError(
      .resourceExhausted, reason: "MAX_SUBSCRIPTIONS",
      "the server has \(max) subscriptions, which is as many as it may have: try again later",
      metadata: ["limit": "max_subscriptions"], retryAfter: .seconds(1))
  }

  func leave(_ number: Int) {
    count.subtract(number, ordering: .relaxed)
  }
}
