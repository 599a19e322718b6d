/// A value of the naive interpreter. A value.
enum NaiveValue {
  case null
  case bool(Bool)
  case int(Int64)
  case real(Double)
  case decimal(NaiveDecimal)
  /// Unicode scalars.
  case text([UInt32])
  case bytes([UInt8])
  /// Microseconds since 1970.
  case moment(Int64)
  /// Year, month, day.
  case date(Int, Int, Int)
  /// Microseconds since midnight.
  case time(Int64)
  /// The place in the declared order.
  case choice(Int)

  var isNull: Bool {
    if case .null = self { return true }
    return false
  }

  static func text(_ string: String) -> NaiveValue {
    .text(string.unicodeScalars.map(\.value))
  }

  /// The calendar, by counting years and months.
  static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let before = year - 1
    var days = before * 365 + before / 4 - before / 100 + before / 400
    for earlier in 1..<month { days += length(earlier, year) }
    // 1970-01-01 is day 719,162 of that count.
    return days + day - 1 - 719_162
  }

  static func length(_ month: Int, _ year: Int) -> Int {
    if month == 2 {
      return year % 400 == 0 || (year % 4 == 0 && year % 100 != 0) ? 29 : 28
    }
    return [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  static func split(_ moment: Int64) -> (year: Int, month: Int, day: Int, time: Int64) {
    let perDay: Int64 = 86_400_000_000
    var time = moment % perDay
    if time < 0 { time += perDay }
    let number = Int((moment - time) / perDay)
    var year = max(1, 1970 + number / (number < 0 ? 365 : 366) - 2)
    while days(year + 1, 1, 1) <= number { year += 1 }
    var month = 1
    while month < 12, days(year, month + 1, 1) <= number { month += 1 }
    return (year, month, number - days(year, month, 1) + 1, time)
  }

  static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  static func timeText(_ time: Int64) -> String {
    let seconds = Int(time / 1_000_000)
    let head =
      "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    let micros = Int(time % 1_000_000)
    if micros == 0 { return head }
    var fraction = padded(micros, 6)
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(head).\(fraction)"
  }

  static func dateText(_ year: Int, _ month: Int, _ day: Int) -> String {
    "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  static func momentText(_ moment: Int64) -> String {
    let (year, month, day, time) = split(moment)
    return "\(dateText(year, month, day))T\(timeText(time))Z"
  }
}
