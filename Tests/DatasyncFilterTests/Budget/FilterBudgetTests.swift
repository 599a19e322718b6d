import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

@Suite struct FilterBudgetTests {
  private func budget(text: Int = 4096, work: Int = 1 << 20) -> FilterBudget {
    var budget = FilterBudget()
    budget.maxTextBytes = text
    budget.maxWorkBytes = work
    return budget
  }

  private func fault(
    _ text: String, _ row: [Value], _ budget: FilterBudget
  ) throws -> FilterFault? {
    let filter = try Filter(parsing: text, table: Sample.table)
    do throws(FilterFault) {
      _ = try filter.matches(row, memo: TextMemo(budget))
      return nil
    } catch {
      return error
    }
  }

  /// What SQL says: whether the row matches, or the limit that it met.
  private func answer(_ text: String, _ row: [Value], _ budget: FilterBudget) throws -> String {
    let database = try TestDatabase(budget)
    try database.execute(Sample.declaration(of: Sample.table))
    let places = row.map { _ in "?" }.joined(separator: ", ")
    try database.run("INSERT INTO samples VALUES (\(places))", row)
    let sql = try Filter(parsing: text, table: Sample.table).sql
    do {
      return String(
        try !database.run("SELECT 1 FROM samples WHERE \(sql.text)", sql.bindings).isEmpty)
    } catch let failure as TestDatabase.Failure {
      return failure.description
    }
  }

  @Test(arguments: ["concat(title, note)", "concat(concat(title, note), '')"])
  func `a text beyond the cap ends the evaluation, here and in SQL`(_ made: String) throws {
    let filter = "contains(\(made), 'b')"
    for (count, fits) in [(2047, true), (2048, true), (2049, false), (1 << 20, false)] {
      let row = Sample.row([
        "title": .string(String(repeating: "a", count: count)),
        "note": .string(String(repeating: "b", count: count)),
      ])
      let found = try fault(filter, row, budget(work: .max))
      #expect(found == (fits ? nil : .text(limit: 4096)))
      let answer = try answer(filter, row, budget())
      #expect(fits ? answer == "true" : answer.contains("more than 4096 bytes"))
    }
  }

  @Test func `a text that grows by another case is capped too`() throws {
    // One capital takes two bytes, what it becomes three.
    let row = Sample.row(["title": .string(String(repeating: "\u{23A}", count: 2000))])
    #expect(try fault("tolower(title) eq 'a'", row, budget()) == .text(limit: 4096))
    #expect(try answer("tolower(title) eq 'a'", row, budget()).contains("more than 4096 bytes"))
  }

  @Test func `a filter too deep for SQL is capped as well`() throws {
    let deep =
      String(repeating: "not (done and ", count: 20) + "contains(concat(title, title), 'b')"
      + String(repeating: ")", count: 20)
    let row = Sample.row([
      "title": .string(String(repeating: "a", count: 4000)), "done": .bool(true),
    ])
    #expect(try fault(deep, row, budget()) == .text(limit: 4096))
    #expect(try answer(deep, row, budget()).contains("more than 4096 bytes"))
  }

  @Test func `the work on one row is bounded`() throws {
    let row = Sample.row(["title": .string(String(repeating: "a", count: 2048))])
    let text = (0..<20).map { "contains(title, 'w\($0)')" }.joined(separator: " or ")
    #expect(try fault(text, row, budget(work: 65_536)) == nil)
    #expect(try fault(text, row, budget(work: 32_768)) == .work(limit: 32_768))
    #expect(try fault("count eq 5 or done", row, budget(work: 1)) == nil)
  }

  @Test func `what a filter is charged does not depend on who came before`() throws {
    let terms = TextTerms()
    let row = Sample.row(["title": .string(String(repeating: "a", count: 2048))])
    let text = (0..<20).map { "contains(tolower(title), 'w\($0)')" }.joined(separator: " or ")
    let (first, second) = (
      try Filter(parsing: text, table: Sample.table, terms: terms),
      try Filter(parsing: "\(text) or done", table: Sample.table, terms: terms)
    )
    for limit in stride(from: 30_000, through: 60_000, by: 1000) {
      let memo = TextMemo(budget(work: limit))
      let alone = (try? first.matches(row, memo: memo)) == nil
      #expect(((try? second.matches(row, memo: memo)) == nil) == alone, "\(limit)")
      #expect(((try? first.matches(row, memo: memo)) == nil) == alone, "\(limit)")
    }
  }

  @Test func `one filter's end is not another's`() throws {
    let terms = TextTerms()
    let memo = TextMemo(budget())
    let row = Sample.row(["title": .string(String(repeating: "a", count: 4000))])
    let dear = try Filter(
      parsing: "contains(concat(title, title), 'a')", table: Sample.table, terms: terms)
    let cheap = try Filter(parsing: "contains(title, 'a')", table: Sample.table, terms: terms)
    for _ in 0..<2 {
      #expect(throws: FilterFault.text(limit: 4096)) { try dear.matches(row, memo: memo) }
      #expect(try cheap.matches(row, memo: memo))
    }
  }

  @Test func `a search takes time by the sum of the lengths`() throws {
    // By their product these were 10^11 steps.
    let row = Sample.row([
      "title": .string(String(repeating: "a", count: 1_000_000)),
      "note": .string(String(repeating: "a", count: 400_000) + "b"),
    ])
    let filter = try Filter(parsing: "contains(title, note)", table: Sample.table)
    #expect(try !filter.matches(row))
  }
}
