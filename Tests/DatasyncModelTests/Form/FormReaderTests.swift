import DatasyncModel
import Testing

@Suite struct FormReaderTests {
  private static let uuid = "123e4567-e89b-12d3-a456-426614174000"
  private static let uuidBytes: [UInt8] = [
    0x12, 0x3E, 0x45, 0x67, 0xE8, 0x9B, 0x12, 0xD3, 0xA4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00,
  ]

  private static let enumeration = ColumnType.enumeration(["Open", "closed", "Ünder way", "1"])

  private func read(_ stored: StoredValue, _ type: ColumnType, _ form: ColumnForm? = nil) -> Value?
  {
    try? FormReader.value(stored, type: type, form: form ?? .initial(for: type))
  }

  // MARK: - Types

  /// The stored value, what it is read as, and the form that it stands in; nil: in none exactly.
  @Test(
    arguments: [
      (.integer(0), false, "0/1"), (.integer(1), true, "0/1"), (.real(1), true, "0/1"),
      (.text("t"), true, "t/f"), (.text("f"), false, "t/f"), (.text("T"), true, "T/F"),
      (.text("F"), false, "T/F"), (.text("true"), true, "true/false"),
      (.text("false"), false, "true/false"), (.text("True"), true, "True/False"),
      (.text("False"), false, "True/False"), (.text("TRUE"), true, "TRUE/FALSE"),
      (.text("FALSE"), false, "TRUE/FALSE"), (.text("tRuE"), true, nil),
      (.text("FAlse"), false, nil),
      (.text("1"), true, "'0'/'1'"), (.text("0"), false, "'0'/'1'"),
    ] as [(StoredValue, Bool, String?)])
  func `truth values of every spelling`(_ stored: StoredValue, _ value: Bool, _ name: String?)
    throws
  {
    #expect(read(stored, .bool) == .bool(value))
    let form = try #require(FormReader.form(of: stored, type: .bool, unit: .initial(for: .bool)))
    #expect(FormReader.isStored(stored, as: form, type: .bool) == (name != nil))
    guard let name else { return }
    #expect(form.text == name && ColumnForm(parsing: name) == form)
    let written = try FormWriter.stored(.bool(value), type: .bool, form: form)
    #expect(written.equals(stored))
  }

  @Test(
    arguments: [
      .integer(2), .integer(-1), .integer(.min), .real(0.5), .real(.infinity), .text(""),
      .text("y"),
      .text("n"), .text("yes"), .text("on"), .text("tru"), .text("truee"), .text(" t"), .text("2"),
      .blob([1]), .blob(Array("t".utf8)), .text([0x74, 0]), .text([0xFF]),
    ] as [StoredValue])
  func `what is no truth value is refused`(_ stored: StoredValue) {
    #expect(read(stored, .bool) == nil)
  }

  @Test func `UUIDs of any case, without hyphens, or in 16 bytes`() throws {
    let uuid = FormReaderTests.uuid
    let forms: [(StoredValue, String)] = [
      (.text(uuid), "uuid"), (.text(uuid.uppercased()), "uuid upper"),
      (.text("123e4567e89b12d3a456426614174000"), "uuid no-hyphens"),
      (.text("123E4567E89B12D3A456426614174000"), "uuid upper no-hyphens"),
      (.blob(FormReaderTests.uuidBytes), "uuid blob16"),
    ]
    for (stored, name) in forms {
      #expect(read(stored, .uuid) == .string(uuid))
      let form = try #require(FormReader.form(of: stored, type: .uuid, unit: .declared))
      #expect(form.text == name && ColumnForm(parsing: name) == form && form.sortsAsStored)
      #expect(try FormWriter.stored(.string(uuid), type: .uuid, form: form) == stored)
      #expect(FormReader.isStored(stored, as: form, type: .uuid))
    }
    let mixed = StoredValue.text("123E4567-e89b-12d3-a456-426614174000")
    #expect(read(mixed, .uuid) == .string(uuid))
    #expect(!FormReader.isStored(mixed, as: .initial(for: .uuid), type: .uuid))
    for text in [
      "", "123e4567-e89b-12d3-a456-42661417400", "123e4567-e89b-12d3-a456-42661417400g",
      "123e4567-e89b-12d3-a456-4266141740000", "{123e4567-e89b-12d3-a456-426614174000}",
      "123e4567e-89b-12d3-a456-426614174000", "------------------------------------",
      "123e4567_e89b_12d3_a456_426614174000",
    ] {
      #expect(read(.text(text), .uuid) == nil, "\(text)")
    }
    #expect(read(.blob([1, 2, 3]), .uuid) == nil)
    #expect(read(.blob(Array(uuid.utf8)), .uuid) == nil)
    #expect(read(.integer(1), .uuid) == nil)
  }

  /// SQLite stores each of the first as a number in a column declared UUID.
  @Test func `a UUID that looks like a number keeps its hyphens in a column of numeric affinity`()
    throws
  {
    let form = try #require(ColumnForm(parsing: "uuid no-hyphens"))
    for (uuid, looksNumeric) in [
      ("12345678-9012-3456-7890-123456789012", true),
      ("00000000-0000-0000-0000-000000000001", true),
      ("12345678-9012-3456-7890-12345678e012", true),
      ("1e999999-9999-9999-9999-999999999999", true),
      ("123e4567-e89b-12d3-a456-426614174000", false),
      ("e1234567-8901-2345-6789-012345678901", false),
      ("12345678-9012-3456-7890-12345678901e", false),
      ("12345678-9012-3456-7890-12345678901a", false),
    ] {
      let plain = StoredValue.text(uuid.filter { $0 != "-" })
      #expect(try FormWriter.stored(.string(uuid), type: .uuid, form: form) == plain)
      let stored = try FormWriter.stored(.string(uuid), type: .uuid, form: form, isNumeric: true)
      #expect(stored == (looksNumeric ? .text(uuid) : plain), "\(uuid)")
      #expect(read(stored, .uuid, form) == .string(uuid))
    }
  }

  @Test(
    arguments: [
      ("2011-10-31", "date"), ("2011-10-31 00:00:00", "iso8601 sep=space offset=none decimals=0"),
      ("2011-10-31 00:00:00.000000", "iso8601 sep=space offset=none decimals=6"),
      ("2011-10-31T00:00:00.000Z", "iso8601 sep=T offset=Z decimals=3"),
      ("2011-10-31 00:00", "iso8601 sep=space offset=none minutes"),
      ("2011-10-31 00:00:00+02:00", "iso8601 sep=space offset=+02:00 decimals=0"),
      ("2011-10-31 00:00:00 +0000 UTC", "iso8601 sep=space offset=_+0000_UTC decimals=0"),
    ])
  func `dates, with a midnight behind them, too`(_ text: String, _ name: String) throws {
    #expect(read(.text(text), .date) == .string("2011-10-31"))
    let form = try #require(FormReader.form(of: .text(text), type: .date, unit: .declared))
    #expect(form.text == name && ColumnForm(parsing: name) == form)
    #expect(try FormWriter.stored(.string("2011-10-31"), type: .date, form: form) == .text(text))
    #expect(FormReader.isStored(.text(text), as: form, type: .date))
  }

  @Test(
    arguments: [
      .text("2011-10-31 00:00:01"), .text("2011-10-31 20:00"), .text("2011-10"),
      .text("31.10.2011"),
      .text("2011-02-29"), .integer(1_320_019_200), .real(2455865.5), .blob([]), .text(""),
      .text("2011-10-31 00:00:00.000000001x"),
    ] as [StoredValue])
  func `what is no date is refused`(_ stored: StoredValue) {
    #expect(read(stored, .date) == nil)
  }

  @Test(
    arguments: [
      ("20:00", "20:00:00", "time minutes"), ("20:00:07", "20:00:07", "time decimals=0"),
      ("20:00:07.5", "20:00:07.5", "time decimals=1"),
      ("20:00:07.500000", "20:00:07.5", "time decimals=6"),
      ("00:00:00.000", "00:00:00", "time decimals=3"),
      ("2000-01-01 20:00:07", "20:00:07", "dated time decimals=0"),
      ("2000-01-01 23:59:59.999999", "23:59:59.999999", "dated time decimals=6"),
    ])
  func `times of day`(_ text: String, _ value: String, _ name: String) throws {
    #expect(read(.text(text), .timeOfDay) == .string(value))
    let form = try #require(FormReader.form(of: .text(text), type: .timeOfDay, unit: .declared))
    #expect(form.text == name && ColumnForm(parsing: name) == form && form.sortsAsStored)
    #expect(try FormWriter.stored(.string(value), type: .timeOfDay, form: form) == .text(text))
    #expect(FormReader.isStored(.text(text), as: form, type: .timeOfDay))
  }

  @Test func `times of day finer than the form, and what is none`() throws {
    #expect(read(.text("20:00:07.123456789"), .timeOfDay) == .string("20:00:07.123456"))
    for (name, text) in [
      ("time minutes", "20:00"), ("time decimals=0", "20:00:07"),
      ("time decimals=2", "20:00:07.12"),
      ("time", "20:00:07.123456"), ("dated time", "2000-01-01 20:00:07.123456"),
    ] {
      let form = try #require(ColumnForm(parsing: name))
      #expect(
        try FormWriter.stored(.string("20:00:07.123456"), type: .timeOfDay, form: form)
          == .text(text))
    }
    for text in [
      "", "20", "20:0", "24:00", "20:60", "20:00:60", "20:00:", "20:00Z", "20:00:07.",
      "20:00:07.1234567890", "8 pm", "2000-01-02 20:00", "2000-01-01T20:00", "2000-01-01 ",
    ] {
      #expect(read(.text(text), .timeOfDay) == nil, "\(text)")
    }
    #expect(read(.integer(7), .timeOfDay) == nil)
  }

  @Test(arguments: [true, false])
  func `decimals as text and as numbers`(_ asWritten: Bool) throws {
    let type = ColumnType.decimal(asWritten: asWritten)
    for (stored, value) in [
      (.text("12.50"), "12.50"), (.text("-3"), "-3"), (.integer(5), "5"), (.real(12.5), "12.5"),
      (.real(0.1), "0.1"), (.real(-0.0), "0"), (.real(1e22), "10000000000000000000000"),
      (.real(1.5e-7), "0.00000015"), (.integer(.min), "-9223372036854775808"),
    ] as [(StoredValue, String)] {
      #expect(read(stored, type) == .string(value))
    }
    for stored in [
      .text("1e3"), .text(""), .text("1,5"), .text("NaN"), .real(1e300), .real(.infinity),
      .blob([1]),
    ] as [StoredValue] {
      #expect(read(stored, type) == nil)
    }
    let real = ColumnForm.decimal(.real)
    #expect(try FormWriter.stored(.string("12.50"), type: type, form: real) == .real(12.5))
    #expect(try FormWriter.stored(.string("12.00"), type: type, form: real) == .integer(12))
    #expect(
      try FormWriter.stored(.string("12.50"), type: type, form: .decimal(.text)) == .text("12.50"))
    #expect(throws: FormMisfit.self) {
      try FormWriter.stored(.string("0.12345678901234567890"), type: type, form: real)
    }
    #expect(FormReader.form(of: .real(1.5), type: type, unit: .declared) == real)
    #expect(FormReader.form(of: .text("1.5"), type: type, unit: .declared) == .decimal(.text))
    #expect(FormReader.isStored(.real(3), as: real, type: type))
    #expect(!FormReader.isStored(.text("3"), as: real, type: type))
  }

  @Test func `an enum compares as its column does, and is read as it is declared`() throws {
    func declared(_ text: String, _ collation: EnumCollation) -> Value? {
      read(.text(text), FormReaderTests.enumeration, .choice(collation))
    }
    #expect(declared("Open", .binary) == .string("Open"))
    #expect(declared("open", .binary) == nil)
    #expect(declared("OPEN", .nocase) == .string("Open"))
    #expect(declared("cLOSED", .nocase) == .string("closed"))
    #expect(declared("ünder way", .nocase) == nil)
    #expect(declared("ÜNDER WAY", .nocase) == .string("Ünder way"))
    #expect(declared("open ", .nocase) == nil)
    #expect(declared("Open   ", .rtrim) == .string("Open"))
    #expect(declared("Open\t", .rtrim) == nil)
    #expect(declared(" Open", .rtrim) == nil)
    #expect(declared("open", .rtrim) == nil)
    #expect(declared("", .rtrim) == nil)
    #expect(read(.integer(1), FormReaderTests.enumeration, .choice(.binary)) == .string("1"))
    #expect(read(.text([0x4F, 0]), FormReaderTests.enumeration, .choice(.nocase)) == nil)
    let twice = ColumnType.enumeration(["a", "A", "b "])
    #expect(read(.text("A"), twice, .choice(.nocase)) == .string("A"))
    #expect(read(.text("a"), twice, .choice(.nocase)) == .string("a"))
    #expect(read(.text("b"), twice, .choice(.rtrim)) == .string("b "))
    #expect(
      try FormWriter.stored(
        .string("closed"), type: FormReaderTests.enumeration, form: .choice(.nocase))
        == .text("closed"))
    #expect(throws: FormMisfit.self) {
      try FormWriter.stored(
        .string("CLOSED"), type: FormReaderTests.enumeration, form: .choice(.nocase))
    }
  }

  @Test func `types that have one form`() {
    #expect(read(.integer(.max), .int64) == .int64(.max))
    #expect(read(.real(1), .int64) == nil)
    #expect(read(.text("1"), .int64) == nil)
    #expect(read(.integer(7), .double) == .double(7))
    #expect(read(.real(7.5), .double) == .double(7.5))
    #expect(read(.real(.infinity), .double) == nil)
    #expect(read(.text("ü"), .string) == .string("ü"))
    #expect(read(.text([0x61, 0, 0x62]), .string) == nil)
    #expect(read(.text([0xC3]), .string) == nil)
    #expect(read(.blob([0x61]), .string) == nil)
    #expect(read(.text("a"), .bytes) == .bytes([0x61]))
    #expect(read(.blob([0]), .bytes) == .bytes([0]))
    #expect(read(.integer(1), .bytes) == nil)
    #expect(read(.text("{\"a\": 1}"), .json(asWritten: true)) == .string("{\"a\": 1}"))
    #expect(read(.text("{"), .json(asWritten: true)) == nil)
    #expect(read(.integer(5), .json(asWritten: true)) == nil)
    #expect(read(.integer(5), .json(asWritten: false)) == .string("5"))
    #expect(read(.real(2.5), .json(asWritten: false)) == .string("2.5"))
    for type in [ColumnType.bool, .int64, .timestamp, .uuid, .string] {
      #expect(read(.null, type) == .null)
      #expect((try? FormWriter.stored(.null, type: type, form: .initial(for: type))) == .null)
    }
  }

  /// The texts are SQLite's own.
  @Test(
    arguments: [
      (1e20, "1.0e+20"), (1.5, "1.5"), (0.1, "0.1"), (-0.0, "0.0"), (1.0 / 3, "0.333333333333333"),
      (1e-7, "1.0e-07"), (123_456_789_012_345_680, "1.23456789012346e+17"), (1e15, "1.0e+15"),
      (1e14, "100000000000000.0"), (-2.5e-300, "-2.5e-300"), (100, "100.0"),
    ] as [(Double, String)])
  func `numbers read as text as SQLite casts them`(_ number: Double, _ text: String) {
    #expect(read(.real(number), .string) == .string(text))
  }

  @Test func `a misfit says what stands there and what belongs there`() {
    func fault(_ stored: StoredValue, _ type: ColumnType) -> String? {
      do {
        _ = try FormReader.value(stored, type: type, form: .initial(for: type))
        return nil
      } catch {
        return error.description
      }
    }
    #expect(fault(.text("x"), .int64) == "text is stored where an integer belongs")
    #expect(fault(.blob([]), .timestamp) == "a blob is stored where a time belongs")
    #expect(
      fault(.text("not a time"), .timestamp) == "text is stored where a time belongs")
    #expect(fault(.text([0]), .timestamp) == "the text holds a NUL character")
    #expect(fault(.text([0xFF]), .uuid) == "the text is not valid UTF-8")
    #expect(fault(.real(.infinity), .double) == "it is no finite number")
    #expect(
      fault(.integer(.max), .timestamp)
        == "a number is stored which as microseconds since 1970 is not in the years 0001 to 9999"
    )
  }

  // MARK: - Names

  @Test(arguments: [
    "declared", "seconds", "real seconds by-size", "integer cocoa", "julian by-size", "date",
    "iso8601 sep=space offset=_+00:00 decimals=3", "iso8601 sep=T offset=Z decimals=needed",
    "iso8601 sep=space offset=none minutes numbers=seconds", "dated time decimals=needed", "t/f",
    "True/False", "'0'/'1'", "uuid upper no-hyphens", "uuid blob16", "decimal text", "decimal real",
    "enum nocase", "enum binary",
  ])
  func `a form's name says all of it`(_ name: String) {
    #expect(ColumnForm(parsing: name)?.text == name)
  }

  @Test(arguments: [
    "", " ", "Seconds", "minutes", "second", "seconds seconds", "by-size", "integer julian",
    "real real seconds", "iso8601 sep=x", "iso8601 offset=+25:00", "iso8601 offset=",
    "iso8601 sep=",
    "iso8601 decimals=10", "iso8601 decimals=-1", "iso8601 decimals=x",
    "iso8601 offset=_+0200_CEST",
    "iso8601 offset=:30", "iso8601 offset=.5", "iso8601 numbers=days", "time date", "dated",
    "uuid lower",
    "enum", "enum x", "decimal", "t/F", "yes/no", "uuid blob16 upper", "time decimals=3 minutes",
  ])
  func `what is no form is refused`(_ name: String) {
    #expect(ColumnForm(parsing: name) == nil)
  }

  @Test func `forms are said as a person would`() {
    for (name, description) in [
      ("iso8601 sep=space offset=+00:00 decimals=3", "text, ISO 8601 with offset"),
      ("iso8601 sep=T offset=none decimals=0", "text, ISO 8601 without offset"),
      ("iso8601", "text, ISO 8601 with Z"), ("seconds by-size", "seconds since 1970"),
      ("real seconds", "seconds since 1970, real"), ("julian", "Julian days"),
      ("cocoa", "seconds since 2001"), ("date", "text, a date"),
    ] {
      #expect(ColumnForm(parsing: name)?.description == description)
    }
  }

  @Test func `a form tells the type of a column that is declared otherwise`() {
    for (name, type) in [
      ("seconds", .timestamp), ("iso8601", .timestamp), ("date", .date), ("time", .timeOfDay),
      ("t/f", .bool), ("uuid", .uuid), ("decimal text", .decimal(asWritten: true)),
      ("declared", nil),
    ] as [(String, ColumnType?)] {
      #expect(ColumnForm(parsing: name)?.impliedType == type)
      if let type { #expect(ColumnForm(parsing: name)?.fits(type) == true) }
    }
    for type in [
      ColumnType.bool, .int64, .string, .timestamp, .date, .uuid, .json(asWritten: true),
    ] {
      #expect(ColumnForm.initial(for: type).fits(type))
    }
    #expect(ColumnForm.declared.fits(.timestamp) == false)
  }

  // MARK: - Whatever is stored

  @Test func `nothing that can be stored stops the process`() throws {
    var random = SystemRandomNumberGenerator()
    let types: [ColumnType] = [
      .bool, .int64, .double, .string, .bytes, .timestamp, .date, .timeOfDay,
      .decimal(asWritten: true), .decimal(asWritten: false), .uuid, .json(asWritten: true),
      .json(asWritten: false), FormReaderTests.enumeration,
    ]
    let names = [
      "declared", "seconds", "julian by-size", "cocoa", "iso8601", "date", "time", "t/f",
      "uuid blob16", "decimal real", "enum nocase", "iso8601 offset=-05:00 numbers=milliseconds",
    ]
    let forms = try names.map { try #require(ColumnForm(parsing: $0)) }
    let alphabet = Array("0123456789:-+. TZUCtrufalsem=abcdef\u{0}{\"".utf8) + [0xFF, 0xC3, 0xBC]
    var census = types.map { FormCensus(type: $0) }
    for _ in 0..<800 {
      let count = [0, 1, 4, 5, 10, 16, 19, 23, 26, 32, 36].randomElement(using: &random) ?? 0
      let bytes = (0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      let bits = UInt64.random(in: 0 ... .max, using: &random)
      let values: [StoredValue] = [
        .text(bytes), .blob(bytes), .integer(Int64(bitPattern: bits)),
        .real(Double(bitPattern: bits)),
      ]
      for stored in values {
        for (index, type) in types.enumerated() {
          let form = forms.randomElement(using: &random) ?? .declared
          if let value = try? FormReader.value(stored, type: type, form: form) {
            let fitting = form.fits(type) ? form : ColumnForm.initial(for: type)
            if let written = try? FormWriter.stored(value, type: type, form: fitting) {
              // What we wrote is there for others to read, and for us.
              #expect(throws: Never.self) {
                try FormReader.value(written, type: type, form: fitting)
              }
            }
          }
          _ = FormReader.isStored(stored, as: form, type: type)
          _ = FormReader.form(of: stored, type: type, unit: form)
          census[index].add(stored)
        }
      }
    }
    for census in census { _ = census.result }
  }
}
