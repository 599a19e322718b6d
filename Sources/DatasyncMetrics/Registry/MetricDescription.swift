/// What is said of a metric beside its values. A value.
package struct MetricDescription: Sendable {
  /// What its values are, and what `# TYPE` says.
  package enum Kind: Sendable, Equatable {
    case counter
    case gauge
    /// Upper bounds of the buckets, ascending, in the metric's unit; infinity comes by itself.
    case histogram([Double])
  }

  /// With its unit, as Prometheus' conventions have it.
  package let name: String
  /// Wins over how the metric is used: what does not fit it is not written.
  package let kind: Kind
  /// One line.
  package let help: String

  /// The name is not spelled anew, as one is that is used: give it as Prometheus takes it.
  package init(_ name: String, _ kind: Kind, _ help: String) {
    self.name = name
    self.kind = kind
    self.help = help
  }

  /// For what takes between half a millisecond and ten seconds.
  package static let durationBuckets = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]
}
