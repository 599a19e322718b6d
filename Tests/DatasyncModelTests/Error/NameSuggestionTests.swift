import DatasyncModel
import Testing

@Suite struct NameSuggestionTests {
  @Test(arguments: [
    ("movie", "; did you mean 'movies'?"), ("MOVIES", "; did you mean 'movies'?"),
    ("mvoies", "; did you mean 'movies'?"), ("people", "; the tables are movies, notes"),
    ("", "; the tables are movies, notes"),
  ])
  func `a name that is near is meant, otherwise all are told`(_ name: String, _ clause: String) {
    let found = NameSuggestion.clauseOrList(
      for: name, among: ["movies", "notes"], kind: "tables")
    #expect(found == clause)
  }

  @Test func `where there is nothing, that is told`() {
    let none: [String] = []
    #expect(
      NameSuggestion.clauseOrList(for: "x", among: none, kind: "tables") == "; there are no tables")
  }

  @Test func `a list has an end, in names and in bytes`() {
    let many = (1...25).map { "t\($0)" }
    #expect(NameSuggestion.list(many).hasSuffix(", t19, t20 and 5 more"))
    let long = (1...25).map { "\($0)" + String(repeating: "x", count: 100) }
    #expect(NameSuggestion.list(long).utf8.count < 1_000)
    #expect(NameSuggestion.list(long).hasSuffix(" and 13 more"))
    let foreign = (1...25).map { "\($0)" + String(repeating: "\u{E9}", count: 50) }
    #expect(NameSuggestion.list(foreign).hasSuffix(" and 23 more"))
  }

  @Test func `faults of several fields are one error, which has an end`() {
    let first = DatasyncError.badField("a", reason: "BAD_VALUE", "wrong", metadata: ["column": "a"])
    #expect(first.joined(with: []).message == "a: wrong")
    let others = (1...30).map {
      DatasyncError.FieldViolation(field: "f\($0)", description: "wrong too")
    }
    let joined = first.joined(with: others)
    #expect(joined.reason == "BAD_VALUE" && joined.metadata == ["column": "a"])
    #expect(joined.violations.count == 20)
    #expect(joined.message.hasPrefix("a: wrong; f1: wrong too; "))
    #expect(joined.message.hasSuffix("; f19: wrong too; and 11 more"))
    let long = others.map {
      DatasyncError.FieldViolation(field: $0.field, description: String(repeating: "x", count: 200))
    }
    #expect(first.joined(with: long).violations.count == 9)
    #expect(first.joined(with: long).message.hasSuffix("; and 26 more"))
  }
}
