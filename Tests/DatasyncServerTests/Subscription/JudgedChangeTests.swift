import DatasyncModel
import Testing

@testable import DatasyncServer

@Suite struct JudgedChangeTests {
  private func verdict(
    _ before: RowImage?, _ after: RowImage?, select: [String] = [], includeDeleted: Bool = false
  ) throws -> Verdict? {
    let view = try View(
      table: Fixture.notes, filter: "", select: select, includeDeleted: includeDeleted,
      filters: FilterShelf(maxBytes: .max))
    let change = Fixture.change(2, "a", before: before, after: after)
    return try JudgedChange(
      change: change, table: Fixture.notes, commit: Fixture.commit(change),
      memos: RowMemos()
    ).verdicts(in: view).first
  }

  private let row = Fixture.row("a", title: "x")
  private let edited = Fixture.row("a", title: "y", version: 2)
  private let deleted = Fixture.row("a", title: "x", version: 2, deleted: true)

  @Test func `rows come, change and go`() throws {
    #expect(try verdict(nil, row) == .add)
    #expect(try verdict(row, edited) == .update)
    #expect(try verdict(row, nil) == .delete(leftView: false))
  }

  @Test func `a soft delete is a plain DELETE, an undelete an ADD`() throws {
    #expect(try verdict(row, deleted) == .delete(leftView: false))
    #expect(try verdict(deleted, row) == .add)
    #expect(try verdict(deleted, nil) == nil)
  }

  @Test func `with include_deleted a soft delete is an UPDATE`() throws {
    #expect(try verdict(row, deleted, includeDeleted: true) == .update)
    #expect(try verdict(deleted, nil, includeDeleted: true) == .delete(leftView: false))
  }

  @Test func `what the filters of a loop share is computed once for each row of a change`() throws {
    let filters = FilterShelf(maxBytes: .max)
    let memos = RowMemos(terms: filters.terms)
    let views = try (0..<200).map { number in
      try View(
        table: Fixture.notes,
        filter: "stars eq \(number) or contains(tolower(title), 'w1') or endswith(title, 'w2')",
        select: [], includeDeleted: false, filters: filters)
    }
    for round in 1...3 {
      let change = Fixture.change(
        2, "a", before: Fixture.row("a", title: "W1", stars: -1),
        after: Fixture.row("a", title: "x", stars: -1))
      let judged = JudgedChange(
        change: change, table: Fixture.notes, commit: Fixture.commit(change), memos: memos)
      for view in views {
        #expect(try judged.verdicts(in: view).first == .delete(leftView: true))
      }
      #expect(memos.computations.before == 2 * round)
      #expect(memos.computations.after == 3 * round)
    }
  }

  @Test func `changes that are judged in turns do not know each other's rows`() throws {
    let filters = FilterShelf(maxBytes: .max)
    let memos = RowMemos(terms: filters.terms)
    let view = try View(
      table: Fixture.notes, filter: "contains(tolower(title), 'w1')", select: [],
      includeDeleted: false, filters: filters)
    let changes = ["W1", "x"].map { title in
      let change = Fixture.change(2, "a", before: nil, after: Fixture.row("a", title: title))
      return JudgedChange(
        change: change, table: Fixture.notes, commit: Fixture.commit(change), memos: memos)
    }
    for _ in 0..<2 {
      #expect(try changes[0].verdicts(in: view).first == .add)
      #expect(try changes[1].verdicts(in: view).first == nil)
    }
  }

  @Test func `a change outside the selection is not sent`() throws {
    #expect(try verdict(row, edited, select: ["stars"]) == nil)
    #expect(try verdict(row, edited, select: ["title"]) == .update)
    #expect(try verdict(row, edited, select: ["stars", "version"]) == .update)
    #expect(try verdict(nil, row, select: ["stars"]) == .add)
  }
}
