import DatasyncModel
import Testing

private let moment: Int64 = 1_320_091_200_000_000

@Suite struct TimeNumberTests {
  private func read(_ stored: StoredValue, _ form: String) -> Int64? {
    guard let form = ColumnForm(parsing: form) else {
      Issue.record("no form \(form)")
      return nil
    }
    guard
      case .timestamp(let moment)? = try? FormReader.value(
        stored, type: .timestamp, form: form)
    else { return nil }
    return moment
  }

  /// The Julian days are SQLite's own.
  @Test(
    arguments: [
      (.integer(1_320_091_200), moment), (.integer(1_320_091_200_000), moment),
      (.integer(1_320_091_200_123), moment + 123_000), (.integer(moment), moment),
      (.integer(moment + 1), moment + 1), (.real(1_320_091_200), moment),
      (.real(1_320_091_200.123456), moment + 123_456),
      (.real(1_320_091_200_123.5), moment + 123_500),
      (.real(1_320_091_200_000_000.75), moment), (.real(2455866.3333333335), moment),
      (.real(2460370.024268391), 1_709_210_096_789_000),
      (.real(2460263.425931713), 1_700_000_000_500_000),
      (.integer(2_455_866), 1_320_062_400_000_000), (.integer(0), 0), (.real(0), 0),
      (.real(-0.0), 0),
      // The ends of 1980 to 2100.
      (.integer(315_532_800), 315_532_800_000_000),
      (.integer(4_133_980_799), 4_133_980_799_000_000),
      (.integer(315_532_800_000), 315_532_800_000_000),
      (.integer(4_133_980_799_999), 4_133_980_799_999_000),
      (.integer(315_532_800_000_000), 315_532_800_000_000),
      (.integer(4_133_980_799_999_999), 4_133_980_799_999_999),
      (.integer(2_444_000), 294_840_000_000_000), (.real(2_488_500), 4_139_640_000_000_000),
    ] as [(StoredValue, Int64)])
  func `the size tells the unit, in whatever column`(_ stored: StoredValue, _ expected: Int64) {
    for unit in ["seconds", "milliseconds", "microseconds", "julian", "real seconds"] {
      #expect(read(stored, "\(unit) by-size") == expected, "\(unit)")
    }
    #expect(read(stored, "iso8601") == expected)
    #expect(read(stored, "date") == expected)
  }

  @Test func `other numbers go with the column's unit`() {
    #expect(read(.integer(86_400), "seconds by-size") == 86_400_000_000)
    #expect(read(.integer(-1), "seconds by-size") == -1_000_000)
    #expect(read(.integer(-62_135_596_800), "seconds by-size") == -62_135_596_800_000_000)
    #expect(read(.integer(-62_135_596_801), "seconds by-size") == nil)
    #expect(read(.integer(253_402_300_799), "seconds by-size") == 253_402_300_799_000_000)
    #expect(read(.integer(253_402_300_800), "seconds by-size") == nil)
    #expect(read(.integer(315_532_799), "seconds by-size") == 315_532_799_000_000)
    #expect(read(.integer(4_133_980_800), "seconds by-size") == 4_133_980_800_000_000)
    #expect(read(.integer(86_400_000), "milliseconds by-size") == 86_400_000_000)
    #expect(read(.integer(-1), "milliseconds by-size") == -1000)
    #expect(read(.integer(253_402_300_799_999), "milliseconds by-size") == 253_402_300_799_999_000)
    #expect(read(.integer(253_402_300_800_000), "milliseconds by-size") == nil)
    #expect(read(.integer(1), "microseconds by-size") == 1)
    #expect(
      read(.integer(253_402_300_799_999_999), "microseconds by-size") == 253_402_300_799_999_999)
    #expect(read(.integer(253_402_300_800_000_000), "microseconds by-size") == nil)
    #expect(read(.real(2440587.5), "julian by-size") == 0)
    #expect(read(.real(1721425.5), "julian by-size") == -62_135_596_800_000_000)
    #expect(read(.real(1721425.4), "julian by-size") == nil)
    #expect(read(.real(5373484.499999989), "julian by-size") == 253_402_300_799_999_000)
    #expect(read(.real(5373484.5), "julian by-size") == nil)
    #expect(read(.real(1.5), "real seconds by-size") == 1_500_000)
    #expect(read(.integer(7), "iso8601 numbers=seconds") == 7_000_000)
    #expect(read(.integer(7), "iso8601") == nil)
    #expect(read(.real(7.5), "iso8601") == nil)
  }

  @Test func `a unit that was chosen is the unit of all that it can hold`() {
    #expect(read(.integer(1_320_091_200), "milliseconds") == 1_320_091_200_000)
    #expect(read(.integer(1_320_091_200), "microseconds") == 1_320_091_200)
    #expect(read(.integer(2_455_866), "seconds") == 2_455_866_000_000)
    #expect(read(.integer(1_320_091_200_000), "seconds") == moment)
    #expect(read(.integer(0), "cocoa") == 978_307_200_000_000)
    #expect(read(.real(341_784_000.25), "cocoa") == moment + 250_000)
    #expect(read(.integer(341_784_000), "cocoa") == moment)
    #expect(read(.real(-978_307_200), "cocoa") == 0)
    #expect(read(.integer(0), "julian") == 0)
  }

  @Test(
    arguments: [
      .max, .min, .max - 1, .min + 1, 4_611_686_018_427_387_904, -4_611_686_018_427_387_904,
      9_223_372_036_854_000_000, -9_223_372_036_854_000_000, 999_999_999_999_999_999,
    ] as [Int64])
  func `no integer is too large to be refused`(_ number: Int64) {
    for unit in ["seconds", "milliseconds", "microseconds", "julian", "cocoa", "integer cocoa"] {
      for name in [unit, "\(unit) by-size"] {
        if let moment = read(.integer(number), name) {
          #expect(CivilTime.timestampRange.contains(moment))
        }
        if let moment = read(.real(Double(number)), name) {
          #expect(CivilTime.timestampRange.contains(moment))
        }
        guard let form = ColumnForm(parsing: name) else { continue }
        _ = FormReader.isStored(.integer(number), as: form, type: .timestamp)
        #expect(throws: FormMisfit.self) {
          try FormWriter.stored(.timestamp(number), type: .timestamp, form: form)
        }
      }
    }
  }

  @Test(arguments: [
    Double.infinity, -.infinity, .nan, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
    .leastNonzeroMagnitude, 9.3e18, -9.3e18, 1e300,
  ])
  func `no real number is too odd to be refused`(_ number: Double) {
    for unit in ["seconds", "milliseconds", "microseconds", "julian", "cocoa"] {
      for name in ["real \(unit)", "real \(unit) by-size"] {
        if let moment = read(.real(number), name) {
          #expect(number == .leastNonzeroMagnitude && CivilTime.timestampRange.contains(moment))
        }
        guard let form = ColumnForm(parsing: name) else { continue }
        _ = FormReader.isStored(.real(number), as: form, type: .timestamp)
      }
    }
  }

  @Test(
    arguments: [
      ("seconds", .integer(1_320_091_207)), ("milliseconds", .integer(1_320_091_207_123)),
      ("microseconds", .integer(1_320_091_207_123_456)), ("cocoa", .real(341_784_007.123456)),
      ("integer cocoa", .integer(341_784_007)), ("real seconds", .real(1_320_091_207.123456)),
      ("real milliseconds", .real(1_320_091_207_123.456)), ("julian", .real(2455866.3334157756)),
      ("seconds by-size", .integer(1_320_091_207)),
      ("milliseconds by-size", .integer(1_320_091_207_123)),
      ("julian by-size", .real(2455866.3334157756)),
    ] as [(String, StoredValue)])
  func `what is finer than the unit is rounded down`(_ name: String, _ expected: StoredValue) throws
  {
    let form = try #require(ColumnForm(parsing: name))
    #expect(form.text == name)
    #expect(
      try FormWriter.stored(.timestamp(moment + 7_123_456), type: .timestamp, form: form)
        == expected)
    #expect(FormReader.isStored(expected, as: form, type: .timestamp))
  }

  @Test func `before 1970 down is away from zero`() throws {
    for (name, expected) in [
      ("seconds", .integer(-1)), ("milliseconds", .integer(-1)), ("microseconds", .integer(-1)),
      ("cocoa", .real(-978_307_200.000001)), ("integer cocoa", .integer(-978_307_201)),
    ] as [(String, StoredValue)] {
      let form = try #require(ColumnForm(parsing: name))
      #expect(try FormWriter.stored(.timestamp(-1), type: .timestamp, form: form) == expected)
    }
  }

  /// 1970-01-20 in milliseconds is 2001 in seconds.
  @Test func `a number that would be read in another unit is not written`() throws {
    let day: Int64 = 86_400_000_000
    for (name, moment) in [
      ("milliseconds by-size", 19 * day), ("microseconds by-size", 2_000_000_000),
      ("microseconds by-size", 19 * day), ("seconds by-size", 2_450_000_000_000),
      ("microseconds by-size", 2_450_000), ("real milliseconds by-size", 2_450_000_000),
    ] as [(String, Int64)] {
      let form = try #require(ColumnForm(parsing: name))
      #expect(throws: FormMisfit.self, "\(name)") {
        try FormWriter.stored(.timestamp(moment), type: .timestamp, form: form)
      }
      let chosen = try #require(ColumnForm(parsing: String(name.dropLast(8))))
      let stored = try FormWriter.stored(.timestamp(moment), type: .timestamp, form: chosen)
      #expect(try FormReader.value(stored, type: .timestamp, form: chosen) == .timestamp(moment))
    }
  }

  @Test func `what is written is read as itself, or as the last before it that the form can say`()
    throws
  {
    var random = SystemRandomNumberGenerator()
    let steps: [String: Int64] = [
      "seconds": 1_000_000, "milliseconds": 1000, "microseconds": 1, "julian": 1000,
      "integer cocoa": 1_000_000,
    ]
    for name in [
      "seconds", "milliseconds", "microseconds", "julian", "cocoa", "real seconds",
      "real milliseconds", "integer cocoa",
    ] {
      for suffix in ["", " by-size"] where !name.contains("cocoa") || suffix.isEmpty {
        let form = try #require(ColumnForm(parsing: name + suffix))
        for index in 0..<2000 {
          let range = index % 2 == 0 ? CivilTime.timestampRange : 0...4_000_000_000_000_000
          let moment =
            index == 0
            ? range.lowerBound
            : index == 2
              ? range.upperBound
              : Int64.random(in: range, using: &random)
          guard
            let stored = try? FormWriter.stored(.timestamp(moment), type: .timestamp, form: form)
          else {
            #expect(!suffix.isEmpty && abs(moment) < 4_200_000_000_000, "\(name) \(moment)")
            continue
          }
          guard
            case .timestamp(let read) = try FormReader.value(stored, type: .timestamp, form: form)
          else { continue }
          // Far from 1970 a double is coarser than a microsecond.
          let step = steps[name] ?? (abs(moment) < 7_000_000_000_000_000 ? 1 : 64)
          #expect(read <= moment && moment - read < step, "\(name)\(suffix) \(moment) \(read)")
          #expect(FormReader.isStored(stored, as: form, type: .timestamp), "\(name) \(moment)")
        }
      }
    }
  }

  @Test func `a number is in a form exactly where the form would write it`() throws {
    let forms = try [
      "seconds", "milliseconds by-size", "seconds by-size", "julian", "julian by-size",
      "real seconds by-size", "cocoa", "microseconds", "integer cocoa",
    ].map {
      try #require(ColumnForm(parsing: $0))
    }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<5000 {
      let number =
        Int64.random(in: -1...1, using: &random)
        * (Int64(1) << Int64.random(in: 0...62, using: &random))
        &+ Int64.random(in: 0...9_999_999, using: &random)
      let real = Double(number) + Double(Int.random(in: 0...4, using: &random)) / 4
      for stored in [StoredValue.integer(number), .real(real)] {
        for form in forms {
          let value = try? FormReader.value(stored, type: .timestamp, form: form)
          let written = value.flatMap { try? FormWriter.stored($0, type: .timestamp, form: form) }
          #expect(
            FormReader.isStored(stored, as: form, type: .timestamp)
              == (written?.equals(stored) ?? false), "\(stored) \(form.text)")
        }
      }
    }
  }

  @Test func `the form of one number is the unit that its size tells, else the column's`() throws {
    func form(_ stored: StoredValue, _ unit: String = "date") -> String? {
      ColumnForm(parsing: unit).flatMap {
        FormReader.form(of: stored, type: .timestamp, unit: $0)?.text
      }
    }
    #expect(form(.integer(1_320_091_200)) == "seconds by-size")
    #expect(form(.integer(1_320_091_200_000)) == "milliseconds by-size")
    #expect(form(.integer(1_320_091_200_000_000)) == "microseconds by-size")
    #expect(form(.real(1_320_091_200.5)) == "real seconds by-size")
    #expect(form(.real(2455866.25)) == "julian by-size")
    #expect(form(.integer(2_455_866)) == "julian by-size")
    #expect(form(.integer(5)) == nil)
    #expect(form(.integer(0)) == nil)
    #expect(form(.integer(5), "seconds") == "seconds by-size")
    #expect(form(.real(5.5), "cocoa") == "cocoa")
    #expect(form(.null) == nil)
    #expect(form(.blob([1])) == nil)
  }
}
