import DatasyncModel

/// Reads protobuf's times, to the nanosecond. Confined to the lifetime of its bytes.
struct TimeTextScan {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func number(digits: Int, in range: ClosedRange<Int>) -> Int? {
    guard bytes.count - position >= digits else { return nil }
    var value = 0
    for _ in 0..<digits {
      guard TextScan.isDigit(bytes[position]) else { return nil }
      value = value * 10 + Int(bytes[position] - 0x30)
      position += 1
    }
    return range.contains(value) ? value : nil
  }

  /// RFC 3339 with capitals and up to nine decimals; no leap seconds.
  mutating func timestamp() -> (seconds: Int64, nanos: Int32)? {
    guard
      let year = number(digits: 4, in: 1...9999), take(UInt8(ascii: "-")),
      let month = number(digits: 2, in: 1...12), take(UInt8(ascii: "-")),
      let day = number(digits: 2, in: 1...CivilTime.daysInMonth(month, of: year)),
      take(UInt8(ascii: "T")),
      let hour = number(digits: 2, in: 0...23), take(UInt8(ascii: ":")),
      let minute = number(digits: 2, in: 0...59), take(UInt8(ascii: ":")),
      let second = number(digits: 2, in: 0...59),
      let nanos = fraction(), let offset = offset(), position == bytes.count
    else { return nil }
    let days = CivilTime.daysSince1970(year: year, month: month, day: day)
    let seconds = Int64(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
    return TimeRange.timestamps.contains(seconds) ? (seconds, nanos) : nil
  }

  /// Seconds east of UTC.
  private mutating func offset() -> Int? {
    if take(UInt8(ascii: "Z")) { return 0 }
    let sign: Int
    if take(UInt8(ascii: "+")) {
      sign = 1
    } else if take(UInt8(ascii: "-")) {
      sign = -1
    } else {
      return nil
    }
    guard let hours = number(digits: 2, in: 0...23), take(UInt8(ascii: ":")),
      let minutes = number(digits: 2, in: 0...59)
    else { return nil }
    return sign * (hours * 3600 + minutes * 60)
  }

  /// Nanoseconds; 0 without a point.
  private mutating func fraction() -> Int32? {
    guard take(UInt8(ascii: ".")) else { return 0 }
    var nanos: Int32 = 0
    var unit: Int32 = 100_000_000
    let start = position
    while position < bytes.count, TextScan.isDigit(bytes[position]) {
      guard unit > 0 else { return nil }
      nanos += Int32(bytes[position] - 0x30) * unit
      unit /= 10
      position += 1
    }
    return position > start ? nanos : nil
  }

  /// Decimal seconds and an `s`.
  mutating func duration() -> (seconds: Int64, nanos: Int32)? {
    let isNegative = take(UInt8(ascii: "-"))
    let start = position
    var seconds: Int64 = 0
    while position < bytes.count, TextScan.isDigit(bytes[position]) {
      // One digit more than the range has.
      guard seconds < 1_000_000_000_000 else { return nil }
      seconds = seconds * 10 + Int64(bytes[position] - 0x30)
      position += 1
    }
    guard position > start, let nanos = fraction(), take(UInt8(ascii: "s")),
      position == bytes.count
    else { return nil }
    let time = isNegative ? (-seconds, -nanos) : (seconds, nanos)
    return TimeRange.isDuration(time.0, time.1) ? time : nil
  }
}
