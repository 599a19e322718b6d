/// A metric with all its label sets. A value, under the registry's lock.
struct MetricFamily {
  enum Series {
    case counter(CounterSeries)
    case gauge(GaugeSeries)
    case histogram(HistogramSeries)
  }

  struct Labels: Hashable {
    /// In order of name.
    let pairs: [Pair]

    struct Pair: Hashable {
      let name: String
      let value: String
    }

    init(_ dimensions: [(String, String)]) {
      pairs = dimensions.map { Pair(name: MetricName.label($0.0), value: $0.1) }
        .sorted { $0.name < $1.name }
    }

    /// For what comes when there are enough.
    var other: Labels {
      Labels(pairs.map { ($0.name, "_other_") })
    }
  }

  let description: MetricDescription
  private(set) var series: [Labels: Series] = [:]

  init(_ description: MetricDescription) {
    self.description = description
  }

  /// The series with those labels; where there are `most`, that of all others.
  ///
  /// - Returns: Whether there was room, too.
  mutating func series(
    _ labels: Labels, most: Int, make: () -> Series
  ) -> (series: Series, hadRoom: Bool) {
    if let found = series[labels] { return (found, true) }
    let hasRoom = series.count < most
    let labels = hasRoom ? labels : labels.other
    if let found = series[labels] { return (found, hasRoom) }
    let new = make()
    series[labels] = new
    return (new, hasRoom)
  }
}

/// Names as Prometheus takes them. Namespace.
enum MetricName {
  /// Source: prometheus.io/docs/concepts/data_model.
  static func metric(_ name: String) -> String { spelled(name, allowsColon: true) }

  static func label(_ name: String) -> String { spelled(name, allowsColon: false) }

  private static func spelled(_ name: String, allowsColon: Bool) -> String {
    var result = ""
    for scalar in name.unicodeScalars {
      let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
      let isDigit = ("0"..."9").contains(scalar)
      let isFit = isLetter || scalar == "_" || (allowsColon && scalar == ":")
      if isFit || (isDigit && !result.isEmpty) {
        result.unicodeScalars.append(scalar)
      } else {
        result += "_"
      }
    }
    return result.isEmpty ? "_" : result
  }
}
