import DatasyncModel
import Testing

@Suite struct CivilTimeTests {
  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01", 0), ("1970-01-01T00:00", 0),
      ("1970-01-01 00:00:00.000001", 1), ("1969-12-31T23:59:59.999999Z", -1),
      ("2023-11-14T22:13:20Z", 1_700_000_000_000_000),
      ("2023-11-14t22:13:20z", 1_700_000_000_000_000),
      ("2023-11-14T23:13:20+01:00", 1_700_000_000_000_000),
      ("2023-11-14T23:13:20+0100", 1_700_000_000_000_000),
      ("2023-11-14T23:13:20+01", 1_700_000_000_000_000),
      ("2023-11-14T16:43:20-05:30", 1_700_000_000_000_000),
      ("2024-02-29T23:59:59.9999999Z", 1_709_251_199_999_999),
      ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
      ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ] as [(String, Int64)])
  func `ISO 8601 is read to the microsecond`(_ text: String, _ moment: Int64) {
    #expect(CivilTime.timestamp(parsing: text) == moment)
  }

  @Test(arguments: [
    "", "1970", "1970-01", "1970-1-1", "1970-01-01T", "1970-01-01T00", "1970-01-01T00:0",
    "1970-13-01", "1970-00-01", "1970-02-29", "2100-02-29", "1970-04-31", "0000-01-01",
    "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:60Z", "1970-01-01T00:00:00.",
    "1970-01-01T00:00:00Zx", "1970-01-01X00:00", "1970-01-01T00:00:00+", "1970-01-01T00:00:00+1",
    "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+01:60", "1970-01-01T00:00:00+01:",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "-1970-01-01", "\u{661}970-01-01",
    " 1970-01-01", "1970-01-01\n",
  ])
  func `what is no moment is refused`(_ text: String) {
    #expect(CivilTime.timestamp(parsing: text) == nil)
  }

  @Test func `every day of four centuries follows the one before`() {
    var expected = CivilTime(year: 1800, month: 1, day: 1)
    let first = CivilTime.daysSince1970(year: 1800, month: 1, day: 1)
    for number in first..<(first + 146_097 + 366) {
      let date = CivilTime.date(daysSince1970: number)
      guard (expected.year, expected.month, expected.day) == date else {
        Issue.record("day \(number) is \(date), not \(expected.dateText)")
        return
      }
      expected.day += 1
      if expected.day > CivilTime.daysInMonth(expected.month, of: expected.year) {
        (expected.month, expected.day) = (expected.month + 1, 1)
      }
      if expected.month > 12 { (expected.year, expected.month) = (expected.year + 1, 1) }
    }
  }

  @Test func `moments and calendar convert there and back`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<10_000 {
      let moment = Int64.random(in: CivilTime.timestampRange, using: &random)
      let time = CivilTime(timestamp: moment)
      #expect(time.timestamp == moment)
      #expect(CivilTime.timestamp(parsing: time.timestampText) == moment, "\(moment)")
      #expect(CivilTime(date: time.dateText)?.dateText == time.dateText)
    }
  }

  @Test func `times of day have at most six decimals, and no zeros at their end`() {
    #expect(CivilTime.timeOfDay(parsing: "02:14") == 8_040_000_000)
    #expect(CivilTime.timeOfDay(parsing: "02:14", requiresSeconds: true) == nil)
    #expect(CivilTime.timeOfDay(parsing: "02:14:05.5") == 8_045_500_000)
    #expect(CivilTime.timeOfDay(parsing: "02:14:05.123456") == 8_045_123_456)
    #expect(CivilTime.timeOfDay(parsing: "02:14:05.1234567") == nil)
    #expect(CivilTime.timeOfDay(parsing: "02:14:05.1234567", maxDecimals: 9) == 8_045_123_456)
    #expect(CivilTime.timeOfDay(parsing: "02:14:05Z") == nil)
    #expect(CivilTime(timestamp: 8_045_120_000).timeText == "02:14:05.12")
    #expect(CivilTime(timestamp: 0).timeText == "00:00:00")
  }
}
