import DatasyncFilter
import Testing

@Suite struct FilterCostTests {
  private func estimate(_ text: String) throws -> Int {
    try Filter(parsing: text, table: Sample.table).cost.estimate
  }

  private func terms(_ range: Range<Int>, _ make: (Int) -> String) -> String {
    range.map(make).joined(separator: " or ")
  }

  @Test func `comparisons are nearly free`() throws {
    #expect(try estimate("title eq 'u1' and done eq false") < 256)
    #expect(try estimate("count in (1, 2, 3) or price gt 2.5 or born lt 2024-01-01") < 512)
  }

  @Test func `a text function costs what it reads and what it makes`() throws {
    let reading = try estimate("contains(title, 'abc')")
    #expect((1024..<1200).contains(reading))
    #expect((3 * 1024..<3400).contains(try estimate("contains(tolower(title), 'abc')")))
    #expect(try estimate("contains('abc', title)") < 1200)
    // What is cut is short.
    #expect(try estimate("tolower(substring(title, 0, 3)) eq 'abc'") < 1300)
  }

  @Test func `concat adds up`() throws {
    let once = try estimate("contains(concat(title, note), 'a')")
    let twice = try estimate("contains(concat(concat(title, note), concat(note, title)), 'a')")
    #expect(once >= 3 * 2048)
    #expect(twice >= 4 * 4096 - 4096 + 2 * 4096)
    var tree = "title"
    for _ in 0..<8 { tree = "concat(\(tree), \(tree))" }
    // 255 of them, and equal ones count once.
    #expect(try estimate("length(\(tree)) gt 1") >= 256 * 1024)
    #expect(try estimate("length(\(tree)) gt 1") < 2 * 1024 * 1024)
  }

  @Test func `what stands in it several times counts once`() throws {
    let many = terms(0..<150) { "contains(tolower(title), 'w\($0)')" }
    let cost = try estimate(many)
    #expect(cost >= 150 * 1024)
    #expect(cost < 200 * 1024)
    #expect(try estimate("\(many) or contains(tolower(title), 'w7')") - cost < 200)
  }

  @Test func `the dearest function is named`() throws {
    let text = terms(0..<3) { "contains(tolower(title), 'w\($0)')" }
    let cost = try Filter(parsing: text, table: Sample.table).cost
    #expect(cost.dearest?.hasPrefix("3 different calls of contains") ?? false)
    #expect(try Filter(parsing: "done", table: Sample.table).cost.dearest == nil)
  }
}
