import DatasyncStorage
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
