package import NIOCore

/// The value of `grpc-timeout`: one to eight digits and a unit. Source: grpc/doc/PROTOCOL-HTTP2.md.
package enum Timeout {
  /// Nil: malformed. What is longer than the clock can count is as long as it can.
  static func parse(_ text: UnsafeRawBufferPointer) -> TimeAmount? {
    guard (2...9).contains(text.count), let unit = text.last else { return nil }
    var value: Int64 = 0
    for byte in text.dropLast() {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + Int64(byte - UInt8(ascii: "0"))
    }
    let nanoseconds: Int64
    switch unit {
    case UInt8(ascii: "H"): nanoseconds = 3_600_000_000_000
    case UInt8(ascii: "M"): nanoseconds = 60_000_000_000
    case UInt8(ascii: "S"): nanoseconds = 1_000_000_000
    case UInt8(ascii: "m"): nanoseconds = 1_000_000
    case UInt8(ascii: "u"): nanoseconds = 1_000
    case UInt8(ascii: "n"): nanoseconds = 1
    default: return nil
    }
    let (product, overflow) = value.multipliedReportingOverflow(by: nanoseconds)
    // A century: sums with the clock's value must not overflow either.
    return .nanoseconds(overflow ? maxNanoseconds : min(product, maxNanoseconds))
  }

  private static let maxNanoseconds: Int64 = 100 * 365 * 86_400 * 1_000_000_000

  /// Rounded up, in the finest unit that eight digits can hold.
  package static func format(_ timeout: TimeAmount) -> String {
    var value = max(0, timeout.nanoseconds)
    for (unit, next) in [("n", 1000), ("u", 1000), ("m", 1000), ("S", 60), ("M", 60)] {
      if value < 100_000_000 { return "\(value)\(unit)" }
      value = (value + Int64(next) - 1) / Int64(next)
    }
    return "\(min(value, 99_999_999))H"
  }
}
