import Synchronization

/// What the connections of a server hold together, of one kind. Sendable.
///
/// Connections report in steps, so that small messages cost no shared counter.
package final class BufferBudget: Sendable {
  /// A connection reports once it holds so many bytes more, or fewer, than it said.
  static let step = 64 << 10

  /// Not a wall: over it, each connection may still hold ``HTTP2Options/bufferedBytesShare``.
  package let maxBytes: Int
  private let held = Atomic<Int>(0)

  /// - Parameter maxBytes: In all; far more than the 64 KiB in which a connection reports.
  package init(maxBytes: Int) {
    self.maxBytes = maxBytes
  }

  /// In bytes, less than a step for each connection off the truth.
  package var heldBytes: Int { held.load(ordering: .relaxed) }

  /// Whether more than ``maxBytes`` are held. Relaxed: may lag behind other event loops.
  package var isExhausted: Bool { heldBytes > maxBytes }

  fileprivate func changed(by bytes: Int) {
    held.add(bytes, ordering: .relaxed)
  }
}

/// What one connection has of a ``BufferBudget``. A value; loop-bound with its connection.
package struct BudgetShare {
  /// That all connections of the server share.
  package let budget: BufferBudget
  /// What of it the budget knows.
  private var reportedBytes = 0

  /// Begins with nothing; gives nothing back by itself, so that its last report has to be 0.
  package init(_ budget: BufferBudget) {
    self.budget = budget
  }

  /// - Parameter bytes: That the connection holds now.
  package mutating func report(_ bytes: Int) {
    let change = bytes - reportedBytes
    guard abs(change) >= BufferBudget.step || (bytes == 0 && change != 0) else { return }
    reportedBytes = bytes
    budget.changed(by: change)
  }
}
