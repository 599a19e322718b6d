import DatasyncModel
import Testing

/// 2011-10-31T20:00:00Z.
private let moment: Int64 = 1_320_091_200_000_000

@Suite struct TimeTextTests {
  /// What programs write for 2011-10-31T20:00:00Z, and the form that they write.
  static let spellings: [(String, String)] = [
    // SQLite's functions, Rails, Django, SQLAlchemy.
    ("2011-10-31 20:00:00", "iso8601 sep=space offset=none decimals=0"),
    ("2011-10-31 20:00", "iso8601 sep=space offset=none minutes"),
    ("2011-10-31 20:00:00.000", "iso8601 sep=space offset=none decimals=3"),
    ("2011-10-31 20:00:00.000000", "iso8601 sep=space offset=none decimals=6"),
    ("2011-10-31T20:00:00", "iso8601 sep=T offset=none decimals=0"),
    ("2011-10-31T20:00", "iso8601 sep=T offset=none minutes"),
    ("2011-10-31T20:00:00.000000", "iso8601 sep=T offset=none decimals=6"),
    ("2011-10-31 20:00:00 UTC", "iso8601 sep=space offset=_UTC decimals=0"),
    ("2011-10-31 20:00:00+00:00", "iso8601 sep=space offset=+00:00 decimals=0"),
    ("2011-10-31 22:00:00+02:00", "iso8601 sep=space offset=+02:00 decimals=0"),
    ("2011-10-31 22:00:00.000000+02:00", "iso8601 sep=space offset=+02:00 decimals=6"),
    ("2011-10-31T14:30:00-05:30", "iso8601 sep=T offset=-05:30 decimals=0"),
    ("2011-10-31T20:00Z", "iso8601 sep=T offset=Z minutes"),
    ("2011-10-31 20:00+00:00", "iso8601 sep=space offset=+00:00 minutes"),
    // JavaScript, Prisma, Sequelize.
    ("2011-10-31T20:00:00Z", "iso8601 sep=T offset=Z decimals=0"),
    ("2011-10-31T20:00:00.000Z", "iso8601 sep=T offset=Z decimals=3"),
    ("2011-10-31t20:00:00.000z", "iso8601 sep=t offset=z decimals=3"),
    ("2011-10-31T20:00:00.000+00:00", "iso8601 sep=T offset=+00:00 decimals=3"),
    ("2011-10-31 20:00:00.000 +00:00", "iso8601 sep=space offset=_+00:00 decimals=3"),
    ("2011-10-31 22:00:00.000 +02:00", "iso8601 sep=space offset=_+02:00 decimals=3"),
    // Go's drivers.
    ("2011-10-31 20:00:00 +0000 UTC", "iso8601 sep=space offset=_+0000_UTC decimals=0"),
    ("2011-10-31 20:00:00.0 +0000 UTC", "iso8601 sep=space offset=_+0000_UTC decimals=1"),
    ("2011-10-31 22:00:00 +0200 +0200", "iso8601 sep=space offset=_+0200_+0200 decimals=0"),
    ("2011-10-31 14:30:00 -0530 -0530", "iso8601 sep=space offset=_-0530_-0530 decimals=0"),
    ("2011-10-31 20:00:00.000000000+00:00", "iso8601 sep=space offset=+00:00 decimals=9"),
    // Others.
    ("2011-10-31 20:00:00+0000", "iso8601 sep=space offset=+0000 decimals=0"),
    ("2011-10-31 20:00:00 +0000", "iso8601 sep=space offset=_+0000 decimals=0"),
    ("2011-10-31T15:00:00-0500", "iso8601 sep=T offset=-0500 decimals=0"),
    ("2011-10-31 20:00:00+00", "iso8601 sep=space offset=+00 decimals=0"),
    ("2011-10-31 23:00:00.00+03", "iso8601 sep=space offset=+03 decimals=2"),
    ("2011-10-31 17:00:00 -03", "iso8601 sep=space offset=_-03 decimals=0"),
    ("2011-11-01T19:59:00+23:59", "iso8601 sep=T offset=+23:59 decimals=0"),
    ("2011-10-30T20:01:00-23:59", "iso8601 sep=T offset=-23:59 decimals=0"),
  ]

  @Test(arguments: spellings)
  func `each spelling is read, and written again as it was`(_ text: String, _ name: String) throws {
    let stored = StoredValue.text(text)
    #expect(
      try FormReader.value(stored, type: .timestamp, form: .initial(for: .timestamp))
        == .timestamp(moment))
    let form = try #require(
      FormReader.form(of: stored, type: .timestamp, unit: .initial(for: .timestamp)))
    #expect(form.text == name)
    #expect(ColumnForm(parsing: name) == form)
    #expect(try FormWriter.stored(.timestamp(moment), type: .timestamp, form: form) == stored)
    #expect(FormReader.isStored(stored, as: form, type: .timestamp))
    #expect(form.sortsAsStored)
  }

  /// Microseconds as Python's datetime gives them.
  @Test(
    arguments: [
      ("2011-10-31", 1_320_019_200_000_000), ("1970-01-01", 0),
      ("2011-10-31 20:00:00.1", moment + 100_000), ("2011-10-31 20:00:00.12", moment + 120_000),
      ("2011-10-31 20:00:00.123", moment + 123_000),
      ("2011-10-31 20:00:00.1234Z", moment + 123_400),
      ("2011-10-31 20:00:00.12345+00:00", moment + 123_450),
      ("2011-10-31 20:00:00.123456", moment + 123_456),
      ("2011-10-31 20:00:00.1234567", moment + 123_456),
      ("2011-10-31 20:00:00.12345678 +0000 UTC", moment + 123_456),
      ("2011-10-31 20:00:00.123456789", moment + 123_456),
      ("2011-10-31 20:00:00.1234567891234", moment + 123_456),
      ("2011-10-31 20:00:00-00:00", moment), ("2011-10-31 20:00:00 +0000 +0000", moment),
      ("2011-10-31 22:00:00 +0200 CEST", moment), ("2011-10-31 17:00:00 -0300 -03", moment),
      ("2011-10-31 16:00:00 -0400 EDT m=+0.000012345", moment),
      ("2011-10-31 20:00:00.000000001 +0000 UTC m=-1.5", moment),
      ("2011-10-31 20:00:00 +0000 UTC m=+12", moment),
      ("1969-12-31 23:59:59.999999", -1), ("1969-12-31T23:59:59.999999999Z", -1),
      ("2024-02-29 12:34:56.789012", 1_709_210_096_789_012),
      ("9999-12-31 23:59:59.999999", 253_402_300_799_999_999),
      ("0001-01-01 00:00", -62_135_596_800_000_000),
      ("0001-01-01 01:00+01:00", -62_135_596_800_000_000),
    ] as [(String, Int64)])
  func `what is finer, or said twice, is read too`(_ text: String, _ expected: Int64) throws {
    let value = try FormReader.value(
      .text(text), type: .timestamp, form: .initial(for: .timestamp))
    #expect(value == .timestamp(expected))
  }

  @Test(arguments: [
    "2011-10-31 20:00:00-00:00", "2011-10-31 20:00:00 +0000 +0000",
    "2011-10-31 22:00:00 +0200 CEST", "2011-10-31 17:00:00 -0300 -03",
    "2011-10-31 20:00:00 +0000 UTC m=+12", "2011-10-31 20:00:00.1234567",
    "2011-10-31 20:00:00.0000000000", "2011-10-31 22:00:00 +0200 +0201",
  ])
  func `what is read as another text is cannot be told apart by an index`(_ text: String) throws {
    let form = try #require(
      FormReader.form(of: .text(text), type: .timestamp, unit: .initial(for: .timestamp)))
    #expect(!FormReader.isStored(.text(text), as: form, type: .timestamp))
  }

  @Test(arguments: [
    "", " ", "not a time", "now", "2011", "2011-10", "2011-10-3", "2011-1-31", "11-10-31",
    "2011/10/31", "20111031", "2011-10-31 ", "2011-10-31T", "2011-10-31 20", "2011-10-31 20:0",
    "2011-10-31 2:00", "2011-10-31 24:00", "2011-10-31 20:60", "2011-10-31 20:00:60",
    "2011-10-31 20:00:00.", "2011-10-31 20:00:00,5", "2011-10-31 20:00:00 ",
    "2011-10-31 20:00:00  +00:00", "2011-10-31 20:00:00 Z", "2011-10-31 20:00:00ZZ",
    "2011-10-31 20:00:00+", "2011-10-31 20:00:00+0", "2011-10-31 20:00:00+000",
    "2011-10-31 20:00:00+24:00", "2011-10-31 20:00:00+00:60", "2011-10-31 20:00:00+00:",
    "2011-10-31 20:00:00+00:00 UTC", "2011-10-31 20:00:00+0000 UTC", "2011-10-31 20:00:00 CEST",
    "2011-10-31 20:00:00 +0000 ", "2011-10-31 20:00:00 +0000 UTC ",
    "2011-10-31 20:00:00 +0000 UTC m=", "2011-10-31 20:00:00 +0000 UTC m=+",
    "2011-10-31 20:00:00 +0000 UTC m=+1.", "2011-10-31 20:00:00 +0000 UTC m=+1x",
    "2011-10-31 20:00:00 +0000 A/B", "2011-10-31 20:00:00 UTC+1", "2011-10-31  20:00:00",
    "2011-10-31X20:00:00", "2011-13-01", "2011-00-01", "2011-02-29", "2011-04-31", "2011-10-00",
    "0000-01-01", "0000-00-00 00:00:00", "-2011-10-31", "+2011-10-31", "12011-10-31",
    " 2011-10-31", "2011-10-31\n", "2011-10-31\u{0}", "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01", "20:00:00", "1320091200", "1320091200.5", "Infinity", "null",
    "\u{661}970-01-01", "Mon Oct 31 20:00:00 2011",
  ])
  func `what is no moment is refused`(_ text: String) {
    #expect(throws: FormMisfit.self) {
      try FormReader.value(.text(text), type: .timestamp, form: .initial(for: .timestamp))
    }
    #expect(
      FormReader.form(of: .text(text), type: .timestamp, unit: .initial(for: .timestamp)) == nil)
  }

  @Test(
    arguments: [
      ("date", "2011-10-31"), ("iso8601", "2011-10-31T20:00:07.123456Z"),
      ("iso8601 sep=space offset=none minutes", "2011-10-31 20:00"),
      ("iso8601 sep=space offset=none decimals=0", "2011-10-31 20:00:07"),
      ("iso8601 sep=space offset=none decimals=1", "2011-10-31 20:00:07.1"),
      ("iso8601 sep=space offset=none decimals=3", "2011-10-31 20:00:07.123"),
      ("iso8601 sep=space offset=none decimals=6", "2011-10-31 20:00:07.123456"),
      ("iso8601 sep=space offset=none decimals=9", "2011-10-31 20:00:07.123456000"),
      ("iso8601 sep=T offset=+02:00 decimals=2", "2011-10-31T22:00:07.12+02:00"),
      (
        "iso8601 sep=T offset=_-0530_-0530 decimals=needed",
        "2011-10-31T14:30:07.123456 -0530 -0530"
      ),
      ("iso8601 sep=T offset=+09:30 date", "2011-11-01"),
    ])
  func `what is finer than the form is rounded down`(_ name: String, _ text: String) throws {
    let form = try #require(ColumnForm(parsing: name))
    let stored = try FormWriter.stored(
      .timestamp(moment + 7_123_456), type: .timestamp, form: form)
    #expect(stored == .text(text))
  }

  @Test func `before 1970, too`() throws {
    let form = try #require(ColumnForm(parsing: "iso8601 sep=space offset=none decimals=3"))
    #expect(
      try FormWriter.stored(.timestamp(-1), type: .timestamp, form: form)
        == .text("1969-12-31 23:59:59.999"))
    #expect(
      try FormWriter.stored(.timestamp(-1001), type: .timestamp, form: form)
        == .text("1969-12-31 23:59:59.998"))
  }

  @Test func `as many decimals as are needed, and none too many`() throws {
    let form = try #require(
      ColumnForm(parsing: "iso8601 sep=space offset=+00:00 decimals=needed"))
    for (micros, decimals) in [
      (0, ""), (500_000, ".5"), (120_000, ".12"), (1, ".000001"), (100, ".0001"),
    ] as [(Int64, String)] {
      let stored = try FormWriter.stored(.timestamp(moment + micros), type: .timestamp, form: form)
      #expect(stored == .text("2011-10-31 20:00:00\(decimals)+00:00"))
      #expect(FormReader.isStored(stored, as: form, type: .timestamp))
    }
    for text in ["2011-10-31 20:00:00.0+00:00", "2011-10-31 20:00:00.50+00:00"] {
      #expect(!FormReader.isStored(.text(text), as: form, type: .timestamp))
    }
  }

  @Test func `a date that an offset would move out of four digits is written in UTC`() throws {
    let east = try #require(ColumnForm(parsing: "iso8601 offset=+02:00 decimals=0"))
    #expect(
      try FormWriter.stored(
        .timestamp(253_402_300_799_000_000), type: .timestamp, form: east)
        == .text("9999-12-31T23:59:59+00:00"))
    let west = try #require(ColumnForm(parsing: "iso8601 offset=-02:00 decimals=0"))
    #expect(
      try FormWriter.stored(.timestamp(-62_135_596_800_000_000), type: .timestamp, form: west)
        == .text("0001-01-01T00:00:00+00:00"))
  }

  @Test func `texts that sort are in the order of the moments`() throws {
    var random = SystemRandomNumberGenerator()
    let names =
      TimeTextTests.spellings.map(\.1) + [
        "iso8601 sep=space offset=none decimals=needed", "iso8601 offset=+02:00 decimals=needed",
        "iso8601 offset=-05:00 decimals=needed", "iso8601 offset=_+0000_UTC decimals=needed",
        "iso8601 offset=_UTC decimals=needed", "date",
      ]
    for name in names {
      let form = try #require(ColumnForm(parsing: name))
      #expect(form.sortsAsStored, "\(name)")
      for _ in 0..<200 {
        let base = Int64.random(in: -6_000_000_000_000_000...6_000_000_000_000_000, using: &random)
        let near = base + Int64.random(in: 0...3_000_000, using: &random) / 100_000 * 100_000
        let (left, right) = (try written(base, form), try written(near, form))
        let (first, second) = (try read(left, form), try read(right, form))
        #expect(first <= base && second <= near)
        #expect(
          (first < second) == left.lexicographicallyPrecedes(right), "\(name) \(base) \(near)")
        #expect((first == second) == (left == right))
      }
    }
    #expect(ColumnForm(parsing: "iso8601")?.sortsAsStored == false)
  }

  private func written(_ moment: Int64, _ form: ColumnForm) throws -> [UInt8] {
    let stored = try FormWriter.stored(.timestamp(moment), type: .timestamp, form: form)
    guard case .text(let bytes) = stored else {
      Issue.record("\(form.text) writes \(stored)")
      return []
    }
    return bytes
  }

  private func read(_ bytes: [UInt8], _ form: ColumnForm) throws -> Int64 {
    guard
      case .timestamp(let moment) = try FormReader.value(
        .text(bytes), type: .timestamp, form: form)
    else {
      Issue.record("\(bytes) is no moment")
      return 0
    }
    return moment
  }

  @Test func `a text is in a form exactly where the form would write it`() throws {
    var random = SystemRandomNumberGenerator()
    let forms =
      try TimeTextTests.spellings.map { try #require(ColumnForm(parsing: $0.1)) }
      + [try #require(ColumnForm(parsing: "iso8601")), .time(.date)]
    let texts = TimeTextTests.spellings.map(\.0)
    for _ in 0..<20_000 {
      var bytes = Array((texts.randomElement(using: &random) ?? "").utf8)
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        bytes[index] = Array("0123456789:-+. TZUC".utf8).randomElement(using: &random) ?? 0x30
      }
      let stored = StoredValue.text(bytes)
      let form = forms.randomElement(using: &random) ?? .time(.date)
      for type in [ColumnType.timestamp, .date] {
        let value = try? FormReader.value(stored, type: type, form: form)
        let written = value.flatMap { try? FormWriter.stored($0, type: type, form: form) }
        #expect(
          FormReader.isStored(stored, as: form, type: type) == (written == stored),
          "\(String(decoding: bytes, as: UTF8.self)) \(form.text)")
      }
    }
  }

  @Test func `the quick way reads what the other reads`() {
    var random = SystemRandomNumberGenerator()
    let texts = [
      "2011-10-31 20:00:00", "2011-10-31T20:00:00Z", "2012-02-29 20:00:00.123",
      "2011-10-31T23:59:59.120Z", "2011-10-31 20:00:00.123456", "0001-01-01T00:00:00.000001Z",
    ]
    for _ in 0..<20_000 {
      var bytes = Array((texts.randomElement(using: &random) ?? "").utf8)
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        bytes[index] = Array("0123456789:-+. TZ".utf8).randomElement(using: &random) ?? 0x30
      }
      let isSame = bytes.withUnsafeBytes { TimeScan.moment($0) == TimeScan($0)?.moment }
      #expect(isSame, "\(String(decoding: bytes, as: UTF8.self))")
    }
  }
}
