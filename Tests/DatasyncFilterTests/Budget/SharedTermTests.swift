import DatasyncFilter
import DatasyncModel
import Testing

@Suite struct SharedTermTests {
  private func row(_ title: String) -> [Value] { Sample.row(["title": .string(title)]) }

  private func filter(_ text: String, _ terms: TextTerms) throws -> Filter {
    try Filter(parsing: text, table: Sample.table, terms: terms)
  }

  /// 150 words in any case, and something of its own.
  private func words(_ number: Int) -> String {
    let words = (0..<150).map { "contains(tolower(title), 'w\(($0 + number) % 200)')" }
    return "count eq \(number) or \(words.joined(separator: " or "))"
  }

  @Test func `a thousand filters compute what they share once for a row`() throws {
    let terms = TextTerms()
    let row = row(String(repeating: "Text ", count: 400))
    let filters = try (0..<1000).map { try filter(words($0), terms) }
    let (shared, alone) = (TextMemo(isOfMany: true), TextMemo())
    for filter in filters {
      #expect(try !filter.matches(row, memo: shared))
      #expect(try !filter.matches(row, memo: alone))
      alone.forget()
    }
    // 200 words, and the text in small letters.
    #expect(shared.computations == 201)
    #expect(alone.computations == 1000 * 151)
    #expect(terms.count == 201)
  }

  @Test(arguments: [true, false])
  func `what there is room for does not change what is found`(_ isOfMany: Bool) throws {
    let terms = TextTerms()
    let memo = TextMemo(isOfMany: isOfMany)
    do {
      let filters = try (0..<3000).map { number in
        try filter("contains(tolower(title), '\(number).')", terms)
      }
      for title in ["A2999.", "17.", "x"] {
        memo.forget()
        for _ in 0..<2 {
          let found = try filters.filter { try $0.matches(row(title), memo: memo) }.map(\.text)
          let expected = ["A2999.": [2999, 999, 99, 9], "17.": [17, 7]][title] ?? []
          #expect(Set(found) == Set(expected.map { "contains(tolower(title), '\($0).')" }))
        }
      }
      #expect(memo.computations == 3 * 3001)
      memo.shrink(to: terms)
      #expect(isOfMany ? memo.capacity >= 3001 : memo.capacity <= 256)
    }
    memo.shrink(to: terms)
    #expect(memo.capacity <= 256)
  }

  @Test func `another row is judged anew`() throws {
    let (terms, memo) = (TextTerms(), TextMemo())
    let filter = try filter("contains(tolower(title), 'abc')", terms)
    #expect(try filter.matches(row("xABCx"), memo: memo))
    memo.forget()
    #expect(try !filter.matches(row("xABx"), memo: memo))
    memo.forget()
    #expect(try filter.matches(row("ABC"), memo: memo))
    #expect(memo.computations == 6)
  }

  @Test(arguments: [
    // Swift takes these for equal texts.
    ("contains(title, '\u{E9}')", "contains(title, 'e\u{301}')"),
    ("contains(title, 'a')", "contains(note, 'a')"),
    ("substring(title, 1) eq 'bc'", "substring(title, 2) eq 'bc'"),
    ("contains(tolower(title), 'e')", "contains(toupper(title), 'e')"),
    ("substring(title, length(note)) eq 'x'", "substring(title, length(title)) eq 'x'"),
  ])
  func `what is not the same is not shared`(_ first: String, _ second: String) throws {
    let (terms, memo) = (TextTerms(), TextMemo())
    let row = Sample.row([
      "title": .string("ab\u{E9}x"), "note": .string("xyz"),
    ])
    for text in [first, second, first] {
      let alone = try Filter(parsing: text, table: Sample.table).matches(row)
      #expect(try filter(text, terms).matches(row, memo: memo) == alone, "\(text)")
    }
    let both = try [filter(first, terms), filter(second, terms)]
    for (filter, text) in zip(both, [first, second]) {
      let alone = try Filter(parsing: text, table: Sample.table).matches(row)
      #expect(try filter.matches(row, memo: memo) == alone, "\(text)")
    }
  }

  @Test func `terms go with their filters, and their places are taken again`() throws {
    let terms = TextTerms()
    let memo = TextMemo()
    for round in 0..<5 {
      let filters = try (0..<20).map { try filter("contains(title, '\(round) \($0)')", terms) }
      #expect(terms.count == 20)
      for (number, filter) in filters.enumerated() {
        #expect(try filter.matches(row("\(round) \(number)"), memo: memo))
        memo.forget()
      }
    }
    #expect(terms.count == 0)
  }

  @Test func `a place that is taken by another term does not know the old one's value`() throws {
    let (terms, memo) = (TextTerms(), TextMemo())
    let row = row("abc")
    #expect(try filter("contains(title, 'abc')", terms).matches(row, memo: memo))
    #expect(try !filter("contains(title, 'x')", terms).matches(row, memo: memo))
    #expect(try filter("contains(title, 'b')", terms).matches(row, memo: memo))
  }

  @Test func `texts that are held have a bound`() throws {
    var budget = FilterBudget()
    budget.maxHeldBytes = 10_000
    let (terms, memo) = (TextTerms(), TextMemo(budget))
    let row = row(String(repeating: "a", count: 1000))
    let filters = try (0..<100).map { try filter("length(concat(title, '\($0)')) gt 1000", terms) }
    for filter in filters { #expect(try filter.matches(row, memo: memo)) }
    #expect(memo.heldBytes <= 12_000)
  }
}
