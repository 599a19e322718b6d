import DatasyncModel
import DatasyncStorage
import Testing

@testable import DatasyncStore

@Suite struct ReadQueueTests {
  private func job(isShort: Bool = false) -> ReadJob {
    ReadJob(
      StorageRead(scope: .log, atLeast: .zero, cancellation: nil, isShort: isShort) { _ in },
      minimum: .zero)
  }

  private func ticket(_ turn: ReadQueue.Turn) -> ReadQueue.Ticket? {
    if case .standsAside(let ticket, _) = turn { return ticket }
    return nil
  }

  @Test func `scans leave a thread to short reads`() {
    var queue = ReadQueue(threads: 3, maxScans: 15)
    for _ in 0..<4 { queue.append(job()) }
    #expect(queue.popFirst() != nil && queue.popFirst() != nil)
    #expect(!queue.isReady && queue.popFirst() == nil)
    queue.append(job(isShort: true))
    #expect(queue.popFirst()?.isShort == true)
  }

  @Test func `a scan that nobody waits for goes on`() {
    var queue = ReadQueue(threads: 3, maxScans: 15)
    queue.append(job())
    _ = queue.popFirst()
    guard case .goesOn = queue.turnEnded(mayEnd: true) else {
      Issue.record("it stood aside")
      return
    }
  }

  @Test func `one that began and one that goes on have a slot in turn`() throws {
    var queue = ReadQueue(threads: 2, maxScans: 15)
    queue.append(job())
    _ = queue.popFirst()
    queue.append(job())
    queue.append(job())
    let first = try #require(ticket(queue.turnEnded(mayEnd: false)))
    // The slot was given to one that began: the one that stands aside goes on before the next begins.
    #expect(queue.mayGoOn(first) && !queue.isReady)
    queue.goOn(first)
    let again = try #require(ticket(queue.turnEnded(mayEnd: false)))
    #expect(!queue.mayGoOn(again) && queue.isReady)
    #expect(queue.popFirst() != nil)
  }

  @Test
  func `where no more may begin one of those that have had their share ends for each that waits`() {
    var queue = ReadQueue(threads: 2, maxScans: 1)
    queue.append(job())
    _ = queue.popFirst()
    queue.append(job())
    guard case .ends = queue.turnEnded(mayEnd: true) else {
      Issue.record("nobody made room")
      return
    }
    queue.endedForOther()
    queue.scanEnded()
    #expect(queue.popFirst() != nil)
    #expect(queue.count == 0)
  }

  @Test func `a read that waits for an adoption is tried again, and at once where all is closed`() {
    var queue = ReadQueue(threads: 2, maxScans: 1)
    queue.putAside(job(isShort: true), limit: 10)
    #expect(queue.hasDeferred && !queue.isReady && !queue.isOver)
    queue.isClosed = true
    #expect(queue.popFirst()?.mayWait == false)
    #expect(queue.isOver)
  }

  @Test func `where too many wait for an adoption one sees what there was before`() {
    var queue = ReadQueue(threads: 2, maxScans: 1)
    queue.putAside(job(isShort: true), limit: 0)
    #expect(queue.popFirst()?.mayWait == false)
  }
}
