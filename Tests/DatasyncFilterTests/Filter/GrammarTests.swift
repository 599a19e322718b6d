import DatasyncFilter
import DatasyncModel
import Testing

@Suite struct GrammarTests {
  /// Pairs that mean the same of ``FunctionTests/row`` and of a row of nulls; the right one says how
  /// the left one is read.
  @Test(arguments: [
    ("done or done and false", "done or (done and false)"),
    ("not done and false", "(not done) and false"),
    ("not done eq false", "(not done) eq false"),
    ("count eq 1 or count eq 142 and done", "count eq 1 or (count eq 142 and done)"),
    ("count add 1 gt 142 eq true", "((count add 1) gt 142) eq true"),
    ("count sub 1 sub 1 eq 140", "((count sub 1) sub 1) eq 140"),
    ("-count add 200 eq 58", "((-count) add 200) eq 58"),
    ("not count in (142)", "not (count in (142))"),
    ("--count eq 142", "(-(-count)) eq 142"),
    ("not not done", "not (not done)"),
    ("count mul 2 add 1 eq 285", "((count mul 2) add 1) eq 285"),
    ("  done\n\tand\u{A0}done ", "done and done"),
    ("title eq'x'", "title eq 'x'"),
  ])
  func `operators bind as OData's table says`(_ text: String, _ meaning: String) throws {
    for row in [FunctionTests.row, Sample.row()] {
      #expect(try Sample.judge(text, row) == Sample.judge(meaning, row), "\(text)")
    }
  }

  /// The position and a part of the message.
  @Test(arguments: [
    ("", 1, "found the end; expected a value"),
    ("titel eq 'x'", 1, "'titel', which is no field of samples; did you mean 'title'?"),
    ("title eq", 9, "found the end; expected a value"),
    ("title eq 'x", 10, "no closing quote"),
    ("title eq 'x' and", 17, "found the end"),
    ("title 'x'", 7, "found 'x'; expected an operator"),
    ("title EQ 'x'", 7, "did you mean 'eq'?"),
    ("title equals 'x'", 7, "found equals; expected an operator"),
    ("contain(title, 'x')", 1, "no function; did you mean 'contains'?"),
    ("contains(title)", 1, "contains with 1 arguments; expected 2"),
    ("substring(title)", 1, "expected 2 or 3"),
    ("contains(title, 5)", 17, "type Edm.Int64; contains needs Edm.String"),
    ("contains(rating, 'P')", 10, "an enumeration"),
    ("length(owner) eq 1", 8, "Edm.Guid"),
    ("title eq 5", 7, "Edm.String and Edm.Int64; eq needs both of one type"),
    ("count eq 'x'", 7, "Edm.Int64 and Edm.String"),
    ("done eq 1", 6, "Edm.Boolean and Edm.Int64"),
    ("rating eq 'R'", 11, "expected one of 'U', 'PG', 'A', 'X'"),
    ("rating in ('U', 'pg')", 17, "did you mean 'PG'?"),
    ("rating gt 'B'", 11, "expected one of"),
    ("rating eq title", 8, "cast(…, Edm.String)"),
    ("owner eq 'x'", 10, "Edm.Guid"),
    ("born eq '1994-13-01'", 9, "Edm.Date"),
    ("born eq 1994-13-01", 9, "expected a date such as"),
    ("due gt 2024-01-01T25:00:00Z", 8, "expected a date and time"),
    ("wakes gt 24:00", 10, "expected a time of day"),
    ("count eq 12345678901234567890123456789012345", 10, "at most 34 digits"),
    ("count eq 1e400", 10, "range of doubles"),
    ("count eq 12ab", 10, "found 12ab"),
    ("title", 1, "type Edm.String; expected a condition"),
    ("count add 1", 7, "type Edm.Int64; expected a condition"),
    ("not title", 5, "not needs conditions"),
    ("done and count", 10, "and needs conditions"),
    ("title add 1 eq 2", 1, "add needs numbers"),
    ("-title eq 'x'", 2, "- needs a number"),
    ("year(title) eq 1", 6, "Edm.Date or Edm.DateTimeOffset"),
    ("floor(title) eq 1", 7, "a number"),
    ("(done", 6, "found the end; expected an operator (such as eq, and), comma or )"),
    ("done)", 5, "found ); expected an operator"),
    ("title in 'x'", 10, "expected a list"),
    ("title in ()", 11, "found ); expected a value"),
    ("title in ('a' 'b')", 15, "found 'b'"),
    ("title in (note)", 11, "holds constants"),
    ("title in ('a', 5)", 7, "Edm.String and Edm.Int64"),
    ("amount in (1.5, 1e0)", 17, "decimals here, or doubles only"),
    ("cast(title, Edm.Dat)", 13, "did you mean 'Edm.Date'?"),
    ("cast(done, Edm.Date) eq null", 6, "which no cast makes Edm.Date"),
    ("cast(title, 5) eq 1", 13, "found no type"),
    ("address/city eq 'x'", 8, "paths are not supported"),
    ("$filter eq 1", 1, "$it/name"),
    ("title eq \"x\"", 10, "found \", which has no meaning"),
    ("title eq 'x'; drop table samples", 13, "found ;"),
    ("\u{1F600} eq 1", 1, "found \u{1F600}"),
    ("title eq '\u{1F600}\u{1F600}' und done", 15, "did you mean 'and'?"),
    ("title eq 'a\u{0}b'", 12, "NUL"),
    ("title eq \u{7}", 10, "U+7"),
    ("eq eq eq", 1, "'eq', which is no field"),
    ("X'1' eq data", 1, "Edm.Binary"),
    ("guid'12' eq owner", 1, "Edm.Guid"),
    ("null add 'x' eq null", 10, "add needs numbers"),
    ("title = 'x'", 7, "found =, which has no meaning in a filter; write eq"),
    ("title==Hello", 6, "found ==, which has no meaning in a filter; write eq"),
    ("count !== 1", 7, "found !==, which has no meaning in a filter; write ne"),
    ("count<=1", 6, "found <=, which has no meaning in a filter; write le"),
    ("done && done", 6, "found &&, which has no meaning in a filter; write and"),
    ("count / 2 eq 1", 7, "write div, or divby"),
    ("title eq \"It's\"", 10, "texts stand in single quotes: 'It''s'"),
    ("title eq \u{201C}x\u{201D}", 10, "texts stand in single quotes: 'x'"),
    ("title eq \"", 10, "texts stand in single quotes: 'Hello'"),
    ("title eq Hello", 10, "no field of samples; texts stand in single quotes: 'Hello'"),
    ("title in ('a', Hello)", 16, "texts stand in single quotes: 'Hello'"),
    ("title eq Hello World or done", 16, "texts stand in single quotes: 'Hello World'"),
    ("contains(title, Hello)", 17, "texts stand in single quotes: 'Hello'"),
    ("title eq abc-1", 13, "texts stand in single quotes: 'abc-1'"),
    ("title eq 12ab", 10, "texts stand in single quotes: '12ab'"),
    ("(title eq 'It's')", 15, "written twice: 'It''s'"),
    ("title eq 5", 7, "texts stand in single quotes: '5'"),
    ("count eq '5'", 7, "numbers stand without quotes: 5"),
    ("done eq 1", 6, "compare with true or false"),
    ("1 eq done", 3, "compare with true or false"),
    ("done eq TRUE", 9, "write true"),
    ("title is null", 7, "write eq null, or ne null"),
    ("count between 1 and 2", 7, "write ge"),
    ("done done", 6, "found done; expected an operator (such as eq, and) or the end"),
  ])
  func `an error names its place, what was found and what could stand there`(
    _ text: String, _ position: Int, _ says: String
  ) {
    let error = #expect(throws: DatasyncError.self, "\(text)") {
      _ = try Filter(parsing: text, table: Sample.table)
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.reason == "BAD_FILTER")
    #expect(error?.metadata["position"] == String(position), "\(text): \(error?.message ?? "")")
    #expect(error?.violations.count == 1)
    #expect(error?.violations.first?.field == "filter")
    let description = error?.violations.first?.description ?? ""
    #expect(description.hasPrefix("at \(position): "), "\(description)")
    #expect(description.contains(says), "\(text): \(description)")
  }

  @Test func `words of the language may be names of columns`() throws {
    let table = Table(
      id: 1, name: "words", messageName: "tables.Words",
      columns: Sample.systemColumns(key: "id")
        + Sample.columns([
          ("and", .int64), ("eq", .int64), ("in", .string), ("not", .bool), ("null", .int64),
          ("contains", .string), ("true", .bool), ("cast", .string), ("na\u{EF}ve", .int64),
        ]))
    var row = [Value](repeating: .null, count: table.columns.count)
    row[0] = .string("k")
    row.replaceSubrange(
      5...,
      with: [
        .int64(1), .int64(2), .string("x"), .bool(true), .int64(5), .string("abc"), .bool(false),
        .string("c"), .int64(7),
      ])
    for text in [
      "and eq 1 and eq eq 2", "in in ('x')", "contains(contains, 'b')", "cast eq 'c'",
      "$it/not and not $it/true", "$it/null eq 5", "na\u{EF}ve eq 7", "-eq eq -2",
    ] {
      #expect(try Sample.judge(text, row, table: table), "\(text)")
    }
    #expect(try !Sample.judge("null eq 5", row, table: table))
  }

  @Test func `id is the key, unless a column is called so`() throws {
    let keyed = Table(
      id: 1, name: "books", messageName: "tables.Books", columns: Sample.systemColumns(key: "isbn"))
    #expect(try Filter(parsing: "id eq 'x'", table: keyed).columns == [0])
    let other = Table(
      id: 1, name: "books", messageName: "tables.Books",
      columns: Sample.systemColumns(key: "isbn") + Sample.columns([("id", .int64)]))
    #expect(try Filter(parsing: "id eq 5", table: other).columns == [5])
  }
}
