extension CivilTime {
  /// Reads `YYYY-MM-DD`, years 0001 to 9999.
  package init?(date text: some StringProtocol) {
    var scanner = DigitScanner(text)
    guard let date = scanner.date(), scanner.isAtEnd else { return nil }
    self = date
  }

  /// Reads ISO 8601: a date, then optionally `T` or a space, `HH:MM`, `:SS`, a fraction, and `Z` or
  /// an offset; without one it is UTC. Finer than microseconds is truncated.
  ///
  /// - Returns: Microseconds since 1970, or nil where the text is something else or out of range.
  package static func timestamp(parsing text: some StringProtocol) -> Int64? {
    var scanner = DigitScanner(text)
    guard var time = scanner.date() else { return nil }
    var offset: Int64 = 0
    if scanner.skip("T") || scanner.skip("t") || scanner.skip(" ") {
      guard scanner.time(into: &time) else { return nil }
      guard let minutes = scanner.offsetMinutes() else { return nil }
      offset = Int64(minutes) * 60_000_000
    }
    guard scanner.isAtEnd else { return nil }
    let moment = time.timestamp - offset
    return timestampRange.contains(moment) ? moment : nil
  }

  /// Reads a time of day: `HH:MM` or `HH:MM:SS` with up to `maxDecimals` decimals.
  ///
  /// - Returns: Microseconds since midnight.
  package static func timeOfDay(
    parsing text: some StringProtocol, requiresSeconds: Bool = false, maxDecimals: Int = 6
  ) -> Int64? {
    var scanner = DigitScanner(text)
    var time = CivilTime(year: 1970, month: 1, day: 1)
    guard
      scanner.time(into: &time, requiresSeconds: requiresSeconds, maxDecimals: maxDecimals),
      scanner.isAtEnd
    else { return nil }
    return time.timestamp
  }

  /// `YYYY-MM-DD`.
  package var dateText: String {
    "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// `HH:MM:SS` with as many decimals as are needed, at most six.
  package var timeText: String {
    let head = "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
    guard microsecond != 0 else { return head }
    var decimals = padded(microsecond, 6)
    while decimals.last == "0" { decimals.removeLast() }
    return "\(head).\(decimals)"
  }

  /// ISO 8601 in UTC, with as many decimals as are needed: `2026-11-23T20:21:00.5Z`.
  package var timestampText: String { "\(dateText)T\(timeText)Z" }

  private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// Reads fixed-width decimal fields. Confined to one call.
private struct DigitScanner {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: some StringProtocol) {
    bytes = Array(text.utf8)
  }

  var isAtEnd: Bool { position == bytes.count }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
    position += 1
    return true
  }

  mutating func number(digits: Int, in range: ClosedRange<Int>) -> Int? {
    guard bytes.count - position >= digits else { return nil }
    var value = 0
    for index in position..<position + digits {
      guard (0x30...0x39).contains(bytes[index]) else { return nil }
      value = value * 10 + Int(bytes[index] - 0x30)
    }
    position += digits
    return range.contains(value) ? value : nil
  }

  mutating func date() -> CivilTime? {
    guard
      let year = number(digits: 4, in: 1...9999), skip("-"),
      let month = number(digits: 2, in: 1...12), skip("-"),
      let day = number(digits: 2, in: 1...CivilTime.daysInMonth(month, of: year))
    else { return nil }
    return CivilTime(year: year, month: month, day: day)
  }

  mutating func time(
    into time: inout CivilTime, requiresSeconds: Bool = false, maxDecimals: Int = .max
  ) -> Bool {
    guard
      let hour = number(digits: 2, in: 0...23), skip(":"),
      let minute = number(digits: 2, in: 0...59)
    else { return false }
    (time.hour, time.minute) = (hour, minute)
    guard skip(":") else { return !requiresSeconds }
    guard let second = number(digits: 2, in: 0...59) else { return false }
    time.second = second
    guard skip(".") else { return true }
    return fraction(into: &time, maxDecimals: maxDecimals)
  }

  private mutating func fraction(into time: inout CivilTime, maxDecimals: Int) -> Bool {
    var count = 0
    var value = 0
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
      if count < 6 { value = value * 10 + Int(bytes[position] - 0x30) }
      count += 1
      position += 1
    }
    guard count > 0, count <= maxDecimals else { return false }
    for _ in min(count, 6)..<6 { value *= 10 }
    time.microsecond = value
    return true
  }

  /// Minutes east of UTC; nothing there is UTC.
  mutating func offsetMinutes() -> Int? {
    if isAtEnd || skip("Z") || skip("z") { return 0 }
    let sign: Int
    if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
    guard let hours = number(digits: 2, in: 0...23) else { return nil }
    if isAtEnd { return sign * hours * 60 }
    guard skip(":") || !isAtEnd, let minutes = number(digits: 2, in: 0...59) else { return nil }
    return sign * (hours * 60 + minutes)
  }
}
