import DatasyncModel
import Testing

@testable import DatasyncServer

@Suite struct ChangeFoldTests {
  private func fold(
    _ changes: [(change: Change, own: Bool)], excludingOwn: Bool = false
  ) throws -> [(id: String, sequence: UInt64, verdict: Verdict?)] {
    let view = try View(
      table: Fixture.notes, filter: "", select: [], includeDeleted: false,
      filters: FilterShelf(maxBytes: .max))
    var fold = ChangeFold()
    for (change, own) in changes {
      let commit = Fixture.commit(change)
      fold.append(
        JudgedChange(
          change: change, table: Fixture.notes, commit: commit, memos: RowMemos()),
        commit: commit,
        isOwn: own)
    }
    return try fold.netChanges(excludingOwn: excludingOwn).map {
      ($0.change.key, $0.change.sequence.rawValue, try $0.verdicts(in: view).first)
    }
  }

  private func row(_ title: String, _ version: Int64) -> RowImage {
    Fixture.row("a", title: title, version: version)
  }

  @Test func `added and deleted within is nothing`() throws {
    let net = try fold([
      (Fixture.change(1, "a", before: nil, after: row("x", 1)), false),
      (Fixture.change(2, "a", before: row("x", 1), after: nil), false),
    ])
    #expect(net.map(\.verdict) == [nil])
  }

  @Test func `updated then deleted is one DELETE`() throws {
    let net = try fold([
      (Fixture.change(2, "a", before: row("x", 1), after: row("y", 2)), false),
      (Fixture.change(3, "a", before: row("y", 2), after: nil), false),
    ])
    #expect(net.map(\.verdict) == [.delete(leftView: false)])
    #expect(net.map(\.sequence) == [3])
  }

  @Test func `rows come by the sequence of their last change`() throws {
    let b = Fixture.row("b", title: "b")
    let net = try fold([
      (Fixture.change(1, "a", before: nil, after: row("x", 1)), false),
      (Fixture.change(2, "b", before: nil, after: b), false),
      (Fixture.change(3, "a", before: row("x", 1), after: row("y", 3)), false),
    ])
    #expect(net.map(\.id) == ["b", "a"])
    #expect(net.map(\.verdict) == [.add, .add])
  }

  @Test func `own changes are left out only where nobody else changed the row`() throws {
    let net = try fold(
      [
        (Fixture.change(1, "a", before: nil, after: row("x", 1)), true),
        (Fixture.change(2, "b", before: nil, after: Fixture.row("b", title: "b")), true),
        (Fixture.change(3, "a", before: row("x", 1), after: row("y", 3)), false),
      ], excludingOwn: true)
    #expect(net.map(\.id) == ["a"])
  }
}
