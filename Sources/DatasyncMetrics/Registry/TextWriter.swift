/// Writes metrics as Prometheus reads them. A value.
///
/// Source: prometheus.io/docs/instrumenting/exposition_formats, "Text-based format", version 0.0.4.
struct TextWriter {
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private(set) var text = ""

  mutating func write(_ family: MetricFamily) {
    let name = family.description.name
    text += "# HELP \(name) \(TextWriter.escaped(family.description.help, quotes: false))\n"
    switch family.description.kind {
    case .counter: text += "# TYPE \(name) counter\n"
    case .gauge: text += "# TYPE \(name) gauge\n"
    case .histogram: text += "# TYPE \(name) histogram\n"
    }
    let ordered = family.series.map { (TextWriter.list($0.key), $0.value) }.sorted { $0.0 < $1.0 }
    for (labels, series) in ordered {
      switch series {
      case .counter(let series): line(name, labels, series.value)
      case .gauge(let series): line(name, labels, series.value)
      case .histogram(let series): write(series, name, labels)
      }
    }
  }

  /// Nothing of one that has seen no value: there are many.
  private mutating func write(_ series: HistogramSeries, _ name: String, _ labels: String) {
    // Read once: the counts must add up.
    let counts = series.rangeCounts
    let total = counts.reduce(0, &+)
    guard total > 0 else { return }
    let separator = labels.isEmpty ? "" : ","
    var below: Int64 = 0
    for (index, count) in counts.enumerated() {
      below &+= count
      let bound = index < series.bounds.count ? TextWriter.number(series.bounds[index]) : "+Inf"
      line("\(name)_bucket", "\(labels)\(separator)le=\"\(bound)\"", Double(below))
    }
    line("\(name)_sum", labels, series.sum)
    line("\(name)_count", labels, Double(total))
  }

  private mutating func line(_ name: String, _ labels: String, _ value: Double) {
    text += labels.isEmpty ? name : "\(name){\(labels)}"
    text += " \(TextWriter.number(value))\n"
  }

  private static func list(_ labels: MetricFamily.Labels) -> String {
    labels.pairs.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
      .joined(separator: ",")
  }

  static func number(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return String(value)
  }

  static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
