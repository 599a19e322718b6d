import Synchronization

/// What the connections of a server hold together for peers that do not take it. Sendable.
///
/// Connections report in steps, so that small messages cost no shared counter.
package final class BufferBudget: Sendable {
  /// A connection reports once it holds so many bytes more, or fewer, than it said.
  static let step = 64 << 10

  package let maxBytes: Int
  private let held = Atomic<Int>(0)

  package init(maxBytes: Int) {
    self.maxBytes = maxBytes
  }

  /// In bytes, less than a step for each connection off the truth.
  package var heldBytes: Int { held.load(ordering: .relaxed) }

  var isExhausted: Bool { heldBytes > maxBytes }

  func changed(by bytes: Int) {
    held.add(bytes, ordering: .relaxed)
  }
}
