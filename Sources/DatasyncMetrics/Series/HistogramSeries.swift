import CoreMetrics
import Synchronization

/// How often values fell into each of a few ranges, and their sum: two atomic adds a value. Sendable.
final class HistogramSeries: TimerHandler, RecorderHandler {
  /// Upper bounds in the series' unit.
  let bounds: [Double]
  /// The same for durations, which come in nanoseconds.
  private let nanoseconds: [Int64]
  private let counts: AtomicCounts
  private let nanosecondSum = Atomic<Int64>(0)
  private let otherSum = Atomic<UInt64>(0)

  init(bounds: [Double]) {
    self.bounds = bounds
    nanoseconds = bounds.map { Int64(exactly: ($0 * 1e9).rounded()) ?? .max }
    counts = AtomicCounts(count: bounds.count + 1)
  }

  /// The series counts seconds.
  func recordNanoseconds(_ duration: Int64) {
    counts.increment(HistogramSeries.index(of: max(0, duration), in: nanoseconds))
    nanosecondSum.wrappingAdd(max(0, duration), ordering: .relaxed)
  }

  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    guard value.isFinite else { return }
    counts.increment(HistogramSeries.index(of: value, in: bounds))
    otherSum.addDouble(value)
  }

  private static func index<Bound: Comparable>(of value: Bound, in bounds: [Bound]) -> Int {
    var index = 0
    while index < bounds.count, bounds[index] < value { index += 1 }
    return index
  }

  /// Of each range alone, the last one without an upper bound.
  var rangeCounts: [Int64] { counts.values }

  var sum: Double {
    Double(nanosecondSum.load(ordering: .relaxed)) / 1e9
      + Double(bitPattern: otherSum.load(ordering: .relaxed))
  }
}

/// Counters side by side. Sendable.
///
/// `@unchecked`: they are touched by atomic operations alone, and freed when nobody refers to them.
private final class AtomicCounts: @unchecked Sendable {
  private let atomics: UnsafeMutablePointer<Atomic<Int64>>
  private let count: Int

  init(count: Int) {
    self.count = count
    atomics = .allocate(capacity: count)
    for index in 0..<count { (atomics + index).initialize(to: Atomic(0)) }
  }

  deinit {
    atomics.deinitialize(count: count)
    atomics.deallocate()
  }

  func increment(_ index: Int) {
    atomics[index].wrappingAdd(1, ordering: .relaxed)
  }

  var values: [Int64] { (0..<count).map { atomics[$0].load(ordering: .relaxed) } }
}
