/// How moments, or dates, stand in a column as text. A value.
package struct TimeText: Hashable, Sendable {
  /// What stands between date and time; the raw value is its ASCII code.
  package enum Separator: UInt8, Hashable, Sendable {
    case capital = 0x54
    case small = 0x74
    case space = 0x20
  }

  /// The digits after the seconds' point: 0 to 9 always, or without zeros at the end, at most six.
  package enum Decimals: Hashable, Sendable {
    case fixed(Int)
    case asNeeded
  }

  /// How far the text goes; what is finer is rounded down.
  package enum Precision: Hashable, Sendable {
    /// A date alone.
    case date
    case minutes
    case seconds(Decimals)
  }

  /// How an offset in hours and minutes is spelled.
  package enum Spelling: Hashable, Sendable {
    /// `+02:00`, with a space before it or not.
    case colon(isSpaced: Bool)
    /// `+0200`.
    case compact(isSpaced: Bool)
    /// `+02`.
    case hours(isSpaced: Bool)
    /// ` +0000 UTC`, as Go prints times; ` +0200 +0200` where there is no name.
    case go
  }

  /// What stands after the time; `minutes` are east of UTC.
  package enum Offset: Hashable, Sendable {
    /// Nothing: the time is in UTC.
    case none
    case capitalZ
    case smallZ
    /// ` UTC`.
    case name
    case numeric(Spelling, minutes: Int)
  }

  /// Of no effect where there is a date alone.
  package var separator: Separator
  package var precision: Precision
  /// In which moments are written; those read say their own, and without one they are in UTC.
  package var offset: Offset
  /// The unit of numbers that stand in the column, too, where their size does not tell.
  package var numbers: TimeNumber.Unit?

  package init(
    separator: Separator, precision: Precision, offset: Offset, numbers: TimeNumber.Unit? = nil
  ) {
    self.separator = separator
    self.precision = precision
    self.offset = offset
    self.numbers = numbers
  }

  /// `YYYY-MM-DD`.
  package static let date = TimeText(separator: .capital, precision: .date, offset: .none)

  /// Whether the order of the texts is that of the moments.
  var sorts: Bool {
    guard case .seconds(.asNeeded) = precision else { return true }
    // `00Z` comes after `00.5Z`; a space, a sign and the end come before the point.
    return offset != .capitalZ && offset != .smallZ
  }

  // MARK: - Writing

  /// The text of a moment, or of the last one before it that the form can say.
  ///
  /// - Parameter moment: In the years 0001 to 9999.
  func text(moment: Int64) -> [UInt8] {
    var (offset, local) = (offset, moment)
    if case .numeric(let spelling, let minutes) = offset {
      local = moment + Int64(minutes) * 60_000_000
      // The local date would have no four digits.
      if !CivilTime.timestampRange.contains(local) {
        (offset, local) = (.numeric(spelling, minutes: 0), moment)
      }
    }
    return text(CivilTime(timestamp: local), offset)
  }

  /// The text of a date, at midnight where the form has a time.
  func text(date: CivilTime) -> [UInt8] { text(date, offset) }

  private func text(_ time: CivilTime, _ offset: Offset) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(40)
    bytes.append(number: time.year, width: 4)
    bytes.append(0x2D)
    bytes.append(number: time.month, width: 2)
    bytes.append(0x2D)
    bytes.append(number: time.day, width: 2)
    guard precision != .date else { return bytes }
    bytes.append(separator.rawValue)
    bytes.append(time: time, precision)
    append(offset, to: &bytes)
    return bytes
  }

  private func append(_ offset: Offset, to bytes: inout [UInt8]) {
    switch offset {
    case .none: break
    case .capitalZ: bytes.append(0x5A)
    case .smallZ: bytes.append(0x7A)
    case .name: bytes.append(contentsOf: " UTC".utf8)
    case .numeric(let spelling, let minutes):
      switch spelling {
      case .colon(let isSpaced), .compact(let isSpaced), .hours(let isSpaced):
        if isSpaced { bytes.append(0x20) }
        bytes.append(offset: minutes, spelling)
      case .go:
        bytes.append(0x20)
        bytes.append(offset: minutes, .compact(isSpaced: true))
        bytes.append(0x20)
        if minutes == 0 {
          bytes.append(contentsOf: "UTC".utf8)
        } else {
          bytes.append(offset: minutes, .compact(isSpaced: true))
        }
      }
    }
  }
}

extension [UInt8] {
  /// In decimal, with zeros before it.
  mutating func append(number: Int, width: Int) {
    var divisor = 1
    for _ in 1..<width { divisor *= 10 }
    while divisor > 0 {
      append(0x30 + UInt8(truncatingIfNeeded: number / divisor % 10))
      divisor /= 10
    }
  }

  /// `HH:MM`, then as much as the precision says.
  mutating func append(time: CivilTime, _ precision: TimeText.Precision) {
    append(number: time.hour, width: 2)
    append(0x3A)
    append(number: time.minute, width: 2)
    guard case .seconds(let decimals) = precision else { return }
    append(0x3A)
    append(number: time.second, width: 2)
    switch decimals {
    case .fixed(let count):
      guard count > 0 else { return }
      append(0x2E)
      append(number: time.microsecond, width: 6)
      if count < 6 { removeLast(6 - count) }
      for _ in 6..<Swift.max(count, 6) { append(0x30) }
    case .asNeeded:
      guard time.microsecond != 0 else { return }
      append(0x2E)
      append(number: time.microsecond, width: 6)
      while last == 0x30 { removeLast() }
    }
  }

  /// The sign, hours and minutes of an offset in minutes, without a space before it.
  mutating func append(offset minutes: Int, _ spelling: TimeText.Spelling) {
    append(minutes < 0 ? 0x2D : 0x2B)
    append(number: abs(minutes) / 60, width: 2)
    switch spelling {
    case .colon: append(0x3A)
    case .hours where minutes % 60 == 0: return
    case .compact, .hours, .go: break
    }
    append(number: abs(minutes) % 60, width: 2)
  }
}
