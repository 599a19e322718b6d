import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

@Suite struct FunctionTests {
  static let row = Sample.row([
    "title": .string("The Caf\u{E9} \u{1F600}"), "count": .int64(142), "price": .double(-2.5),
    "due": .timestamp(1_709_251_199_999_999), "born": .string("1994-10-14"),
    "wakes": .string("02:14:05.5"), "amount": .string("2.50"), "rate": .string("7"),
    "done": .bool(true), "rating": .string("PG"),
    "owner": .string("123e4567-e89b-12d3-a456-426614174000"),
  ])

  /// Each is true of ``row``.
  @Test(arguments: [
    // Text.
    "contains(title, 'Caf')", "contains(title, '')", "not contains(title, 'caf')",
    "not contains(title, 'cafe')", "startswith(title, 'The ')", "not startswith(title, 'the')",
    "endswith(title, '\u{1F600}')", "not endswith(title, 'x')", "not startswith('a', 'ab')",
    "indexof(title, 'Caf') eq 4", "indexof(title, '\u{1F600}') eq 9", "indexof(title, 'zz') eq -1",
    "indexof(title, '') eq 0", "length(title) eq 10", "length('') eq 0", "length('e\u{301}') eq 2",
    "substring(title, 4) eq 'Caf\u{E9} \u{1F600}'", "substring(title, 4, 3) eq 'Caf'",
    "substring(title, 9, 99) eq '\u{1F600}'", "substring(title, 10) eq ''",
    "substring(title, 9223372036854775807) eq ''", "substring(title, -3, 3) eq 'The'",
    "substring(title, 0, 0) eq ''", "substring(title, 0, -1) eq ''",
    "tolower(title) eq 'the caf\u{E9} \u{1F600}'", "toupper('caf\u{E9}') eq 'CAF\u{C9}'",
    "toupper('\u{DF}') eq 'SS'", "tolower('\u{3A3}') eq '\u{3C3}'",
    "trim(' \u{A0}a b\t') eq 'a b'", "trim('   ') eq ''",
    "concat(title, '!') eq 'The Caf\u{E9} \u{1F600}!'",
    "concat(concat('a', 'b'), 'c') eq 'abc'", "'it''s' eq concat('it', '''s')",
    // Arithmetic.
    "count add 1 eq 143", "count sub 143 eq -1", "count mul 2 eq 284", "count div 60 eq 2",
    "count div 60.0 gt 2.36", "count div 60.0 lt 2.37", "count divby 60 gt 2.3",
    "count divby 4 eq 35.5", "count mod 60 eq 22", "-count mod 60 eq -22", "count mod -60 eq 22",
    "-7 div 2 eq -3", "7 div -2 eq -3", "-7 divby 2 eq -3.5", "5.5 mod 2 eq 1.5",
    "-5.5 mod 2 eq -1.5",
    "5e0 mod 3 eq 2", "1 div 3.0 eq 0.3333333333333333333333333333333333",
    "2 div 3.0 eq 0.6666666666666666666666666666666667", "0.1 add 0.2 eq 0.3",
    "1e-1 add 2e-1 ne 3e-1", "amount mul 2 eq 5", "amount mul amount eq 6.25",
    "amount sub rate eq -4.5",
    "price add amount eq 0", "count add price eq 139.5", "- count eq -142", "-(count) eq -142",
    "-amount eq -2.5", "2 add 3 mul 4 eq 14", "2 add 3 mul 4 sub 1 eq 13", "10 sub 3 sub 2 eq 5",
    "100 div 10 div 5 eq 2", "year(born) sub 1900 ge 80",
    "-9223372036854775808 mod -1 eq 0",
    // What cannot be computed is null.
    "count div 0 eq null", "count mod 0 eq null", "amount div 0 eq null", "price div 0 eq null",
    "count divby 0 eq null", "9223372036854775807 add 1 eq null", "-(-9223372036854775808) eq null",
    "9223372036854775807 mul count eq null", "-9223372036854775808 div -1 eq null",
    "1e308 mul 1e308 eq null", "-9223372036854775808 sub 1 eq null",
    // Rounding.
    "ceiling(count div 60.0) eq 3", "floor(count div 60.0) eq 2", "round(count div 60.0) eq 2",
    "round(2.5) eq 3", "round(-2.5) eq -3", "round(price) eq -3", "floor(price) eq -3",
    "ceiling(price) eq -2", "floor(amount) eq 2", "ceiling(amount) eq 3", "round(amount) eq 3",
    "floor(-0.5) eq -1", "ceiling(-0.5) eq 0", "floor(count) eq 142", "round(0.49) eq 0",
    "round(4.9999999999999994e-1) eq 0", "ceiling(0.00000000000000000000000000000000000001) eq 1",
    // Dates and times.
    "year(due) eq 2024", "month(due) eq 2", "day(due) eq 29", "hour(due) eq 23",
    "minute(due) eq 59", "second(due) eq 59", "year(born) eq 1994", "month(born) eq 10",
    "day(born) eq 14", "hour(wakes) eq 2", "minute(wakes) eq 14", "second(wakes) eq 5",
    "date(due) eq 2024-02-29", "time(due) eq 23:59:59.999999", "date(born) eq born",
    "time(wakes) eq wakes", "now() eq 2001-09-09T01:46:40Z", "created_at lt now()",
    "year(now()) eq 2001", "due gt now()", "due eq 2024-03-01T00:59:59.999999+01:00",
    // Casts.
    "born eq cast(1994-10-14, Edm.Date)", "cast(due, Edm.Date) eq 2024-02-29",
    "cast(due, Edm.TimeOfDay) gt 23:59", "cast(born, Edm.DateTimeOffset) eq 1994-10-14T00:00:00Z",
    "cast('1994-10-14', Edm.Date) eq born", "cast('x', Edm.Date) eq null",
    "cast('2023-11-14T22:13:20Z', Edm.DateTimeOffset) lt due",
    "cast('02:14', Edm.TimeOfDay) lt wakes",
    "cast('123E4567-E89B-12D3-A456-426614174000', Edm.Guid) eq owner",
    "cast(count, Edm.String) eq '142'", "contains(cast(count, Edm.String), '4')",
    "cast(price, Edm.String) eq '-2.5'", "cast(amount, Edm.String) eq '2.5'",
    "cast(1e300, Edm.String) eq '1e+300'", "cast(1e2, Edm.String) eq '100'",
    "cast(done, Edm.String) eq 'true'", "cast(rating, Edm.String) eq 'PG'",
    "startswith(cast(rating, Edm.String), 'P')",
    "cast(due, 'Edm.String') eq '2024-02-29T23:59:59.999999Z'",
    "cast('12', Edm.Int32) eq 12", "cast('12x', Edm.Int32) eq null", "cast(2.9, Edm.Int64) eq 2",
    "cast(-2.9e0, Edm.Int64) eq -2", "cast(1e30, Edm.Int64) eq null",
    "cast(count, Edm.Byte) eq 142",
    "cast(300, Edm.Byte) eq null", "cast(-129, Edm.SByte) eq null",
    "cast(40000, Edm.Int16) eq null",
    "cast(0.1, Edm.Double) eq 1e-1", "cast(0.1, Edm.Single) ne 1e-1",
    "cast(1e39, Edm.Single) eq null",
    "cast(0.1e0, Edm.Decimal) eq 0.1", "cast('nan', Edm.Double) eq null",
    "cast('0x10', Edm.Double) eq null", "cast('1e3', Edm.Double) eq 1000",
    "cast(null, Edm.String) eq null", "cast('true', Edm.Boolean)",
    "cast(count, Edm.Int64) eq count",
  ])
  func `a function gives what OData says`(_ filter: String) throws {
    let now: Int64 = 1_000_000_000_000_000
    #expect(try Sample.judge(filter, FunctionTests.row, now: now), "\(filter)")
  }

  /// Of a row of nulls each is null.
  @Test(arguments: [
    "contains(title, 'a')", "contains('a', title)", "startswith(title, title)",
    "endswith('', title)",
    "indexof(title, 'a')", "length(title)", "substring(title, 0)", "substring('abc', count)",
    "substring('abc', 0, count)", "tolower(title)", "toupper(title)", "trim(title)",
    "concat(title, 'a')", "concat('a', title)", "year(due)", "month(born)", "day(due)",
    "hour(wakes)",
    "minute(due)", "second(wakes)", "date(due)", "time(due)", "floor(price)", "ceiling(amount)",
    "round(count)", "count add 1", "1 sub count", "price mul 2", "amount div 2", "count divby 2",
    "rate mod 2", "-count", "-price", "-amount", "cast(title, Edm.Int64)",
    "cast(count, Edm.String)",
    "cast(due, Edm.Date)", "cast(born, Edm.String)", "null add 1", "-null", "round(null)",
    "contains(null, 'a')", "not done", "done and true",
  ])
  func `a function of null is null`(_ expression: String) throws {
    #expect(try Sample.judge("(\(expression)) eq null", Sample.row()), "\(expression)")
  }

  @Test func `now is one moment, the caller's or the clock's`() throws {
    let filter = try Filter(parsing: "now() eq now() and now() gt 2024-01-01", table: Sample.table)
    #expect(filter.usesNow)
    #expect(try filter.matches(Sample.row()))
    let bindings = filter.sql.bindings.filter { if case .timestamp = $0 { true } else { false } }
    #expect(Set(bindings).count == 2, "now() is bound to one moment")
    #expect(try !Filter(parsing: "done", table: Sample.table).usesNow)
  }
}
