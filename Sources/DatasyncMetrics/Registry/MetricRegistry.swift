package import CoreMetrics
import Synchronization

/// The backend of swift-metrics: keeps what is counted, and writes it for Prometheus. Sendable.
///
/// Whoever counts holds a series and touches its atomics; the lock is for making one, and for writing.
package final class MetricRegistry: MetricsFactory {
  private struct State {
    var families: [String: MetricFamily] = [:]
    var collectors: [@Sendable () -> Void] = []
  }

  private let state: Mutex<State>
  private let maxSeries: Int
  /// Label sets that found no room.
  private let dropped = CounterSeries()

  static let droppedName = "datasync_metric_series_dropped_total"

  /// - Parameters:
  ///   - descriptions: Others are known by how they are first used.
  ///   - maxSeries: Label sets of one metric; what comes then is counted under the value `_other_`.
  package init(_ descriptions: [MetricDescription] = [], maxSeries: Int = 512) {
    self.maxSeries = maxSeries
    let own = MetricDescription(
      MetricRegistry.droppedName, .counter,
      "Label sets that found no room, and are counted under the value _other_.")
    var state = State()
    for description in descriptions + [own] {
      state.families[description.name] = MetricFamily(description)
    }
    let dropped = dropped
    _ = state.families[own.name]?.series(.init([]), most: 1) { .counter(dropped) }
    self.state = Mutex(state)
  }

  /// Has a closure set values that nobody counts on the way, before they are written.
  package func collect(_ collector: @escaping @Sendable () -> Void) {
    state.withLock { $0.collectors.append(collector) }
  }

  /// Everything, in the text format of version 0.0.4.
  package func text() -> String {
    let collectors = state.withLock { $0.collectors }
    for collector in collectors { collector() }
    let families = state.withLock { $0.families }
    var writer = TextWriter()
    for name in families.keys.sorted() {
      if let family = families[name] { writer.write(family) }
    }
    return writer.text
  }

  private func series(
    _ name: String, _ dimensions: [(String, String)], _ kind: MetricDescription.Kind
  ) -> MetricFamily.Series {
    let name = MetricName.metric(name)
    let (series, hadRoom) = state.withLock { state in
      var family =
        state.families[name] ?? MetricFamily(MetricDescription(name, kind, "No description."))
      defer { state.families[name] = family }
      let kind = family.description.kind
      return family.series(.init(dimensions), most: maxSeries) {
        switch kind {
        case .counter: .counter(CounterSeries())
        case .gauge: .gauge(GaugeSeries())
        case .histogram(let bounds): .histogram(HistogramSeries(bounds: bounds))
        }
      }
    }
    if !hadRoom { dropped.increment(by: 1 as Int64) }
    return series
  }

  // MARK: - MetricsFactory

  func counter(_ label: String, _ dimensions: [(String, String)] = []) -> CounterSeries {
    // What is described otherwise goes nowhere.
    if case .counter(let series) = series(label, dimensions, .counter) { return series }
    return CounterSeries()
  }

  /// The series with these labels, the same for all who ask; one that nobody writes where the metric is
  /// described as something else.
  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    counter(label, dimensions)
  }

  /// As ``makeCounter(label:dimensions:)``, and the same series: whole and broken amounts add up.
  package func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    counter(label, dimensions)
  }

  /// A gauge; else as ``makeCounter(label:dimensions:)``.
  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    if case .gauge(let series) = series(label, dimensions, .gauge) { return series }
    return GaugeSeries()
  }

  /// A gauge or a histogram, as the metric is described; where it is not, `aggregate` makes it a histogram
  /// with ``MetricDescription/durationBuckets``.
  package func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    let kind: MetricDescription.Kind =
      aggregate ? .histogram(MetricDescription.durationBuckets) : .gauge
    switch series(label, dimensions, kind) {
    case .gauge(let series): return series
    case .histogram(let series): return series
    case .counter: return GaugeSeries()
    }
  }

  /// A histogram that is written in seconds; else as ``makeCounter(label:dimensions:)``.
  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    let kind = MetricDescription.Kind.histogram(MetricDescription.durationBuckets)
    if case .histogram(let series) = series(label, dimensions, kind) { return series }
    return HistogramSeries(bounds: [])
  }

  // A series that is let go of keeps its value: a counter must not begin anew.
  package func destroyCounter(_ handler: any CounterHandler) {}
  package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  package func destroyMeter(_ handler: any MeterHandler) {}
  package func destroyRecorder(_ handler: any RecorderHandler) {}
  package func destroyTimer(_ handler: any TimerHandler) {}
}
