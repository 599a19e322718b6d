import DatasyncModel
import Testing

@Suite struct FormCensusTests {
  private func census(
    _ type: ColumnType, _ values: [StoredValue], chosen: ColumnForm? = nil
  ) -> FormCensus.Result {
    var census = FormCensus(type: type, chosen: chosen)
    for value in values { census.add(value) }
    return census.result
  }

  private func expect(
    _ result: FormCensus.Result, _ name: String, isMixed: Bool,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard case .decided(let form, let mixed) = result else {
      Issue.record("\(result), not \(name)", sourceLocation: sourceLocation)
      return
    }
    #expect(form.text == name, sourceLocation: sourceLocation)
    #expect(mixed == isMixed, sourceLocation: sourceLocation)
  }

  @Test func `a column without values has no form`() {
    #expect(census(.timestamp, []) == .none)
    #expect(census(.timestamp, [.null, .null]) == .none)
    #expect(census(.uuid, [.null]) == .none)
  }

  @Test func `one form throughout`() {
    expect(
      census(.timestamp, [.text("2011-10-31 20:00:00"), .null, .text("2011-11-01 07:30:00")]),
      "iso8601 sep=space offset=none decimals=0", isMixed: false)
    expect(
      census(
        .timestamp,
        [.text("2011-10-31 20:00:00.000 +00:00"), .text("2011-10-31 20:00:00.120 +00:00")]),
      "iso8601 sep=space offset=_+00:00 decimals=3", isMixed: false)
    expect(
      census(.timestamp, [.integer(1_320_091_200), .integer(1_320_091_201)]), "seconds by-size",
      isMixed: false)
    expect(
      census(.timestamp, [.integer(1_320_091_200_000)]), "milliseconds by-size", isMixed: false)
    expect(
      census(.timestamp, [.integer(1_320_091_200_000_000)]), "microseconds by-size", isMixed: false)
    expect(
      census(.timestamp, [.real(2455866.3333333335), .integer(2_455_866)]), "julian by-size",
      isMixed: false)
    expect(
      census(.timestamp, [.real(1_320_091_200.5), .real(1_320_091_201.25)]),
      "real seconds by-size", isMixed: false)
    expect(census(.timestamp, [.text("2011-10-31")]), "date", isMixed: false)
    expect(census(.date, [.text("2011-10-31")]), "date", isMixed: false)
    expect(
      census(.date, [.text("2011-10-31 00:00:00.000000")]),
      "iso8601 sep=space offset=none decimals=6", isMixed: false)
  }

  @Test func `the form of most, of several`() {
    let text = StoredValue.text("2011-10-31T20:00:00Z")
    let number = StoredValue.integer(1_320_091_200)
    expect(
      census(.timestamp, [number, text, text]),
      "iso8601 sep=T offset=Z decimals=0 numbers=seconds", isMixed: true)
    expect(census(.timestamp, [text, number, number]), "seconds by-size", isMixed: true)
    expect(census(.timestamp, [number, text]), "seconds by-size", isMixed: true)
    expect(
      census(.timestamp, [text, number]), "iso8601 sep=T offset=Z decimals=0 numbers=seconds",
      isMixed: true)
    expect(
      census(.timestamp, [number, .integer(1_320_091_200_000), .integer(1_320_091_200_001)]),
      "milliseconds by-size", isMixed: true)
    expect(
      census(
        .timestamp,
        [
          .text("2011-10-31 22:00:00+02:00"), .text("2011-10-31 22:00:00+02:00"),
          .text("2011-12-31 22:00:00+01:00"),
        ]),
      "iso8601 sep=space offset=+02:00 decimals=0", isMixed: true)
    expect(
      census(.bool, [.text("t"), .text("f"), .integer(1)]), "t/f", isMixed: true)
    expect(census(.bool, [.integer(1), .integer(0)]), "0/1", isMixed: false)
    expect(census(.bool, [.text("tRUE"), .text("true")]), "true/false", isMixed: true)
    expect(census(.decimal(asWritten: true), [.text("1.50")]), "decimal text", isMixed: false)
    expect(
      census(.decimal(asWritten: true), [.real(1.5), .integer(2)]), "decimal real", isMixed: false)
    expect(
      census(.decimal(asWritten: false), [.real(1.5), .integer(2), .text("x")]), "decimal real",
      isMixed: true)
    expect(census(.timeOfDay, [.text("20:00"), .text("21:30")]), "time minutes", isMixed: false)
    expect(
      census(.timeOfDay, [.text("2000-01-01 20:00:00")]), "dated time decimals=0", isMixed: false)
  }

  @Test func `where decimals vary, as many as needed`() {
    func result(_ texts: [String]) -> FormCensus.Result {
      census(.timestamp, texts.map { .text("2011-10-31 20:00:00\($0)") })
    }
    let name = "iso8601 sep=space offset=none decimals="
    expect(result(["", ".5", ".25"]), name + "needed", isMixed: false)
    expect(result(["", "", "", ".123456"]), name + "needed", isMixed: false)
    expect(result([".123456", ".12345", ".123456", ".1234"]), name + "needed", isMixed: false)
    // Django and Python's isoformat: none or six.
    expect(result(["", "", ".500000"]), name + "needed", isMixed: true)
    // A program that writes zeros at the end, and one stray.
    expect(result([".000", ".120", ".500", ""]), name + "3", isMixed: true)
    expect(result([".000000", ".000000"]), name + "6", isMixed: false)
    expect(result([".123", ".456"]), name + "3", isMixed: false)
    expect(result([".123456789", ".123456789"]), name + "9", isMixed: true)
    expect(
      census(.timeOfDay, [.text("20:00:00"), .text("20:00:00.5")]), "time decimals=needed",
      isMixed: false)
  }

  @Test func `numbers that do not tell their unit`() {
    for values in [
      [.integer(5)], [.integer(0)], [.integer(0), .integer(-86_400)], [.real(1.5)],
      [.text("2011-10-31"), .integer(5)],
    ] as [[StoredValue]] {
      guard case .undecided(let reason) = census(.timestamp, values) else {
        Issue.record("\(values) decide \(census(.timestamp, values))")
        continue
      }
      #expect(reason.contains("unit"))
    }
    // One that does is enough.
    expect(
      census(.timestamp, [.integer(5), .integer(0), .integer(1_320_091_200)]), "seconds by-size",
      isMixed: false)
    expect(
      census(.timestamp, [.integer(1_320_091_200_000), .integer(-1)]), "milliseconds by-size",
      isMixed: false)
    expect(
      census(.timestamp, [.integer(1_320_091_200), .integer(300_000_000_000)]), "seconds by-size",
      isMixed: true)
    expect(
      census(.timestamp, [.text("2011-10-31"), .integer(0)]), "date", isMixed: true)
    expect(
      census(.timestamp, [.real(2455866.5), .integer(0)]), "julian by-size", isMixed: true)
  }

  @Test func `whole and broken numbers of one unit`() {
    expect(
      census(.timestamp, [.integer(1_320_091_200), .integer(1_320_091_201), .real(1_320_091_202)]),
      "seconds by-size", isMixed: false)
    expect(
      census(
        .timestamp, [.integer(1_320_091_200), .integer(1_320_091_201), .real(1_320_091_202.5)]),
      "seconds by-size", isMixed: true)
    expect(
      census(.timestamp, [.integer(1_320_091_200), .real(1_320_091_202.5)]), "real seconds by-size",
      isMixed: false)
    // Finer than a microsecond.
    expect(
      census(.timestamp, [.real(1_320_091_200.0000002)]), "real seconds by-size", isMixed: true)
  }

  @Test func `UUIDs without letters go with the others`() {
    let digits = StoredValue.text("00000000-0000-0000-0000-000000000001")
    let capitals = StoredValue.text("123E4567-E89B-12D3-A456-426614174000")
    let smalls = StoredValue.text("123e4567-e89b-12d3-a456-426614174000")
    expect(census(.uuid, [digits]), "uuid", isMixed: false)
    expect(census(.uuid, [digits, digits, capitals]), "uuid upper", isMixed: false)
    expect(census(.uuid, [digits, capitals, smalls, smalls]), "uuid", isMixed: true)
    expect(census(.uuid, [digits, capitals, capitals, smalls]), "uuid upper", isMixed: true)
    expect(census(.uuid, [.blob(Array(repeating: 7, count: 16))]), "uuid blob16", isMixed: false)
    expect(
      census(.uuid, [.text("123e4567e89b12d3a456426614174000"), smalls, smalls]), "uuid",
      isMixed: true)
  }

  @Test func `a value that fits no form is counted, and an index cannot serve`() {
    var census = FormCensus(type: .timestamp)
    for text in ["2011-10-31", "not a time", "2011-11-01"] { census.add(.text(text)) }
    census.add(.integer(.max))
    census.add(.blob([1]))
    #expect(census.unreadableCount == 3)
    expect(census.result, "date", isMixed: true)
    expect(self.census(.timestamp, [.text("not a time")]), "microseconds", isMixed: true)
    expect(self.census(.int64, [.integer(1), .text("x")]), "declared", isMixed: true)
    expect(self.census(.int64, [.integer(1)]), "declared", isMixed: false)
  }

  @Test func `of a form that was chosen only whether all have it is found out`() throws {
    let cocoa = try #require(ColumnForm(parsing: "cocoa"))
    expect(
      census(.timestamp, [.real(341_784_000.5), .integer(5)], chosen: cocoa), "cocoa",
      isMixed: false)
    expect(
      census(.timestamp, [.real(341_784_000.5), .text("2011-10-31")], chosen: cocoa), "cocoa",
      isMixed: true)
    #expect(census(.timestamp, [], chosen: cocoa) == .none)
    let type = ColumnType.enumeration(["a", "b"])
    let nocase = ColumnForm.choice(.nocase)
    expect(census(type, [.text("a"), .text("b")], chosen: nocase), "enum nocase", isMixed: false)
    expect(census(type, [.text("a"), .text("B")], chosen: nocase), "enum nocase", isMixed: true)
  }

  @Test func `what is decided as unmixed is in its form, value by value`() throws {
    var random = SystemRandomNumberGenerator()
    let names = [
      "seconds by-size", "iso8601", "iso8601 sep=space offset=none decimals=3", "date",
      "real seconds by-size", "julian by-size", "iso8601 offset=_+0000_UTC decimals=needed",
    ]
    for _ in 0..<300 {
      let form = try #require(
        names.randomElement(using: &random).flatMap { ColumnForm(parsing: $0) })
      let other = try #require(
        names.randomElement(using: &random).flatMap { ColumnForm(parsing: $0) })
      var values: [StoredValue] = []
      for index in 0..<Int.random(in: 1...8, using: &random) {
        let moment =
          Int64.random(in: 0...3_000_000_000, using: &random) * 1_000_000
          + ([0, 500_000, 123_000, 123_456].randomElement(using: &random) ?? 0)
        values.append(
          try FormWriter.stored(
            .timestamp(moment), type: .timestamp, form: index == 0 ? other : form))
      }
      guard case .decided(let decided, let isMixed) = census(.timestamp, values) else { continue }
      let areAll = values.allSatisfy {
        FormReader.isStored($0, as: decided, type: .timestamp)
      }
      #expect(areAll == !isMixed, "\(values) \(decided.text)")
    }
  }

  @Test func `a column without a declared type has that of its values`() {
    func type(_ values: [StoredValue]) -> ColumnType {
      var census = TypeCensus()
      for value in values { census.add(value) }
      return census.type
    }
    #expect(type([]) == .string)
    #expect(type([.null]) == .string)
    #expect(type([.integer(1), .null, .integer(2)]) == .int64)
    #expect(type([.real(1)]) == .double)
    #expect(type([.text("a")]) == .string)
    #expect(type([.blob([1])]) == .bytes)
    #expect(type([.integer(1), .real(1.5)]) == .string)
    #expect(type([.integer(1), .text("a"), .integer(2)]) == .string)
  }
}
