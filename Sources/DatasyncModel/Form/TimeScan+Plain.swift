extension TimeScan {
  /// The moment that a text stands for, in microseconds since 1970; nil where it is none.
  ///
  /// Without allocation.
  package static func moment(_ text: UnsafeRawBufferPointer) -> Int64? {
    plain(text) ?? TimeScan(text)?.moment
  }

  /// The texts that are common, each field where it always is: a date, `T` or a space, a time with
  /// 0, 3 or 6 decimals, then `Z` or nothing.
  private static func plain(_ text: UnsafeRawBufferPointer) -> Int64? {
    guard text.count >= 19, let start = text.baseAddress else { return nil }
    let bytes = start.assumingMemoryBound(to: UInt8.self)
    let isZulu = bytes[text.count - 1] == 0x5A
    let count = isZulu ? text.count - 1 : text.count
    guard count == 19 || count == 23 || count == 26 else { return nil }
    let isSeparated =
      bytes[4] == 0x2D && bytes[7] == 0x2D && (bytes[10] == 0x20 || bytes[10] == 0x54)
      && bytes[13] == 0x3A && bytes[16] == 0x3A && (count == 19 || bytes[19] == 0x2E)
    guard isSeparated else { return nil }
    let year = number(bytes) * 100 + number(bytes + 2)
    let (month, day) = (number(bytes + 5), number(bytes + 8))
    let (hour, minute, second) = (number(bytes + 11), number(bytes + 14), number(bytes + 17))
    guard
      1...9999 ~= year, 1...12 ~= month, day >= 1, hour <= 23, minute <= 59, second <= 59,
      day <= CivilTime.daysInMonth(month, of: year)
    else { return nil }
    var micros = 0
    for index in 20..<max(count, 20) {
      let digit = bytes[index] &- 0x30
      guard digit <= 9 else { return nil }
      micros = micros * 10 + Int(digit)
    }
    if count == 23 { micros *= 1000 }
    let days = CivilTime.daysSince1970(year: year, month: month, day: day)
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second
    return Int64(seconds * 1_000_000 + micros)
  }

  /// Of two digits; beyond every range where they are none.
  @inline(__always)
  private static func number(_ digits: UnsafePointer<UInt8>) -> Int {
    let (tens, ones) = (digits[0] &- 0x30, digits[1] &- 0x30)
    return tens <= 9 && ones <= 9 ? Int(tens) * 10 + Int(ones) : 100_000
  }
}
