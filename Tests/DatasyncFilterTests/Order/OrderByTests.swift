import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

@Suite struct OrderByTests {
  @Test func `the key comes last where it is not named`() throws {
    let order = try OrderBy(parsing: "title desc, count", table: Sample.table)
    #expect(order.terms.map(\.column) == [5, 6, 0])
    #expect(order.terms.map(\.isDescending) == [true, false, false])
    #expect(try OrderBy(parsing: "", table: Sample.table).terms.map(\.column) == [0])
    let named = try OrderBy(parsing: " id desc , title asc", table: Sample.table)
    #expect(named.terms.map(\.column) == [0, 5])
    #expect(named.terms.map(\.isDescending) == [true, false])
  }

  @Test(arguments: [
    ("titel", 1, "'title'"), ("title up", 7, "expected asc, desc"), ("title desx", 7, "'desc'"),
    ("title,", 7, "the end"), ("title, title desc", 8, "again"), ("key, id", 6, "again"),
    (",title", 1, "expected a field"), ("title 'x'", 7, "'x'"), ("title DESC", 7, "'desc'"),
    ("length(title)", 1, "length"), ("\u{1F600}", 1, "\u{1F600}"), ("title desc asc", 12, "asc"),
  ])
  func `a bad order names its place`(_ text: String, _ position: Int, _ says: String) {
    let error = #expect(throws: DatasyncError.self) {
      _ = try OrderBy(parsing: text, table: Sample.table)
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.reason == "BAD_ORDER_BY")
    #expect(error?.metadata["position"] == String(position))
    #expect(error?.violations.first?.field == "order_by")
    let description = error?.violations.first?.description ?? ""
    #expect(description.hasPrefix("at \(position): "), "\(description)")
    #expect(description.contains(says), "\(description)")
  }

  @Test func `at most 32 fields order`() throws {
    let names = (0..<40).map { "c\($0)" }
    let table = Table(
      id: 1, name: "wide", messageName: "tables.Wide",
      columns: Sample.systemColumns(key: "id") + Sample.columns(names.map { ($0, .int64) }))
    let atLimit = try OrderBy(
      parsing: names.prefix(32).joined(separator: ","), table: table)
    #expect(atLimit.terms.count == 33)
    #expect(throws: DatasyncError.self) {
      try OrderBy(parsing: names.prefix(33).joined(separator: ","), table: table)
    }
  }

  @Test func `a page continues by index where the order is the key's`() throws {
    let database = try TestDatabase()
    try database.execute(Sample.declaration(of: Sample.table))
    try database.execute("CREATE INDEX by_count ON samples (\"count\", \"key\")")
    let plain = try OrderBy(parsing: "", table: Sample.table)
    let after = plain.sql(after: [.string("k")], for: Sample.table)
    let plan = try database.plan(
      "SELECT * FROM samples WHERE \(after.text) ORDER BY \(plain.sql(for: Sample.table).text)",
      after.bindings)
    #expect(plan.contains("SEARCH") && !plan.contains("TEMP B-TREE"), "\(plan)")

    let byCount = try OrderBy(parsing: "count", table: Sample.table)
    let next = byCount.sql(after: [.int64(5), .string("k")], for: Sample.table)
    let search = try database.plan(
      "SELECT * FROM samples WHERE \(next.text) ORDER BY \(byCount.sql(for: Sample.table).text)",
      next.bindings)
    #expect(search.contains("SEARCH") && !search.contains("TEMP B-TREE"), "\(search)")
  }

  /// Every row once, in the order of the naive comparison, page after page, for random tables and
  /// orders; of rows that other programs wrote loosely, every one once.
  @Test(arguments: [false, true])
  func `pages in any order show each row once`(isLoose: Bool) throws {
    let seed = AgreementTests.seed()
    print("order: DATASYNC_SEED=\(seed)")
    var random = RandomSource(seed: seed)
    for _ in 0..<120 {
      let generated = RowGenerator.table(&random)
      let table = generated.table
      let database = try TestDatabase()
      try database.execute(generated.declaration)
      let rows = try RandomRows.insert(40, into: table, isLoose: isLoose, database, &random)
      var terms = table.columns.indices.shuffled(using: &random).prefix(1 + random.below(3)).map {
        (column: $0, isDescending: random.chance(2))
      }
      let text = terms.map { term in
        let direction = term.isDescending ? " desc" : random.pick(["", " asc"])
        return table.columns[term.column].name + direction
      }.joined(separator: ", ")
      let order = try OrderBy(parsing: text, table: table)
      let list = order.sql(for: table)
      let whole = try database.run("SELECT rowid FROM t ORDER BY \(list.text)", list.bindings)
        .map { $0[0] }
      if !isLoose {
        terms.append((column: 0, isDescending: false))
        let expected = rows.sorted {
          NaiveInterpreter.precedes($0.naive, $1.naive, by: terms)
        }
        #expect(whole == expected.map(\.rowid), "seed \(seed): \(text): \(list.text)")
        for (first, second) in zip(expected, expected.dropFirst()) {
          #expect(order.precedes(first.values, second.values), "seed \(seed): \(text)")
        }
      }
      let paged = try pages(of: rows, in: order, table: table, database)
      #expect(paged == whole, "seed \(seed): \(text): \(list.text)")
    }
  }

  /// The rowids of all pages of three; ends where there are too many.
  private func pages(
    of rows: [RandomRows.Row], in order: OrderBy, table: Table, _ database: TestDatabase
  ) throws -> [Value] {
    let list = order.sql(for: table)
    var paged: [Value] = []
    while paged.count <= rows.count {
      var condition = SQLFragment(text: "1", bindings: [])
      if let last = paged.last, let row = rows.first(where: { $0.rowid == last }) {
        condition = order.sql(after: order.terms.map { row.place(of: $0.column) }, for: table)
      }
      let page = try database.run(
        "SELECT rowid FROM t WHERE \(condition.text) ORDER BY \(list.text) LIMIT 3",
        condition.bindings + list.bindings)
      if page.isEmpty { break }
      paged += page.map { $0[0] }
    }
    return paged
  }

  @Test func `enums order as declared, decimals as numbers, text by code point`() throws {
    let database = try TestDatabase()
    try database.execute(Sample.declaration(of: Sample.table))
    let rows: [(String, String, String, String)] = [
      ("a", "X", "10", "b"), ("b", "U", "9", "B"), ("c", "PG", "-1.5", "\u{E9}"),
      ("d", "A", "-1.45", ""),
    ]
    for (key, rating, amount, title) in rows {
      try database.run(
        "INSERT INTO samples (key, rating, amount, title) VALUES (?, ?, ?, ?)",
        [.string(key), .string(rating), .string(amount), .string(title)])
    }
    for (text, expected) in [
      ("rating", "bcda"), ("rating desc", "adcb"), ("amount", "cdba"), ("amount desc", "abdc"),
      ("title", "dbac"),
    ] {
      let order = try OrderBy(parsing: text, table: Sample.table).sql(for: Sample.table)
      let found = try database.run(
        "SELECT group_concat(key, '') FROM (SELECT key FROM samples ORDER BY \(order.text))",
        order.bindings)
      #expect(found == [[.string(expected)]], "\(text)")
    }
  }
}
