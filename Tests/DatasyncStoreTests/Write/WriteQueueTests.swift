import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// Sessions take turns in the writer's queue. Requests are written `session.number` here.
struct WriteQueueTests {
  private static let table = Table(
    id: 1, name: "t", messageName: "tables.T",
    columns: SystemColumn.names.enumerated().map { index, name in
      Column(name: name, type: .string, number: index + 1, isNullable: false, isSystem: true)
    })

  private func request(
    _ session: UInt64, _ number: UInt64, writes: Int = 1, bytes: Int = 100
  ) -> WriteRequest {
    let write = WriteOperation.delete(WriteQueueTests.table, key: "k", ifVersion: .zero)
    return WriteRequest(
      replyTo: ReplyAddress(loop: Int(session % 2), session: session, request: number),
      operations: .init(repeating: write, count: writes), isCommit: writes > 1, author: .unknown,
      mutation: nil, byteCount: bytes)
  }

  private func queue(_ requests: [WriteRequest]) -> WriteQueue {
    var queue = WriteQueue()
    for request in requests { queue.append(request) }
    return queue
  }

  private func names(_ requests: some Swift.Sequence<WriteRequest>) -> [String] {
    requests.map { "\($0.replyTo.session).\($0.replyTo.request)" }
  }

  private let wide = WriteQueue.BatchLimits(requests: 512, writes: 4096, bytes: 1 << 20)

  @Test func `sessions take turns, each in its own order`() {
    var queue = queue([
      request(1, 1), request(1, 2), request(1, 3), request(2, 1), request(3, 1), request(3, 2),
    ])
    #expect(names(queue.takeBatch(wide)) == ["1.1", "2.1", "3.1", "1.2", "3.2", "1.3"])
    #expect(queue.isEmpty && queue.byteCount == 0)
    #expect(queue.takeBatch(wide).isEmpty)
  }

  @Test func `what a session takes back is gone, and the turns of others are as they were`() {
    var queue = queue([
      request(1, 1), request(1, 2), request(2, 1), request(3, 1), request(2, 2),
    ])
    let narrow = WriteQueue.BatchLimits(requests: 1, writes: 4096, bytes: 1 << 20)
    #expect(names(queue.takeBatch(narrow)) == ["1.1"])
    #expect(names(queue.withdraw(loop: 0, session: 2)) == ["2.1", "2.2"])
    #expect(queue.count == 2 && queue.byteCount == 200)
    // Nothing waits for it, or it is another loop's.
    #expect(queue.withdraw(loop: 0, session: 2).isEmpty)
    #expect(queue.withdraw(loop: 0, session: 3).isEmpty)
    // One that was served in the last batch.
    #expect(names(queue.withdraw(loop: 1, session: 1)) == ["1.2"])
    queue.append(request(2, 3))
    #expect(names(queue.takeBatch(wide)) == ["3.1", "2.3"])
    #expect(queue.isEmpty && queue.byteCount == 0)
  }

  @Test func `a single write goes with the next batch, however much another session has sent`() {
    var queue = queue((1...1000).map { request(1, $0) })
    let limits = WriteQueue.BatchLimits(requests: 64, writes: 4096, bytes: 1 << 20)
    #expect(queue.takeBatch(limits).count == 64)
    queue.append(request(2, 1))
    #expect(names(queue.takeBatch(limits)).first == "2.1")
  }

  @Test func `a single write goes before the next large commit of another session`() {
    var queue = queue((1...3).map { request(1, $0, writes: 10_000, bytes: 3 << 20) })
    #expect(names(queue.takeBatch(wide)) == ["1.1"])
    queue.append(request(2, 1))
    #expect(names(queue.takeBatch(wide)) == ["2.1"])
    #expect(names(queue.takeBatch(wide)) == ["1.2"])
  }

  @Test func `whoever sends much is not starved by those that send one at a time`() {
    var queue = queue((1...100).map { request(1, $0) })
    let limits = WriteQueue.BatchLimits(requests: 4, writes: 100, bytes: 1 << 20)
    var taken: [String] = []
    for round: UInt64 in 0..<20 {
      // As many come anew in every round as a batch takes.
      for session: UInt64 in 2...5 { queue.append(request(round * 10 + session, 1)) }
      taken += names(queue.takeBatch(limits))
    }
    // Everybody is served after those that came before: one batch in five ends with the busy one.
    #expect(taken.filter { $0.hasPrefix("1.") }.count >= 3)
  }

  @Test func `a batch is bounded by requests, by writes and by bytes, and takes one at least`() {
    var few = queue((1...9).map { request($0, 1) })
    #expect(few.takeBatch(.init(requests: 4, writes: 99, bytes: 9999)).count == 4)
    var rows = queue((1...9).map { request($0, 1, writes: 10) })
    #expect(rows.takeBatch(.init(requests: 99, writes: 35, bytes: 9999)).count == 3)
    var bytes = queue((1...9).map { request($0, 1, bytes: 1000) })
    #expect(bytes.takeBatch(.init(requests: 99, writes: 99, bytes: 2999)).count == 2)
    #expect(bytes.count == 7 && bytes.byteCount == 7000)
    var huge = queue([request(1, 1, writes: 500, bytes: 1 << 30), request(2, 1)])
    #expect(names(huge.takeBatch(.init(requests: 9, writes: 9, bytes: 999))) == ["1.1"])
  }

  @Test func `what there was no time for comes first in the next batch, and in its order`() {
    var queue = queue([request(1, 1), request(1, 2), request(2, 1), request(2, 2), request(3, 1)])
    let batch = queue.takeBatch(wide)
    #expect(names(batch) == ["1.1", "2.1", "3.1", "1.2", "2.2"])
    queue.append(request(1, 3))
    queue.append(request(4, 1))
    queue.putBack(batch[2...], after: batch[..<2])
    #expect(queue.count == 5 && queue.byteCount == 500)
    // 3 had no turn yet, 4 is new; 1 and 2 had theirs.
    #expect(names(queue.takeBatch(wide)) == ["3.1", "4.1", "1.2", "2.2", "1.3"])
  }

  @Test(arguments: [21 as UInt64, 22, 23, 24])
  func `nothing is lost, doubled or overtaken within a session`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var queue = WriteQueue()
    var sent: [UInt64: UInt64] = [:]
    var taken: [UInt64: UInt64] = [:]
    /// Batches since a session's first waiting request came.
    var waited: [UInt64: Int] = [:]
    for _ in 0..<600 {
      for _ in 0..<Int.random(in: 0..<12, using: &random) {
        let session = UInt64.random(in: 1...9, using: &random)
        sent[session, default: 0] += 1
        queue.append(
          request(
            session, sent[session] ?? 0, writes: Int.random(in: 1...9, using: &random),
            bytes: Int.random(in: 1...900, using: &random)))
      }
      let batch = queue.takeBatch(
        .init(requests: Int.random(in: 1...9, using: &random), writes: 20, bytes: 2000))
      var done = batch[...]
      if batch.count > 1, Int.random(in: 0..<3, using: &random) == 0 {
        done = batch[..<Int.random(in: 1..<batch.count, using: &random)]
        queue.putBack(batch[done.endIndex...], after: done)
      }
      for request in done {
        taken[request.replyTo.session, default: 0] += 1
        try #require(taken[request.replyTo.session] == request.replyTo.request, "seed \(seed)")
        waited[request.replyTo.session] = 0
      }
      for (session, count) in sent where count > taken[session] ?? 0 {
        waited[session, default: 0] += 1
        // Nine sessions: each batch serves one at least that has waited longer.
        try #require(waited[session] ?? 0 <= 10, "seed \(seed)")
      }
    }
    while !queue.isEmpty {
      for request in queue.takeBatch(wide) {
        taken[request.replyTo.session, default: 0] += 1
        try #require(taken[request.replyTo.session] == request.replyTo.request, "seed \(seed)")
      }
    }
    #expect(sent == taken && queue.byteCount == 0, "seed \(seed)")
  }
}
