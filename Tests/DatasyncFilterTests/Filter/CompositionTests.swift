import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

@Suite struct CompositionTests {
  /// What both back ends say of a row.
  private func judge(_ filter: Filter, _ row: [Value]) throws -> Bool {
    let database = try TestDatabase()
    try database.execute(Sample.declaration(of: Sample.table))
    let places = row.map { _ in "?" }.joined(separator: ", ")
    try database.run("INSERT INTO samples VALUES (\(places))", row)
    let sql = filter.sql(now: 0)
    let found = try database.run("SELECT 1 FROM samples WHERE \(sql.text)", sql.bindings)
    let matches = try filter.matches(row, now: 0)
    #expect(!found.isEmpty == matches, "SQL and evaluator differ: \(sql.text)")
    return matches
  }

  /// Text functions are told apart by where they stand: in both texts that is the same place.
  @Test(arguments: [
    ("tolower(title) eq 'a'", "toupper(note) eq 'B'"), ("count eq 1", "title eq 'A'"),
    ("done or count eq 1", "note eq 'b' and title eq 'A'"),
  ])
  func `two filters hold together`(_ first: String, _ second: String) throws {
    let (left, right) = (
      try Filter(parsing: first, table: Sample.table),
      try Filter(parsing: second, table: Sample.table)
    )
    let both = left.and(right)
    let row = Sample.row(["title": .string("A"), "note": .string("b"), "count": .int64(1)])
    #expect(try judge(both, row))
    #expect(try !judge(both, Sample.row(["title": .string("A")])))
    #expect(try !judge(both, Sample.row(["note": .string("b"), "count": .int64(1)])))
    #expect(both.text == "(\(first)) and (\(second))")
    #expect(both.columns == left.columns.union(right.columns))
    #expect(both.equalities.count == left.equalities.count + right.equalities.count)
    #expect(both.cost.estimate >= left.cost.estimate + right.cost.estimate)
    let parsed = try Filter(parsing: both.text, table: Sample.table)
    #expect(both.sql(now: 0).bindings == parsed.sql(now: 0).bindings)
  }

  @Test func `one that is too deep for SQL keeps what an index serves`() throws {
    let lower = String(repeating: "tolower(", count: 20)
    let deep = try Filter(
      parsing: "\(lower)title\(String(repeating: ")", count: 20)) eq 'a'", table: Sample.table)
    let both = try Filter(parsing: "count eq 1", table: Sample.table).and(deep)
    #expect(both.sql.text.contains("datasync_filter("))
    #expect(both.sql.text.contains("\"count\" IS ?"))
    #expect(try judge(both, Sample.row(["title": .string("A"), "count": .int64(1)])))
    #expect(try !judge(both, Sample.row(["title": .string("B"), "count": .int64(1)])))
    #expect(try !judge(both, Sample.row(["title": .string("A")])))
  }

  @Test func `now in either is refused where it has no place`() throws {
    let filter = try Filter(parsing: "count eq 1", table: Sample.table)
    let moving = try Filter(parsing: "due lt now()", table: Sample.table)
    let both = filter.and(moving)
    #expect(both.usesNow)
    #expect(throws: DatasyncError.self) { try both.refuseNow() }
  }

  @Test func `a condition that is built is checked as one that is written`() throws {
    let condition = Condition.and([
      .compare(.column("count"), .ge, .literal(.int64(1))),
      .or([
        .isIn(.column("title"), [.string("it's"), .null]), .isNull(.column("note")),
        .not(.compare(.column("done"), .eq, .literal(.bool(true)))),
      ]),
      .compare(
        .column("owner"), .eq, .literal(.string("123e4567-e89b-12d3-a456-426614174000"))),
      .compare(.columnAt(0), .ne, .literal(.string("k"))), .isIn(.column("key"), [.string("k1")]),
    ])
    let filter = try Filter(condition, table: Sample.table)
    let parsed = try Filter(parsing: filter.text, table: Sample.table)
    #expect(filter.sql == parsed.sql)
    #expect(filter.equalities.count == 2)
    let error = #expect(throws: DatasyncError.self) {
      try Filter(.compare(.column("titel"), .eq, .literal(.int64(1))), table: Sample.table)
    }
    #expect(error?.message.contains("did you mean 'title'?") == true)
    #expect(throws: DatasyncError.self) {
      try Filter(.compare(.column("title"), .eq, .literal(.int64(1))), table: Sample.table)
    }
    #expect(throws: DatasyncError.self) {
      try Filter(.isNull(.columnAt(99)), table: Sample.table)
    }
    #expect(try judge(Filter(.and([]), table: Sample.table), Sample.row()))
    #expect(try !judge(Filter(.isIn(.column("key"), []), table: Sample.table), Sample.row()))
  }
}
