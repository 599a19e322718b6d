import Synchronization

/// What the writer is doing, and since when, for whoever watches over it. Sendable: one atomic.
final class WriterWatch: Sendable {
  /// Microseconds of ``MonotonicClock``, and the phase in the lowest two bits.
  private let state = Atomic<UInt64>(0)

  /// On the writer's thread.
  func enter(_ phase: WriterState.Phase) {
    state.store(MonotonicClock.microseconds << 2 | UInt64(phase.rawValue), ordering: .relaxed)
  }

  var current: WriterState {
    let bits = state.load(ordering: .relaxed)
    let since = Duration.microseconds(Int64(bits >> 2))
    let phase = WriterState.Phase(rawValue: UInt8(bits & 3)) ?? .idle
    return WriterState(
      phase: phase, duration: phase == .idle ? .zero : max(.zero, MonotonicClock.now - since))
  }
}

/// The writer at one moment. A value.
package struct WriterState: Sendable {
  package enum Phase: UInt8, Sendable {
    case idle = 0
    /// Another program holds the database's write lock, or readers are made way for.
    case waitingForLock = 1
    /// A transaction is open.
    case writing = 2
    /// SQLite writes to the disk, and syncs.
    case committing = 3
  }

  package let phase: Phase
  /// Since when.
  package let duration: Duration

  package init(phase: Phase, duration: Duration) {
    self.phase = phase
    self.duration = duration
  }
}
