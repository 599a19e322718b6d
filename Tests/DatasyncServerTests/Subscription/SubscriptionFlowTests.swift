import DatasyncMessages
import DatasyncModel
import DatasyncStorageTesting
import Testing

@testable import DatasyncServer

/// What subscriptions hear of a store's commits, whatever becomes of their streams.
@Suite struct SubscriptionFlowTests {
  private static func changes(_ said: [Said], of id: UInt64) -> [HeardChange] {
    said.compactMap { if case .change(id, let change) = $0 { change } else { nil } }
  }

  private static func checkpoints(_ said: [Said], of id: UInt64) -> [HeardCheckpoint] {
    said.compactMap { if case .checkpoint(id, let at) = $0 { at } else { nil } }
  }

  /// Titles by key, as who applies the changes has them.
  private static func rows(_ changes: [HeardChange]) -> [String: String] {
    changes.reduce(into: [:]) { $0[$1.key] = $1.operation == 3 ? nil : $1.title }
  }

  @Test func `the answer to a write comes before its event on the same stream`() async throws {
    try await TestService.run { service in
      let client = try await service.client()
      try await client.ask(1, .subscribe())
      try await client.current(1)
      for number in 2..<30 as Range<UInt64> {
        try await client.ask(number, .replace("a", "\(number)"))
      }
      let said = try await client.reached(28, 1)
      for number in 2..<30 as Range<UInt64> {
        let sequence = number - 1
        let answer = try #require(said.firstIndex(of: .answer(number, "\(number)", sequence)))
        let event = try #require(
          said.firstIndex {
            if case .change(1, let change) = $0 { change.sequence == sequence } else { false }
          })
        #expect(answer < event)
      }
      #expect(SubscriptionFlowTests.changes(said, of: 1).allSatisfy { $0.isOwn })
    }
  }

  @Test func `initial rows, current, then each change once`() async throws {
    try await TestService.run {
      $0.snapshotPageRows = 5
    } _: { service in
      let (client, writer) = (try await service.client(), try await service.client("writer"))
      for number in 1...30 as ClosedRange<UInt64> {
        try await writer.ask(number, .create("k\(number)", "first"))
      }
      try await writer.ended(30)
      // Its rows are sent in pages, and more is written between them.
      try await client.onLoop { $0.room = 7 }
      try await client.ask(1, .subscribe(.rows))
      try await client.said { $0.count >= 7 }
      for number in 31...60 as ClosedRange<UInt64> {
        try await writer.ask(number, .replace("k\(number - 25)", "then"))
      }
      try await writer.ended(60)
      try await client.setWritable(true)
      let head = service.storage.head.rawValue
      try await client.current(1)
      let said = try await client.reached(head, 1)
      let changes = SubscriptionFlowTests.changes(said, of: 1)
      let rows = SubscriptionFlowTests.rows(changes)
      #expect(rows.count == 35)
      #expect(rows.filter { $0.value == "then" }.count == 30)
      let current = try #require(SubscriptionFlowTests.checkpoints(said, of: 1).first)
      #expect(current.isCurrent)
      #expect(changes.map(\.sequence).sorted() == Array(1..<head + 1), "each row and change, once")
    }
  }

  /// With a tail in memory, and from the log.
  @Test(arguments: [32 << 20, 1])
  func `a stream that was full catches up, exactly`(tailBytes: Int) async throws {
    try await TestService.run {
      $0.tailBytes = tailBytes
    } _: { service in
      let (client, writer) = (try await service.client(), try await service.client("writer"))
      try await client.ask(1, .subscribe())
      try await client.current(1)
      var id: UInt64 = 0
      for round in 0..<5 {
        try await client.setWritable(false)
        for number in 0..<20 {
          id += 1
          let key = "k\(number % 7)"
          try await writer.ask(
            id, number % 5 == 4 ? .delete(key) : .replace(key, "\(round) \(number)"))
        }
        id += 1
        try await writer.ask(
          id, .commit(Request.write("c\(round)", "1"), Request.write("d\(round)", "2")))
        try await writer.ended(id)
        try await client.setWritable(true)
        let head = service.storage.head.rawValue
        let said = try await client.reached(head, 1)
        let changes = SubscriptionFlowTests.changes(said, of: 1)
        #expect(changes.map(\.sequence) == Array(1..<head + 1), "each change once, in order")
        #expect(changes.suffix(2).map(\.hasMore) == [true, false])
      }
      let said = try await client.said { _ in true }
      let rows = SubscriptionFlowTests.rows(SubscriptionFlowTests.changes(said, of: 1))
      try await writer.ask(id + 1, .query())
      let last = try await writer.ended(id + 1).last
      #expect(last == .answer(id + 1, "\(rows.count) rows", 0))
    }
  }

  @Test(arguments: [32 << 20, 1])
  func `from any checkpoint a subscription goes on as if nothing had been`(tailBytes: Int)
    async throws
  {
    try await TestService.run {
      $0.tailBytes = tailBytes
    } _: { service in
      let (client, writer) = (try await service.client(), try await service.client("writer"))
      try await client.ask(1, .subscribe())
      try await client.current(1)
      for number in 1...20 as ClosedRange<UInt64> {
        try await writer.ask(
          number, .commit(Request.write("a\(number)", "1"), Request.write("b\(number)", "2")))
        try await writer.ended(number)
      }
      let said = try await client.reached(40, 1)
      let all = SubscriptionFlowTests.changes(said, of: 1)
      let checkpoints = SubscriptionFlowTests.checkpoints(said, of: 1)
      #expect(checkpoints.allSatisfy { $0.sequence.isMultiple(of: 2) }, "within a commit")
      for (index, at) in checkpoints.enumerated() {
        let id = UInt64(index) + 2
        try await client.ask(id, .subscribe(.resumeToken(at.token)))
        try await client.current(id)
        let heard = SubscriptionFlowTests.changes(try await client.reached(40, id), of: id)
        #expect(heard == all.filter { $0.sequence > at.sequence })
      }
    }
  }

  @Test func `a token of another history is refused`() async throws {
    let token = try await TestService.run { service in
      let client = try await service.client()
      try await client.ask(1, .subscribe())
      let said = try await client.current(1)
      return try #require(SubscriptionFlowTests.checkpoints(said, of: 1).first?.token)
    }
    try await TestService.run { service in
      let client = try await service.client()
      try await client.ask(1, .subscribe(.resumeToken(token)))
      let said = try await client.ended(1)
      // Signed with that database's own key.
      #expect(said == [.end(1, "BAD_RESUME_TOKEN")] || said == [.end(1, "HISTORY_REPLACED")])
    }
  }

  @Test func `an interval tells what is left of its changes`() async throws {
    try await TestService.run { service in
      let (client, writer) = (try await service.client(), try await service.client("writer"))
      try await writer.ask(1, .create("gone", "old"))
      try await writer.ended(1)
      try await client.ask(1, .subscribe(.now, minInterval: 300))
      try await client.current(1)
      // Behind the first one all wait, and come in one batch, however slow the machine is.
      service.holdWriter(true)
      try await writer.ask(2, .replace("a", "2"))
      try await writer.ended(2)
      for number in 3...21 as ClosedRange<UInt64> {
        try await writer.ask(number, .replace("a", "\(number)"))
      }
      try await writer.ask(
        22, .create("brief", "x"), .delete("brief"), .replace("gone", "new"), .delete("gone"))
      service.holdWriter(false)
      try await writer.ended(25)
      let said = try await client.reached(25, 1)
      let changes = SubscriptionFlowTests.changes(said, of: 1)
      // The first one may have an interval of its own.
      #expect(changes.count <= 3 && !changes.contains { $0.hasMore })
      #expect(SubscriptionFlowTests.rows(changes) == ["a": "21"])
      #expect(changes.last.map { [$0.key, "\($0.operation)"] } == ["gone", "3"])
    }
  }

  @Test func `subscriptions that see the same share an audience, others do not`() async throws {
    try await TestService.run { service in
      let (client, other) = (try await service.client(), try await service.client("other"))
      try await client.ask(
        1, .subscribe(.now, filter: "title eq 'x'"), .subscribe(.now, filter: "title eq 'y'"),
        .subscribe(.now, filter: "contains(title, 'y')"))
      try await other.ask(1, .subscribe(.now, filter: "title eq 'x'"))
      for id in 1...3 as ClosedRange<UInt64> { try await client.current(id) }
      try await other.current(1)
      func audience(_ client: TestClient, _ id: UInt64) async throws -> ObjectIdentifier? {
        try await client.onLoop { stream in
          guard case .subscription(let subscription) = stream.operations.running[id] else {
            return nil
          }
          return subscription.audience.map { ObjectIdentifier($0) }
        }
      }
      let first = try await audience(client, 1)
      #expect(first != nil)
      let (same, another) = (try await audience(other, 1), try await audience(client, 2))
      #expect(same == first && another != first)
      try await other.ask(2, .create("a", "x"), .create("b", "y"))
      try await client.reached(2, 3)
      let (heard, also) = (try await client.reached(2, 2), try await other.reached(1, 1))
      #expect(SubscriptionFlowTests.changes(heard, of: 3).map(\.key) == ["b"])
      #expect(SubscriptionFlowTests.changes(heard, of: 1).map(\.key) == ["a"])
      #expect(SubscriptionFlowTests.changes(heard, of: 2).map(\.key) == ["b"])
      #expect(SubscriptionFlowTests.changes(also, of: 1).map { [$0.isOwn] } == [[true]])
    }
  }

  @Test func `what another program writes is heard, as nobody's own`() async throws {
    try await TestService.run { service in
      let client = try await service.client()
      try await client.ask(1, .subscribe())
      try await client.current(1)
      service.storage.writeAsOther([
        .put(table: "notes", key: .string("a"), ["title": .string("other")]),
        .put(table: "notes", key: .string("b"), ["title": .string("program")]),
      ])
      let changes = SubscriptionFlowTests.changes(try await client.reached(2, 1), of: 1)
      #expect(changes.map(\.title) == ["other", "program"])
      #expect(changes.map(\.hasMore) == [true, false])
      #expect(!changes.contains { $0.isOwn })
    }
  }
}
