import DatasyncModel
import Testing

@testable import DatasyncServer

@Suite struct CommitTailTests {
  private func commit(_ first: UInt64, count: UInt64 = 1) -> Commit {
    let changes = (first..<first + count).map { sequence in
      Fixture.change(
        sequence, "r\(sequence)", before: nil, after: Fixture.row("r\(sequence)", title: "t"))
    }
    return Commit(changes: changes, author: .unknown, committedAt: 0)
  }

  @Test func `it gives whole commits after a position`() {
    var tail = CommitTail(start: Sequence(10), maxBytes: 1 << 20)
    tail.append(commit(11))
    tail.append(commit(12, count: 3))
    tail.append(commit(15))
    #expect(
      tail.commits(after: Sequence(10), maxBytes: .max)?.map(\.last.rawValue) == [11, 14, 15])
    #expect(tail.commits(after: Sequence(11), maxBytes: .max)?.map(\.last.rawValue) == [14, 15])
    #expect(tail.commits(after: Sequence(15), maxBytes: .max)?.isEmpty == true)
  }

  @Test func `a page holds a commit at least, unless that is much more than a page`() {
    var tail = CommitTail(start: .zero, maxBytes: 1 << 20)
    let first = commit(1, count: 5)
    tail.append(first)
    tail.append(commit(6))
    #expect(
      tail.commits(after: .zero, maxBytes: first.memoryCost / 2)?.map(\.last.rawValue) == [5])
    // The log has it in pieces.
    #expect(tail.commits(after: .zero, maxBytes: first.memoryCost / 8) == nil)
    #expect(tail.covers(.zero))
  }

  @Test func `it forgets the oldest past its bound, and says so`() {
    let cost = commit(1).memoryCost
    var tail = CommitTail(start: .zero, maxBytes: cost * 3)
    for sequence in 1...10 { tail.append(commit(UInt64(sequence))) }
    #expect(tail.memoryCost <= cost * 3 + 30)
    #expect(tail.commits(after: .zero, maxBytes: .max) == nil)
    #expect(!tail.covers(Sequence(5)))
    #expect(tail.covers(tail.start))
    #expect(tail.commits(after: tail.start, maxBytes: .max)?.first?.first == tail.start.next)
  }

  @Test func `the newest commit stays, whatever it takes`() {
    var tail = CommitTail(start: .zero, maxBytes: 10)
    tail.append(commit(1, count: 100))
    #expect(tail.commits(after: .zero, maxBytes: .max)?.count == 1)
  }
}
