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

  @Test func `a change outside the selection is not sent`() throws {
    #expect(try verdict(row, edited, select: ["stars"]) == nil)
    #expect(try verdict(row, edited, select: ["title"]) == .update)
    #expect(try verdict(row, edited, select: ["stars", "version"]) == .update)
    #expect(try verdict(nil, row, select: ["stars"]) == .add)
  }
}
