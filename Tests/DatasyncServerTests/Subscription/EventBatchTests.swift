import DatasyncMessages
import DatasyncModel
import NIOCore
import Testing

@testable import DatasyncServer

@Suite struct EventBatchTests {
  private func commit(
    _ sequences: ClosedRange<UInt64>, origin: String = "", principal: String = ""
  ) -> Commit {
    Commit(
      changes: sequences.map {
        Fixture.change($0, "k\($0)", before: nil, after: Fixture.row("k\($0)", title: "t"))
      }, author: Author(clientID: origin, principal: principal), committedAt: 1)
  }

  @Test func `of a commit's events all but the last say that more follow`() {
    let batch = EventBatch()
    let (first, second) = (commit(4...6), commit(7...7))
    for byte in UInt8(1)...3 { batch.append(EncodedEvent(.change, [byte]), of: first) }
    batch.append(EncodedEvent(.change, [4]), of: second)
    #expect(batch.events.map(\.more) == [true, true, false, false])
    #expect(batch.events.map(\.commitEnd.rawValue) == [6, 6, 6, 7])
    #expect(batch.start.rawValue == 3)
    #expect(batch.byteCount == 4)
  }

  @Test func `one author is told from several`() {
    let batch = EventBatch()
    batch.append(EncodedEvent(.change, [1]), of: commit(1...1, origin: "a"))
    #expect(batch.onlyAuthor?.clientID == "a")
    batch.append(EncodedEvent(.change, [2]), of: commit(2...2, origin: "a"))
    #expect(batch.onlyAuthor?.clientID == "a")
    batch.append(EncodedEvent(.change, [3]), of: commit(3...3, origin: "b"))
    #expect(batch.onlyAuthor == nil)
    batch.removeAll()
    batch.append(EncodedEvent(.change, [1]), of: commit(1...1, origin: "a", principal: "alice"))
    batch.append(EncodedEvent(.change, [2]), of: commit(2...2, origin: "a", principal: "bob"))
    #expect(batch.onlyAuthor == nil)
    batch.removeAll()
    batch.append(EncodedEvent(.change, [4]), of: commit(4...4, origin: "c"))
    #expect(batch.onlyAuthor?.clientID == "c")
    #expect(batch.start.rawValue == 3)
  }

  @Test(arguments: [EventForm.session(requestID: 1), .session(requestID: .max), .event, .rowEvent])
  func `what is framed together is what is framed apart`(form: EventForm) {
    let batch = EventBatch()
    let whole = commit(1...2)
    let events = [
      EncodedEvent(.change, [UInt8](repeating: 7, count: 200)), EncodedEvent(.unreadable, [8]),
    ]
    for event in events { batch.append(event, of: whole) }
    batch.end = .checkpoint([9, 9, 9])
    var apart: [[UInt8]] = []
    for (index, event) in events.enumerated() {
      var buffer = ByteBuffer()
      EventFrame.write(form, event, own: false, more: index == 0, to: &buffer)
      apart.append(Array(buffer.readableBytesView))
    }
    var buffer = ByteBuffer()
    EventFrame.write(form, checkpoint: [9, 9, 9], to: &buffer)
    apart.append(Array(buffer.readableBytesView))
    var framed: [UInt8] = []
    for message in apart {
      framed += [0] + withUnsafeBytes(of: UInt32(message.count).bigEndian) { Array($0) } + message
    }
    // Twice: the second time from what is kept. Another form between does no harm.
    for _ in 0..<2 {
      let (bytes, count) = batch.framed(form)
      #expect(Array(bytes.readableBytesView) == framed)
      #expect(count == 3)
      #expect(batch.framed(.session(requestID: 77)).bytes != bytes)
      // Whoever still sends it keeps it as it is.
      #expect(Array(bytes.readableBytesView) == framed)
    }
  }

  @Test func `after a large batch a small one is still in memory of its own size`() {
    let batch = EventBatch()
    let event = EncodedEvent(.change, [UInt8](repeating: 7, count: 400))
    for count in [100, 5, 90, 12] {
      for sequence in 1...UInt64(count) { batch.append(event, of: commit(sequence...sequence)) }
      let bytes = batch.framed(.session(requestID: 1)).bytes
      #expect(bytes.readableBytes > count * 400)
      // Or every stream would copy it: `HTTP2Stream.write(shared:)`.
      #expect(bytes.storageCapacity <= 2 * bytes.readableBytes)
      batch.removeAll()
    }
  }
}
