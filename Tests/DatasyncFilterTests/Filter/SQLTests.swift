import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

@Suite struct SQLTests {
  @Test(arguments: [
    "'", "''", "\"", "`", "]", "; DROP TABLE samples; --", "' OR '1'='1", "\\' OR 1=1", "?", "%",
    "/*", "x' UNION SELECT * FROM sqlite_master --", "\u{FF07} or 1=1", "a\nb",
  ])
  func `no value stands in the SQL`(_ hostile: String) throws {
    let quoted = hostile.replacing("'", with: "''")
    let row = Sample.row(["title": .string(hostile)])
    for text in [
      "title eq '\(quoted)'", "contains(title, '\(quoted)')", "title in ('\(quoted)', 'x')",
      "concat(title, '\(quoted)') ne '\(quoted)'", "startswith(title, '\(quoted)')",
    ] {
      let sql = try Filter(parsing: text, table: Sample.table).sql
      #expect(sql.bindings.contains(.string(hostile)))
      #expect(!sql.text.contains("'"), "\(sql.text)")
      #expect(try Sample.judge(text, row), "\(text)")
    }
  }

  @Test func `a column's name is quoted`() throws {
    let name = "x\"; DROP TABLE t; --"
    let table = Table(
      id: 1, name: "t", messageName: "tables.T",
      columns: Sample.systemColumns(key: "key\"") + Sample.columns([(name, .int64)]))
    // Such a name is no word, so no filter reaches it; an order by the key reaches the key's.
    let order = try OrderBy(parsing: "", table: table)
    #expect(order.sql(for: table).text.hasPrefix("\"key\"\"\""))
    #expect(throws: DatasyncError.self) { try OrderBy(parsing: name, table: table) }
    #expect(try Filter(parsing: "id eq 'x'", table: table).sql.text.contains("\"key\"\"\""))
  }

  @Test(arguments: [
    "key eq 'a'", "key gt 'a'", "key in ('a', 'b')", "count eq 5", "count gt 5 and count lt 9",
    "count in (1, 2)", "title eq 'x'", "title ge 'x' and done", "born ge 1994-01-01",
    "owner eq 123e4567-e89b-12d3-a456-426614174000", "due gt 2024-01-01", "due lt 2024-01-01",
    "due eq 2024-01-01", "due gt now()", "rating eq 'PG'", "rating gt 'PG'", "'x' eq title",
    "born ge cast(1994-01-01, Edm.Date)", "count gt 5.0", "price gt 5",
    "done eq true", "due in (2024-01-01)", "wakes lt 12:00", "count eq 1 or count eq 2",
    "done", "not done", "done and count add 1 eq 2", "not done and title ne 'x'", "done eq false",
    "done or count eq 1",
    "data eq X'01'", "data in (X'01', X'')", "wakes eq 12:00",
    "owner in (123e4567-e89b-12d3-a456-426614174000, ffffffff-ffff-ffff-ffff-ffffffffffff)",
    "owner eq ffffffff-ffff-ffff-ffff-ffffffffffff", "extra eq '{}'", "price in (1, 2.5)",
  ])
  func `an index serves comparisons with constants`(_ text: String) throws {
    let database = try TestDatabase()
    try database.execute(Sample.declaration(of: Sample.table))
    for name in [
      "count", "title", "born", "owner", "due", "rating", "price", "done", "wakes", "data", "extra",
    ] {
      try database.execute("CREATE INDEX by_\(name) ON samples (\"\(name)\")")
    }
    let sql = try Filter(parsing: text, table: Sample.table).sql
    let plan = try database.plan("SELECT * FROM samples WHERE \(sql.text)", sql.bindings)
    #expect(!plan.contains("SCAN"), "\(text): \(sql.text): \(plan)")
  }

  /// Many UUIDs in one list: an index serves them all the same, until they are too many.
  @Test(arguments: [1, 16, 128, 200, 300])
  func `a list of UUIDs finds them in every mixture of cases`(count: Int) throws {
    let database = try TestDatabase()
    try database.execute(Sample.declaration(of: Sample.table))
    try database.execute("CREATE INDEX by_owner ON samples (\"owner\")")
    let uuids = (0..<count).map { number in
      let digits = String(number + 0xABC_DE00, radix: 16)
      return "\(digits)f-abcd-4def-8abc-0123456789ef"
    }
    for (index, uuid) in uuids.enumerated() {
      let mixed = String(
        uuid.enumerated().map { place, digit in
          place % 3 == index % 3 ? Character(digit.uppercased()) : digit
        })
      for (form, text) in [("m", mixed), ("u", uuid.uppercased()), ("l", uuid), ("x", uuid + " ")] {
        try database.run(
          "INSERT INTO samples (key, owner) VALUES (?, ?)",
          [.string("\(form)\(index)"), .string(text)])
      }
    }
    var limits = FilterLimits.default
    if count > 200 { limits.maxLength = .max }
    let sql = try Filter(
      parsing: "owner in (\(uuids.joined(separator: ", ")))", table: Sample.table, limits: limits
    ).sql
    let found = try database.run(
      "SELECT count(*) FROM samples WHERE \(sql.text)", sql.bindings)
    #expect(found == [[.int64(Int64(3 * count))]])
    let plan = try database.plan("SELECT * FROM samples WHERE \(sql.text)", sql.bindings)
    #expect(plan.contains("SCAN") == (count > 256), "\(plan)")
  }

  @Test func `equalities are what every match fulfils`() throws {
    func equalities(_ text: String) throws -> [String] {
      try Filter(parsing: text, table: Sample.table).equalities.map {
        "\(Sample.table.columns[$0.column].name)=\($0.value)"
      }
    }
    #expect(
      try equalities("title eq 'u1' and deleted eq false") == [
        "title=string(\"u1\")", "deleted=bool(false)",
      ])
    #expect(try equalities("'u1' eq title and count gt 5") == ["title=string(\"u1\")"])
    #expect(
      try equalities("(done and (count eq 5.0)) and not deleted") == [
        "done=bool(true)", "count=int64(5)", "deleted=bool(false)",
      ])
    #expect(try equalities("price eq 5") == ["price=double(5.0)"])
    #expect(try equalities("title in ('a')") == ["title=string(\"a\")"])
    #expect(try equalities("owner eq '123E4567-E89B-12D3-A456-426614174000'").count == 1)
    for none in [
      "title eq 'a' or count eq 1", "title eq null", "title ne 'a'", "amount eq 5",
      "title in ('a', null)", "title in ('a', 'b')", "not (title eq 'a')", "tolower(title) eq 'a'",
      "count eq 5.5", "title eq note",
    ] {
      #expect(try equalities(none).isEmpty, "\(none)")
    }
  }

  @Test func `columns are those that are read`() throws {
    let filter = try Filter(
      parsing: "contains(tolower(title), 'x') or not ((count add 1) in (2)) and deleted",
      table: Sample.table)
    #expect(filter.columns == [4, 5, 6])
    #expect(try Filter(parsing: "now() gt 2024-01-01", table: Sample.table).columns.isEmpty)
  }

  @Test func `functions are deterministic, prefixed and distinct`() throws {
    let names = SQLFunction.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.hasPrefix("datasync_") })
    // Whatever a table holds, and whatever someone calls them with.
    #expect(SQLFunction.all.map(\.argumentCount).allSatisfy { (-1...3).contains($0) })
    let odd: [Value] = [
      .null, .int64(.min), .int64(.max), .double(.greatestFiniteMagnitude), .double(-.infinity),
      .string(""), .string("1e9999"), .string("\u{1F600}"), .bytes([]), .bytes([255]),
    ]
    for function in SQLFunction.all {
      #expect(try function.body([], .default) == .null)
      for value in odd {
        _ = try function.body(
          Array(repeating: value, count: max(3, function.argumentCount)), .default)
      }
    }
  }

  @Test(arguments: [
    "", ":", "5:", "-1:a", "1:1", "1:14:bool", "1:14:bool6:column1:03:x",
    "99999999999999999999:", "1:14:bool6:column1:1", "1:14:bool6:column2:-1",
    "1:111:enumeration2:-16:column1:0", "1:111:enumeration4:99996:column1:0",
    "1:13:boo6:column1:0", "1:14:bool3:not3:not", "1:14:bool4:call5:nosuc4:bool1:0",
    "9:9999999994:bool6:column1:0",
  ])
  func `a program that is none is null`(_ text: String) throws {
    let function = try #require(SQLFunction.all.first { $0.name == "datasync_filter" })
    #expect(try function.body([.string(text), .int64(0), .int64(1)], .default) == .null)
    let program = Value.string("1:14:bool6:column1:0")
    #expect(try function.body([program, .int64(0), .int64(1)], .default) == .int64(1))
    #expect(try function.body([program, .int64(0)], .default) == .null)
  }

  /// SQLite's parser would overflow: the filter is judged by one function, with the same outcome.
  @Test func `a filter that is too deep for SQLite calls one function`() throws {
    let table = Table(
      id: 1, name: "t", messageName: "tables.T",
      columns: Sample.systemColumns(key: "isbn")
        + Sample.columns([
          ("title", .string), ("due", .timestamp), ("loose", .json(asWritten: false)),
          ("rate", .decimal(asWritten: false)), ("rating", .enumeration(["b", "a"])),
          ("done", .bool), ("price", .double), ("data", .bytes), ("born", .date),
        ]))
    var row = [Value](repeating: .null, count: table.columns.count)
    row.replaceSubrange(
      0...,
      with: [
        .string("k"), .timestamp(0), .timestamp(0), .int64(1), .bool(false), .string("ABC"),
        .timestamp(5), .string("12"), .string("0.1"), .string("a"), .bool(true), .double(1.5),
        .bytes([1]), .string("1994-10-14"),
      ])
    let lower = String(repeating: "tolower(", count: 20)
    let close = String(repeating: ")", count: 20)
    for text in [
      "\(lower)title\(close) eq 'abc'",
      "id eq 'k' and isbn eq 'k' and \(lower)title\(close) eq 'abc' and rating gt 'b' and done",
      "\(lower)title\(close) eq 'abc' and due lt now() and loose eq '12' and rate eq 0.1",
      "\(lower)title\(close) eq 'abc' and price eq 1.5 and data eq X'01' and year(born) eq 1994",
    ] {
      let sql = try Filter(parsing: text, table: table).sql
      #expect(sql.text.contains("datasync_filter("))
      #expect(try Sample.judge(text, row, table: table, now: 6), "\(text)")
    }
    let indexed = try Filter(
      parsing: "isbn eq 'k' and \(lower)title\(close) eq 'abc'", table: table
    ).sql
    #expect(indexed.text.contains("\"isbn\" COLLATE BINARY IS ?"))
  }
}
