import DatasyncModel

extension JSONText {
  /// RFC 3339 in UTC, with 0, 3, 6 or 9 decimals.
  ///
  /// - Returns: False outside of the years 0001 to 9999, or where the nanoseconds are more than a second.
  mutating func append(timestamp seconds: Int64, _ nanos: Int32) -> Bool {
    guard TimeRange.timestamps.contains(seconds), TimeRange.nanos.contains(nanos) else {
      return false
    }
    let (days, rest) = seconds.flooredDivision(by: 86_400)
    let date = CivilTime.date(daysSince1970: Int(days))
    append(UInt8(ascii: "\""))
    append(date.year, digits: 4)
    append(UInt8(ascii: "-"))
    append(date.month, digits: 2)
    append(UInt8(ascii: "-"))
    append(date.day, digits: 2)
    append(UInt8(ascii: "T"))
    append(Int(rest) / 3600, digits: 2)
    append(UInt8(ascii: ":"))
    append(Int(rest) / 60 % 60, digits: 2)
    append(UInt8(ascii: ":"))
    append(Int(rest) % 60, digits: 2)
    append(fraction: Int(nanos))
    append("Z\"")
    return true
  }

  /// Seconds with 0, 3, 6 or 9 decimals, and an `s`.
  ///
  /// - Returns: False outside of ±10,000 years, or where the parts differ in sign.
  mutating func append(duration seconds: Int64, _ nanos: Int32) -> Bool {
    guard TimeRange.isDuration(seconds, nanos) else { return false }
    append(UInt8(ascii: "\""))
    if seconds < 0 || nanos < 0 { append(UInt8(ascii: "-")) }
    append(seconds.magnitude)
    append(fraction: Int(nanos.magnitude))
    append("s\"")
    return true
  }

  private mutating func append(fraction nanos: Int) {
    guard nanos != 0 else { return }
    append(UInt8(ascii: "."))
    if nanos % 1_000_000 == 0 {
      append(nanos / 1_000_000, digits: 3)
    } else if nanos % 1000 == 0 {
      append(nanos / 1000, digits: 6)
    } else {
      append(nanos, digits: 9)
    }
  }
}

/// What protobuf's times may be. Source: google/protobuf/timestamp.proto, duration.proto. Namespace.
enum TimeRange {
  /// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
  static let timestamps: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
  static let nanos: ClosedRange<Int32> = 0...999_999_999
  private static let durations: ClosedRange<Int64> = -315_576_000_000...315_576_000_000

  static func isDuration(_ seconds: Int64, _ nanos: Int32) -> Bool {
    durations.contains(seconds) && (-999_999_999...999_999_999).contains(nanos)
      && !(seconds > 0 && nanos < 0) && !(seconds < 0 && nanos > 0)
  }
}
