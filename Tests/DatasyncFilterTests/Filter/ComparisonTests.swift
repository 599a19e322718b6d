import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

@Suite struct ComparisonTests {
  static let row = Sample.row([
    "title": .string("Milk"), "count": .int64(42), "price": .double(9.99), "done": .bool(true),
    "data": .bytes([1, 2, 255]), "due": .timestamp(1_700_000_000_000_000),
    "born": .string("1994-10-14"), "wakes": .string("02:14:00"), "amount": .string("12.50"),
    "rate": .string("0.1"), "owner": .string("123e4567-e89b-12d3-a456-426614174000"),
    "extra": .string(#"{"a": 1}"#), "loose": .string("12"), "rating": .string("PG"),
    "and": .string("x"),
  ])

  @Test(arguments: [
    "title eq 'Milk'", "title ne 'milk'", "title gt 'Mil'", "title lt 'Z'", "title ge 'Milk'",
    "count eq 42", "count ne 41", "count gt 41", "count ge 42", "count lt 43", "count le 42",
    "count eq 42.0", "count eq 4.2e1", "count gt 41.5", "count lt 42.5", "not (count eq 42.5)",
    "price eq 9.99", "price eq 9.99d", "price gt 9", "price lt 10", "price gt count sub 33",
    "done", "done eq true", "not done eq false", "done gt false", "done ne null",
    "data eq X'0102ff'", "data eq binary'AQL_'", "data ne X'01'",
    "due eq 2023-11-14T22:13:20Z", "due gt 2023-11-14", "due lt 2023-11-15",
    "due eq datetime'2023-11-14T22:13:20'", "due eq '2023-11-14T23:13:20+01:00'",
    "born eq 1994-10-14", "born lt 1994-10-15", "born eq '1994-10-14'", "born lt due",
    "wakes eq 02:14", "wakes eq 02:14:00", "wakes lt 02:14:00.5", "wakes gt 02:13:59.999999",
    "amount eq 12.5", "amount eq 12.50", "amount lt 100", "amount gt -13", "amount eq 1.25e1",
    "rate eq 0.1", "rate lt amount", "rate ne 1", "rate eq 0.10M",
    "owner eq 123e4567-e89b-12d3-a456-426614174000",
    "owner eq guid'123E4567-E89B-12D3-A456-426614174000'",
    "owner eq '123E4567-E89B-12D3-A456-426614174000'",
    "extra eq '{\"a\": 1}'", "loose eq '12'", "loose gt '110'", "contains(extra, 'a')",
    "rating eq 'PG'", "rating ne 'U'", "rating gt 'U'", "rating lt 'A'", "rating le 'PG'",
    "'A' gt rating", "rating ge 'PG'",
    "and eq 'x' and and ne 'y'", "$it/and eq 'x'", "key eq 'k1'", "id eq 'k1'", "deleted eq false",
    "not deleted", "version eq 1", "created_at eq 1970-01-01T00:00:00Z",
    "title in ('Milk')", "title in ('a', 'Milk', 'it''s')", "count in (1, 42)", "count in (42.0)",
    "amount in (12.5, 1)", "amount in (1.25e1)", "price in (9.99, 1)", "rating in ('U', 'PG')",
    "due in (2023-11-14T22:13:20Z)", "born in (1994-10-14, 1995-01-01)", "done in (true)",
    "not (title in ('a'))", "owner in ('123e4567-e89b-12d3-a456-426614174000')",
  ])
  func `a comparison that holds keeps the row`(_ filter: String) throws {
    #expect(try Sample.judge(filter, ComparisonTests.row), "\(filter)")
  }

  @Test(arguments: [
    "title eq 'milk'", "title ne 'Milk'", "title gt 'Milk'", "count eq 42.5", "count gt 42",
    "count lt 42", "price eq 9.98", "not done", "done eq false", "data eq X'0102'",
    "due gt 2023-11-15", "due lt 2023-11-14", "born gt 1994-10-14", "amount eq 12.51",
    "rate eq 0.2", "rating gt 'PG'", "rating gt 'X'", "rating lt 'U'", "title in ('a', 'b')",
    "count in (42.5)", "count in (42.5, 4.25e1)", "amount in (12.49)", "not (count in (42))",
  ])
  func `a comparison that fails drops the row`(_ filter: String) throws {
    #expect(try !Sample.judge(filter, ComparisonTests.row), "\(filter)")
  }

  @Test(arguments: [
    "title eq null", "null eq title", "title ne 'a'", "not (title eq 'a')", "not (title gt 'a')",
    "not (count gt 5)", "count le null", "null ge count", "count ge price", "title le note",
    "title eq note", "title in ('a', null)", "not (title in ('a'))", "title in (null)",
    "amount eq rate", "amount ge rate", "rating eq null", "rating ne 'U'", "done eq null",
    "(not done) eq null", "(done and true) eq null", "(done or false) eq null",
    "contains(title, 'a') eq null", "due eq null", "not (due lt 2020-01-01)", "due ne 2020-01-01",
    "not (due in (2020-01-01))", "length(title) eq null", "count add 1 eq null",
    "tolower(title) ge tolower(note)", "amount add 1 ge rate", "not (rating gt 'U')",
    "amount in (1, null)", "(count gt 3) eq false", "not (done and false) eq true",
    "null eq null", "not (null gt 1)", "length(null) eq null", "(null and false) eq false",
    "due in (2020-01-01, null)", "count in (1.5, null)",
  ])
  func `null is a value to eq and ne, and no side of an order`(_ filter: String) throws {
    #expect(try Sample.judge(filter, Sample.row()), "\(filter)")
  }

  @Test(arguments: [
    "title eq 'a'", "title ne null", "title gt 'a'", "title lt 'a'", "title lt note",
    "title gt note", "done", "not done", "done and true", "done or false", "null",
    "not (done or false)", "contains(title, '')", "not contains(title, '')", "count gt 1",
    "count add 1 gt 0", "due gt 2020-01-01", "due lt 2020-01-01", "amount lt 5", "rating lt 'X'",
    "title in ('a')", "null gt 1", "null lt 1", "rating gt rating", "count in (1.5)",
    "not null", "null ne null",
  ])
  func `null and false keep no row`(_ filter: String) throws {
    #expect(try !Sample.judge(filter, Sample.row()), "\(filter)")
  }

  @Test func `integers beyond 2^53 and doubles compare exactly`() throws {
    let row = Sample.row([
      "count": .int64(9_007_199_254_740_993), "price": .double(9007199254740992),
    ])
    #expect(try Sample.judge("count gt price", row))
    #expect(try Sample.judge("count ne price", row))
    #expect(try Sample.judge("not (count eq 9007199254740992e0)", row))
    #expect(try Sample.judge("count eq 9007199254740993", row))
    let extreme = Sample.row(["count": .int64(.max), "price": .double(0x1p63)])
    #expect(try Sample.judge("count lt price", extreme))
    #expect(try Sample.judge("count eq 9223372036854775807", extreme))
    #expect(try Sample.judge("count lt 9223372036854775808", extreme))
    #expect(try Sample.judge("-9223372036854775808 lt count", extreme))
  }

  @Test func `text is compared by code point, not by canonical equivalence`() throws {
    let composed = Sample.row(["title": .string("caf\u{E9}"), "note": .string("cafe\u{301}")])
    #expect(try !Sample.judge("title eq note", composed))
    #expect(try !Sample.judge("title eq 'cafe\u{301}'", composed))
    #expect(try Sample.judge("title gt note", composed))
    #expect(try Sample.judge("note in ('caf\u{E9}', 'cafe\u{301}')", composed))
    #expect(try !Sample.judge("title in ('cafe\u{301}')", composed))
    // The Kelvin sign is canonically equivalent to K, and U+037E to a semicolon.
    let kelvin = Sample.row(["title": .string("\u{212A};\u{37E}")])
    for text in ["title eq 'K;;'", "title eq 'K;;;;'", "title in ('K;;')", "title eq 'KK;;'"] {
      #expect(try !Sample.judge(text, kelvin))
    }
    // Above the surrogates UTF-16 would order these the other way.
    let high = Sample.row(["title": .string("\u{FF5E}"), "note": .string("\u{1F600}")])
    #expect(try Sample.judge("title lt note", high))
  }

  @Test func `timestamps that others wrote as text compare as moments`() throws {
    let table = Sample.table
    let due = try #require(table.index(ofColumn: "due"))
    var stored = Sample.row()
    stored[due] = .string("2023-11-14T23:13:20+01:00")
    var read = stored
    read[due] = .timestamp(1_700_000_000_000_000)
    let database = try TestDatabase()
    try database.execute(Sample.declaration(of: table))
    let places = stored.map { _ in "?" }.joined(separator: ", ")
    try database.run("INSERT INTO samples VALUES (\(places))", stored)
    for text in [
      "due eq 2023-11-14T22:13:20Z", "due gt 2023-11-14", "due ge 2023-11-14T22:13:20Z",
      "due lt 2023-11-15", "due le 2023-11-15", "due ne 2023-11-15",
      "due in (2023-11-14T22:13:20Z)",
      "2023-11-15 gt due", "year(due) eq 2023", "not (due gt 2023-11-15)", "due gt created_at",
      "not (due lt 2023-11-01)",
    ] {
      let filter = try Filter(parsing: text, table: table)
      #expect(try filter.matches(read), "\(text)")
      let sql = filter.sql
      let rows = try database.run("SELECT 1 FROM samples WHERE \(sql.text)", sql.bindings)
      #expect(rows.count == 1, "\(text) as \(sql.text)")
    }
  }
}
