import CoreMetrics
import Synchronization

/// One counter: an atomic. Sendable.
final class CounterSeries: CounterHandler, FloatingPointCounterHandler {
  private let whole = Atomic<Int64>(0)
  /// The bits of a Double: what came in parts of one.
  private let rest = Atomic<UInt64>(0)

  func increment(by amount: Int64) {
    whole.wrappingAdd(max(0, amount), ordering: .relaxed)
  }

  func increment(by amount: Double) {
    guard amount > 0, amount.isFinite else { return }
    rest.addDouble(amount)
  }

  /// The total, where somebody else counts.
  func set(total: Double) {
    whole.store(0, ordering: .relaxed)
    rest.store(total.bitPattern, ordering: .relaxed)
  }

  func reset() {
    whole.store(0, ordering: .relaxed)
    rest.store(0, ordering: .relaxed)
  }

  var value: Double {
    Double(whole.load(ordering: .relaxed)) + Double(bitPattern: rest.load(ordering: .relaxed))
  }
}

extension Atomic where Value == UInt64 {
  /// Adds to the Double whose bits these are.
  borrowing func addDouble(_ amount: Double) {
    var old = load(ordering: .relaxed)
    while true {
      let new = (Double(bitPattern: old) + amount).bitPattern
      let (exchanged, original) = compareExchange(expected: old, desired: new, ordering: .relaxed)
      if exchanged { return }
      old = original
    }
  }
}
