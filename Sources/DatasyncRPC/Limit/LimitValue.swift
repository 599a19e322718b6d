/// The value of a limit as a person writes it: `1000`, `16KiB`, `90s`, `none`. Namespace.
package enum LimitValue {
  private static let bytes: [(suffix: String, factor: Int)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
  ]

  private static let times: [(suffix: String, factor: Int)] = [
    ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
  ]

  /// - Throws: ``LimitFault``, with what would be right.
  static func parse<Options>(
    _ text: Substring, for limit: LimitSetting<Options>
  ) throws(LimitFault) -> Int? {
    if case .optionalTime = limit.unit, text == "none" { return nil }
    guard let value = number(text, limit.unit) else {
      throw LimitFault("\(limit.name)=\(text): \(form(limit.unit))")
    }
    guard limit.range.contains(value) else {
      throw LimitFault("\(limit.name)=\(text): out of range; \(range(of: limit))")
    }
    return value
  }

  private static func number(_ text: Substring, _ unit: LimitUnit) -> Int? {
    switch unit {
    case .count, .perSecond: plain(text)
    case .bytes: plain(text) ?? scaled(text, bytes)
    case .time, .optionalTime: scaled(text, times)
    }
  }

  private static func plain(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(text) : nil
  }

  private static func scaled(
    _ text: Substring, _ units: [(suffix: String, factor: Int)]
  ) -> Int? {
    let digits = text.prefix { ("0"..."9").contains($0) }
    let suffix = text[digits.endIndex...]
    guard let number = Int(digits), let unit = units.first(where: { $0.suffix == suffix }) else {
      return nil
    }
    let (value, overflow) = number.multipliedReportingOverflow(by: unit.factor)
    return overflow ? nil : value
  }

  private static func form(_ unit: LimitUnit) -> String {
    switch unit {
    case .count, .perSecond: "not a whole number"
    case .bytes: "not a number of bytes, as 65536 or 64KiB; units are KiB, MiB and GiB"
    case .time: "not a time, as 500ms or 90s; units are ms, s, m, h and d"
    case .optionalTime: "neither none nor a time, as 90s; units are ms, s, m, h and d"
    }
  }

  // MARK: - For people

  /// Both ends, which are permitted: `1KiB to 16MiB`.
  package static func range<Options>(of limit: LimitSetting<Options>) -> String {
    let bounds = [limit.range.lowerBound, limit.range.upperBound].map { text($0, limit.unit) }
    return "\(bounds[0]) to \(bounds[1])"
  }

  /// In the largest unit that leaves no rest.
  package static func text(_ value: Int?, _ unit: LimitUnit) -> String {
    guard let value else { return "none" }
    let units =
      switch unit {
      case .count, .perSecond: [(suffix: String, factor: Int)]()
      case .bytes: bytes
      case .time, .optionalTime: times
      }
    let fitting = units.last { value >= $0.factor && value % $0.factor == 0 }
    guard let fitting else { return value == 0 && units.count == times.count ? "0s" : "\(value)" }
    return "\(value / fitting.factor)\(fitting.suffix)"
  }
}

/// Why a limit cannot be set so. A value.
package struct LimitFault: Error, CustomStringConvertible {
  /// For the operator: what was given, and what is wrong with it.
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}
