import CoreMetrics
import Synchronization

/// One value that goes up and down: an atomic. Sendable.
final class GaugeSeries: MeterHandler, RecorderHandler {
  /// The bits of a Double.
  private let bits = Atomic<UInt64>(0)

  func set(_ value: Int64) { set(Double(value)) }

  func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  func increment(by amount: Double) { bits.addDouble(amount) }

  func decrement(by amount: Double) { bits.addDouble(-amount) }

  func record(_ value: Int64) { set(value) }

  func record(_ value: Double) { set(value) }

  var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}
