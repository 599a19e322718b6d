import Synchronization

/// Holds threads up for a moment, while another one does what it can only do alone. Sendable.
final class Gate: Sendable {
  private let isShut = Atomic(false)
  /// Its state is not used; of none at all, the thread sanitizer would mistake the address.
  private let monitor = Monitor(false)

  /// Waits while it is shut, so long at most. Costs next to nothing while it is open.
  func pass(within limit: Duration) {
    guard isShut.load(ordering: .relaxed) else { return }
    monitor.wait(timeout: limit, until: { _ in !isShut.load(ordering: .relaxed) }, { _ in })
  }

  func whileShut<Result>(_ body: () -> Result) -> Result {
    isShut.store(true, ordering: .relaxed)
    defer {
      // Under the lock: nobody who has just looked goes to sleep now.
      monitor.withLock { _ in isShut.store(false, ordering: .relaxed) }
      monitor.broadcast()
    }
    return body()
  }
}
