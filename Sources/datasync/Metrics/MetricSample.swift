/// A line of Prometheus' text format. A value.
/// Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
struct MetricSample {
  let name: Substring
  private(set) var labels: [String: String] = [:]
  let value: Double

  /// Nil: no sample.
  init?(_ line: Substring) {
    let name = line.prefix { $0 != "{" && $0 != " " }
    var rest = line[name.endIndex...]
    var labels: [String: String] = [:]
    if rest.first == "{" {
      rest.removeFirst()
      while rest.first != "}" {
        guard let label = MetricSample.label(&rest) else { return nil }
        labels[label.name] = label.value
      }
      rest.removeFirst()
    }
    guard let number = rest.split(separator: " ").first, let value = Double(number) else {
      return nil
    }
    self.name = name
    self.labels = labels
    self.value = value
  }

  private static func label(_ rest: inout Substring) -> (name: String, value: String)? {
    let name = rest.prefix { $0 != "=" }
    rest = rest[name.endIndex...].dropFirst()
    guard rest.popFirst() == "\"" else { return nil }
    var value = ""
    while let character = rest.popFirst(), character != "\"" {
      guard character == "\\" else {
        value.append(character)
        continue
      }
      guard let escaped = rest.popFirst() else { return nil }
      value.append(escaped == "n" ? "\n" : escaped)
    }
    if rest.first == "," { rest.removeFirst() }
    guard !rest.isEmpty else { return nil }
    return (String(name), value)
  }
}
