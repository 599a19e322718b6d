import DatasyncModel

extension Operation {
  /// A part of a date or of a moment in UTC.
  static let year = Operation("year") { (moment: Moment) -> Int64? in Int64(moment.civil.year) }
  static let month = Operation("month") { (moment: Moment) -> Int64? in Int64(moment.civil.month) }
  static let day = Operation("day") { (moment: Moment) -> Int64? in Int64(moment.civil.day) }

  /// A part of the time of day of a moment in UTC.
  static let hour = Operation("hour") { (moment: Moment) -> Int64? in Int64(moment.civil.hour) }
  static let minute = Operation("minute") { (moment: Moment) -> Int64? in
    Int64(moment.civil.minute)
  }
  static let second = Operation("second") { (moment: Moment) -> Int64? in
    Int64(moment.civil.second)
  }

  /// A part of a time of day.
  static let hourOfTime = Operation("hour_of_time") { (time: String) in
    timeOfDay(time).map { Int64($0.hour) }
  }
  static let minuteOfTime = Operation("minute_of_time") { (time: String) in
    timeOfDay(time).map { Int64($0.minute) }
  }
  static let secondOfTime = Operation("second_of_time") { (time: String) in
    timeOfDay(time).map { Int64($0.second) }
  }

  static let date = Operation("date") { (moment: Moment) -> String? in moment.civil.dateText }
  static let time = Operation("time") { (moment: Moment) -> String? in moment.civil.timeText }

  /// A moment as microseconds, whether it was those, text or a date before.
  package static let timestamp = Operation("timestamp") { (moment: Moment) -> Moment? in moment }

  static let times: [Operation] = [
    year, month, day, hour, minute, second, hourOfTime, minuteOfTime, secondOfTime, date, time,
    timestamp,
  ]

  private static func timeOfDay(_ text: String) -> CivilTime? {
    CivilTime.timeOfDay(parsing: text).map { CivilTime(timestamp: $0) }
  }
}
