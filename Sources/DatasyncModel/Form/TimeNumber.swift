/// How moments stand in a column as numbers. A value.
package struct TimeNumber: Hashable, Sendable {
  /// What a number counts, from 1970 UTC if nothing else is said; raw values as in `--form`.
  package enum Unit: String, CaseIterable, Hashable, Sendable {
    case seconds, milliseconds, microseconds
    /// Days since noon of 4714-11-24 BC, Gregorian; to the millisecond, as SQLite's functions count.
    case julian
    /// Seconds since 2001, as Core Data writes. They lie where others' seconds do, so that only a
    /// person can tell.
    case cocoa
  }

  /// Of what is written; of what is read where ``isChosen``, or where the size tells none.
  package let unit: Unit
  /// Whether numbers are written as REAL; Julian days always are.
  package let isReal: Bool
  /// Whether somebody has said that the numbers are in this unit. Otherwise a number that another
  /// unit puts into 1980 to 2100 is in that one.
  package let isChosen: Bool

  /// - Parameter isChosen: True in any case for ``Unit/cocoa``, which no size tells.
  package init(_ unit: Unit, isReal: Bool = false, isChosen: Bool = false) {
    self.unit = unit
    self.isReal = isReal
    self.isChosen = isChosen || unit == .cocoa
  }

  /// The moment that a number stands for, in microseconds since 1970; nil where it is none.
  ///
  /// - Parameter form: nil where the column's numbers have no unit.
  package static func moment(of number: Int64, form: TimeNumber?) -> Int64? {
    if let form, form.isChosen, let moment = form.unit.moment(of: number) { return moment }
    if number == 0 { return 0 }
    if let unit = Unit.bySize(of: Double(number)) { return unit.moment(of: number) }
    return form?.unit.moment(of: number)
  }

  /// The same of a REAL, rounded to whole microseconds (Julian days: milliseconds).
  package static func moment(of number: Double, form: TimeNumber?) -> Int64? {
    if let form, form.isChosen, let moment = form.unit.moment(of: number) { return moment }
    if number == 0 { return 0 }
    if let unit = Unit.bySize(of: number) { return unit.moment(of: number) }
    return form?.unit.moment(of: number)
  }

  /// The number that stands for a moment, or for the last one before it that the form can say.
  ///
  /// - Returns: nil where it would be read as another moment, because of its size.
  package func stored(_ moment: Int64) -> StoredValue? {
    guard CivilTime.timestampRange.contains(moment) else { return nil }
    if isReal || unit == .julian {
      let number = unit.real(moment)
      guard let read = unit.moment(of: number) else { return nil }
      return TimeNumber.moment(of: number, form: self) == read ? .real(number) : nil
    }
    let number = unit.integer(moment)
    guard let read = unit.moment(of: number) else { return nil }
    return TimeNumber.moment(of: number, form: self) == read ? .integer(number) : nil
  }

  /// Whether that is the number that would be written for what it is read as.
  package func isWritten(as number: Int64) -> Bool {
    guard unit != .julian, !isReal else {
      return TimeNumber.moment(of: number, form: self).flatMap(stored)?.equals(.integer(number))
        ?? false
    }
    guard let moment = unit.moment(of: number) else { return false }
    return isChosen || TimeNumber.moment(of: number, form: self) == moment
  }
}

extension TimeNumber.Unit {
  /// Microseconds from 1970 to 2001.
  private static let cocoaEpoch: Int64 = 978_307_200_000_000
  /// Milliseconds from the first Julian day to 1970.
  private static let julianEpoch: Int64 = 210_866_760_000_000
  private static let millisecondsPerDay: Int64 = 86_400_000

  /// The unit that puts a number into the years 1980 to 2100; no two do.
  package static func bySize(of number: Double) -> TimeNumber.Unit? {
    if number < 315_532_800 { return 2_444_000...2_488_500 ~= number ? .julian : nil }
    if number < 4_133_980_800 { return .seconds }
    if number < 315_532_800_000 { return nil }
    if number < 4_133_980_800_000 { return .milliseconds }
    return 315_532_800_000_000..<4_133_980_800_000_000 ~= number ? .microseconds : nil
  }

  /// nil beyond the years 0001 to 9999.
  package func moment(of number: Int64) -> Int64? {
    let moment: (partialValue: Int64, overflow: Bool)
    switch self {
    case .microseconds: moment = (number, false)
    case .milliseconds: moment = number.multipliedReportingOverflow(by: 1000)
    case .seconds: moment = number.multipliedReportingOverflow(by: 1_000_000)
    case .julian:
      guard 0...10_000_000 ~= number else { return nil }
      let milliseconds = number * Self.millisecondsPerDay - Self.julianEpoch
      moment = (milliseconds * 1000, false)
    case .cocoa:
      let sinceEpoch = number.multipliedReportingOverflow(by: 1_000_000)
      guard !sinceEpoch.overflow else { return nil }
      moment = sinceEpoch.partialValue.addingReportingOverflow(Self.cocoaEpoch)
    }
    guard !moment.overflow else { return nil }
    return CivilTime.timestampRange.contains(moment.partialValue) ? moment.partialValue : nil
  }

  /// To the nearest microsecond (Julian days: millisecond); nil beyond the years 0001 to 9999.
  package func moment(of number: Double) -> Int64? {
    // Far more than any year; no NaN either.
    guard number.magnitude < 1e18 else { return nil }
    let moment: Int64
    switch self {
    case .microseconds: moment = Int64(number.rounded(.down))
    case .milliseconds:
      guard number.magnitude < 1e15 else { return nil }
      moment = Self.scaled(number, by: 1000)
    case .seconds:
      guard number.magnitude < 1e12 else { return nil }
      moment = Self.scaled(number, by: 1_000_000)
    case .cocoa:
      guard number.magnitude < 1e12 else { return nil }
      moment = Self.scaled(number, by: 1_000_000) + Self.cocoaEpoch
    case .julian:
      guard 0...1e7 ~= number else { return nil }
      // As SQLite does it.
      let milliseconds = (number * Double(Self.millisecondsPerDay) + 0.5).rounded(.down)
      moment = (Int64(milliseconds) - Self.julianEpoch) * 1000
    }
    return CivilTime.timestampRange.contains(moment) ? moment : nil
  }

  /// To the nearest. The product itself may have more digits than a double.
  private static func scaled(_ number: Double, by factor: Int64) -> Int64 {
    let whole = number.rounded(.down)
    return Int64(whole) * factor + Int64(((number - whole) * Double(factor)).rounded())
  }

  private static func unscaled(_ number: Int64, by factor: Int64) -> Double {
    let (whole, fraction) = number.flooredDivision(by: factor)
    return Double(whole) + Double(fraction) / Double(factor)
  }

  /// The last whole number that stands for that moment or one before it.
  fileprivate func integer(_ moment: Int64) -> Int64 {
    switch self {
    case .microseconds: moment
    case .milliseconds: moment.flooredDivision(by: 1000).quotient
    case .seconds: moment.flooredDivision(by: 1_000_000).quotient
    case .cocoa: (moment - Self.cocoaEpoch).flooredDivision(by: 1_000_000).quotient
    case .julian:
      (moment.flooredDivision(by: 1000).quotient + Self.julianEpoch)
        .flooredDivision(by: Self.millisecondsPerDay).quotient
    }
  }

  /// The last number that stands for that moment or one before it.
  fileprivate func real(_ moment: Int64) -> Double {
    let number: Double =
      switch self {
      case .microseconds: Double(moment)
      case .milliseconds: Self.unscaled(moment, by: 1000)
      case .seconds: Self.unscaled(moment, by: 1_000_000)
      case .cocoa: Self.unscaled(moment - Self.cocoaEpoch, by: 1_000_000)
      case .julian:
        Double(moment.flooredDivision(by: 1000).quotient + Self.julianEpoch)
          / Double(Self.millisecondsPerDay)
      }
    guard let read = self.moment(of: number), read <= moment else {
      // Far from 1970 a double is coarser than a microsecond.
      return number.nextDown
    }
    return number
  }
}
