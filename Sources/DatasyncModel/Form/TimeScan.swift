/// A time as somebody has written it: what it says, and in which form. A value.
///
/// Read where the bytes lie, without allocation.
package struct TimeScan {
  /// Days since 1970 of the date as written.
  private(set) var day: Int64 = 0
  /// Microseconds since midnight, as written.
  private(set) var timeOfDay: Int64 = 0
  private(set) var separator = TimeText.Separator.capital
  private(set) var offset = TimeText.Offset.none
  /// Minutes east of UTC.
  private(set) var offsetMinutes: Int64 = 0
  private(set) var hasTime = false
  private(set) var hasSeconds = false
  private(set) var decimals = 0
  private(set) var endsInZero = false
  /// Whether its form, with the number of decimals, would write it so: nothing finer than a
  /// microsecond, no minus before a zero offset, no foreign zone name.
  private(set) var isRegular = true

  /// A date, then maybe a time, then maybe an offset.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    var cursor = Cursor(bytes)
    guard scanDate(&cursor) else { return nil }
    if cursor.isAtEnd { return }
    guard let separator = TimeText.Separator(rawValue: cursor.current) else { return nil }
    self.separator = separator
    cursor.advance()
    guard scanTime(&cursor), scanOffset(&cursor), cursor.isAtEnd else { return nil }
  }

  /// A time of day alone.
  init?(timeOfDay bytes: UnsafeRawBufferPointer) {
    var cursor = Cursor(bytes)
    guard scanTime(&cursor), cursor.isAtEnd else { return nil }
  }

  /// Microseconds since 1970; nil beyond the years 0001 to 9999.
  package var moment: Int64? {
    let moment = day * 86_400_000_000 + timeOfDay - offsetMinutes * 60_000_000
    return CivilTime.timestampRange.contains(moment) ? moment : nil
  }

  /// With the number of decimals that it has.
  var precision: TimeText.Precision {
    hasTime ? hasSeconds ? .seconds(.fixed(decimals)) : .minutes : .date
  }

  /// Whether a form of this precision would write it so; the rest of the form aside.
  func isWritten(with precision: TimeText.Precision) -> Bool {
    guard isRegular else { return false }
    return switch precision {
    case .seconds(.asNeeded): hasSeconds && (decimals == 0 || decimals <= 6 && !endsInZero)
    case .date, .minutes, .seconds(.fixed): precision == self.precision
    }
  }

  // MARK: - Parts

  private mutating func scanDate(_ cursor: inout Cursor) -> Bool {
    guard
      let century = cursor.twoDigits(), let yearOfCentury = cursor.twoDigits(),
      cursor.skip(0x2D), let month = cursor.twoDigits(),
      cursor.skip(0x2D), let date = cursor.twoDigits()
    else { return false }
    let year = century * 100 + yearOfCentury
    guard year > 0, 1...12 ~= month, date >= 1, date <= CivilTime.daysInMonth(month, of: year)
    else { return false }
    day = Int64(CivilTime.daysSince1970(year: year, month: month, day: date))
    return true
  }

  private mutating func scanTime(_ cursor: inout Cursor) -> Bool {
    hasTime = true
    guard
      let hour = cursor.twoDigits(), hour <= 23, cursor.skip(0x3A),
      let minute = cursor.twoDigits(), minute <= 59
    else { return false }
    var seconds = Int64(hour * 3600 + minute * 60)
    guard cursor.skip(0x3A) else {
      timeOfDay = seconds * 1_000_000
      return true
    }
    guard let second = cursor.twoDigits(), second <= 59 else { return false }
    hasSeconds = true
    seconds += Int64(second)
    timeOfDay = seconds * 1_000_000
    return cursor.skip(0x2E) ? scanDecimals(&cursor) : true
  }

  private mutating func scanDecimals(_ cursor: inout Cursor) -> Bool {
    var value: Int64 = 0
    var digit: UInt8 = 0
    while let next = cursor.digit() {
      digit = next
      if decimals < 6 { value = value * 10 + Int64(digit) } else if digit != 0 { isRegular = false }
      decimals += 1
    }
    guard decimals > 0 else { return false }
    endsInZero = digit == 0
    if decimals > 9 { isRegular = false }
    for _ in min(decimals, 6)..<6 { value *= 10 }
    timeOfDay += value
    return true
  }

  private mutating func scanOffset(_ cursor: inout Cursor) -> Bool {
    if cursor.isAtEnd { return true }
    if cursor.skip(0x5A) {
      offset = .capitalZ
      return true
    }
    if cursor.skip(0x7A) {
      offset = .smallZ
      return true
    }
    let isSpaced = cursor.skip(0x20)
    if isSpaced, cursor.skip("UTC") {
      offset = .name
      return true
    }
    guard let spelling = scanNumericOffset(&cursor, isSpaced: isSpaced) else { return false }
    offset = .numeric(spelling, minutes: Int(offsetMinutes))
    if cursor.isAtEnd { return true }
    // Go: the zone's name, then maybe the reading of the monotonic clock.
    guard isSpaced, spelling == .compact(isSpaced: true) else { return false }
    offset = .numeric(.go, minutes: Int(offsetMinutes))
    return scanZone(&cursor) && (cursor.isAtEnd || scanMonotonic(&cursor))
  }

  private mutating func scanNumericOffset(
    _ cursor: inout Cursor, isSpaced: Bool
  ) -> TimeText.Spelling? {
    let isWest = cursor.skip(0x2D)
    guard isWest || cursor.skip(0x2B), let hours = cursor.twoDigits(), hours <= 23 else {
      return nil
    }
    var spelling = TimeText.Spelling.hours(isSpaced: isSpaced)
    var minutes = 0
    if cursor.skip(0x3A) {
      guard let number = cursor.twoDigits() else { return nil }
      (minutes, spelling) = (number, .colon(isSpaced: isSpaced))
    } else if let number = cursor.twoDigits() {
      (minutes, spelling) = (number, .compact(isSpaced: isSpaced))
    }
    guard minutes <= 59 else { return nil }
    offsetMinutes = Int64(hours * 60 + minutes)
    if isWest {
      if offsetMinutes == 0 { isRegular = false }
      offsetMinutes = -offsetMinutes
    }
    return spelling
  }

  /// ` UTC`, ` CEST`, ` +0200`, ` -03`: what the offset has said already.
  private mutating func scanZone(_ cursor: inout Cursor) -> Bool {
    guard cursor.skip(0x20) else { return false }
    let start = cursor.position
    while !cursor.isAtEnd, cursor.current.isZoneCharacter { cursor.advance() }
    let name = cursor.bytes[start..<cursor.position]
    guard 1...12 ~= name.count else { return false }
    if offsetMinutes == 0 {
      if !name.elementsEqual("UTC".utf8) { isRegular = false }
    } else if !isOffset(name) {
      isRegular = false
    }
    return true
  }

  private func isOffset(_ name: Slice<UnsafeRawBufferPointer>) -> Bool {
    var cursor = Cursor(UnsafeRawBufferPointer(rebasing: name))
    guard name.count == 5, cursor.skip(offsetMinutes < 0 ? 0x2D : 0x2B) else { return false }
    guard let hours = cursor.twoDigits(), let minutes = cursor.twoDigits() else { return false }
    return Int64(hours * 60 + minutes) == abs(offsetMinutes)
  }

  /// ` m=+0.000012345`.
  private mutating func scanMonotonic(_ cursor: inout Cursor) -> Bool {
    isRegular = false
    guard cursor.skip(" m="), cursor.skip(0x2B) || cursor.skip(0x2D), cursor.digit() != nil else {
      return false
    }
    while cursor.digit() != nil {}
    guard cursor.skip(0x2E) else { return true }
    guard cursor.digit() != nil else { return false }
    while cursor.digit() != nil {}
    return true
  }
}

extension UInt8 {
  fileprivate var isZoneCharacter: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D: true
    default: false
    }
  }
}

/// A place in a text. Confined to one call.
private struct Cursor {
  let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { position == bytes.count }

  /// Zero at the end.
  var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

  mutating func advance() {
    if position < bytes.count { position += 1 }
  }

  mutating func skip(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  mutating func skip(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count - position >= count else { return false }
    for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
    position += count
    return true
  }

  /// Its value.
  mutating func digit() -> UInt8? {
    guard position < bytes.count else { return nil }
    let value = bytes[position] &- 0x30
    guard value <= 9 else { return nil }
    position += 1
    return value
  }

  mutating func twoDigits() -> Int? {
    guard bytes.count - position >= 2 else { return nil }
    let (tens, ones) = (bytes[position] &- 0x30, bytes[position + 1] &- 0x30)
    guard tens <= 9, ones <= 9 else { return nil }
    position += 2
    return Int(tens) * 10 + Int(ones)
  }
}
