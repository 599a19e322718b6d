/// A calendar date and time of day, proleptic Gregorian, UTC. A value.
package struct CivilTime: Hashable, Sendable {
  /// 1 … 9999.
  package var year: Int
  /// 1 … 12.
  package var month: Int
  /// 1 … 31.
  package var day: Int
  /// 0 … 23.
  package var hour: Int
  /// 0 … 59.
  package var minute: Int
  /// 0 … 59: no leap seconds.
  package var second: Int
  /// 0 … 999,999.
  package var microsecond: Int

  /// Nothing is checked.
  package init(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0,
    microsecond: Int = 0
  ) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
    self.microsecond = microsecond
  }

  /// The moment that many microseconds after 1970-01-01T00:00:00Z.
  package init(timestamp: Int64) {
    let (days, rest) = timestamp.flooredDivision(by: 86_400_000_000)
    (year, month, day) = CivilTime.date(daysSince1970: Int(days))
    let seconds = Int(rest / 1_000_000)
    (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60)
    microsecond = Int(rest % 1_000_000)
  }

  /// Microseconds since 1970-01-01T00:00:00Z.
  package var timestamp: Int64 {
    let days = Int64(CivilTime.daysSince1970(year: year, month: month, day: day))
    let seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    return seconds * 1_000_000 + Int64(microsecond)
  }

  /// The first and the last moment that a timestamp may be: years 0001 to 9999.
  package static let timestampRange: ClosedRange<Int64> =
    CivilTime(year: 1, month: 1, day: 1)
    .timestamp...(CivilTime(year: 9999, month: 12, day: 31, hour: 23, minute: 59, second: 59)
    .timestamp
    + 999_999)

  /// Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
  package static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// The inverse of ``daysSince1970(year:month:day:)``; day 0 is 1970-01-01, earlier are negative.
  package static func date(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  /// - Parameter month: 1 … 12; what is none has 31.
  package static func daysInMonth(_ month: Int, of year: Int) -> Int {
    switch month {
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
