import DatasyncMessages
import DatasyncModel
import DatasyncStorageTesting
import Testing

@testable import DatasyncServer

/// The requests of one call, over a store in memory.
@Suite struct OperationsTests {
  @Test func `a read sees every write sent before it, and none sent after it`() async throws {
    try await TestService.run { service in
      let client = try await service.client()
      try await client.ask(
        1, .create("a", "one"), .get("a"), .replace("a", "two"), .get("a"), .query())
      for round in 0..<20 as Range<UInt64> {
        try await client.ask(
          10 + 4 * round, .replace("a", "\(round)"), .get("a"), .replace("a", "later"),
          .create("k\(round)", "k"))
      }
      try await client.ask(100, .query())
      let said = try await client.ended(1, 2, 3, 4, 5, 89, 100)
      func title(_ id: UInt64) -> String? {
        said.compactMap { if case .answer(id, let title, _) = $0 { title } else { nil } }.first
      }
      #expect([title(2), title(4), title(5)] == ["one", "two", "1 rows"])
      for round in 0..<20 as Range<UInt64> { #expect(title(11 + 4 * round) == "\(round)") }
      #expect(title(100) == "21 rows")
      #expect(Set(said.map(\.requestID)).count == said.count, "one last word for each")
    }
  }

  @Test func `an error of one request leaves the others`() async throws {
    try await TestService.run { service in
      let client = try await service.client()
      try await client.ask(
        1, .create("a", "one"), .create("a", "again"), .get("absent"), .query("title eq"),
        .commit(Request.write("b", "b"), Request.write("a", "a")), .describe(table: "nothing"),
        .subscribe(.now, filter: "nothing eq 1"), .get("b"), .create("c", "three"))
      let said = try await client.ended(1, 2, 3, 4, 5, 6, 7, 8, 9)
      let ends = said.compactMap {
        if case .end(let id, let reason) = $0 { "\(id) \(reason)" } else { nil }
      }
      #expect(
        ends.sorted() == [
          "2 ROW_EXISTS", "3 ROW_NOT_FOUND", "4 BAD_FILTER", "5 ROW_EXISTS", "6 TABLE_NOT_FOUND",
          "7 BAD_FILTER", "8 ROW_NOT_FOUND",
        ])
      #expect(said.contains(.answer(1, "one", 1)) && said.contains(.answer(9, "three", 2)))
    }
  }

  @Test func `each kind of request that is cancelled has one last word, and then is silent`()
    async throws
  {
    try await TestService.run { service in
      let client = try await service.client()
      try await client.ask(1, .subscribe())
      let token = try #require(
        try await client.current(1).compactMap {
          if case .checkpoint(1, let at) = $0 { at.token } else { nil }
        }.first)
      service.holdWriter(true)
      try await client.ask(2, .create("first", "first"))
      try await client.ended(2)
      // The writer waits: what comes behind the write waits with it.
      try await client.ask(
        3, .create("a", "a"), .get("a"), .query(), .poll(after: "x"), .poll(after: token))
      try await client.ask(8, .create("b", "b"))
      var wereRunning: [Bool] = []
      for id in [3, 4, 5, 1, 1, 99] as [UInt64] { wereRunning.append(try await client.cancel(id)) }
      #expect(wereRunning == [true, true, true, true, false, false])
      service.holdWriter(false)
      try await client.ask(9, .query())
      let said = try await client.ended(1, 2, 3, 4, 5, 6, 7, 8, 9)
      func words(_ id: UInt64) -> [Said] { said.filter { $0.requestID == id && $0.isLastWord } }
      for id in 3...5 as ClosedRange<UInt64> {
        #expect(words(id) == [.end(id, "REQUEST_CANCELLED")])
      }
      #expect(words(1) == [.end(1, "")])
      #expect(words(7) == [.answer(7, "1 changes", 0)])
      let afterEnd = try #require(said.firstIndex(of: .end(1, "")))
      #expect(
        !said[afterEnd...].dropFirst().contains { $0.requestID == 1 }, "an event after the end")
      // A write that was handed to the store takes effect, whoever hears of it.
      #expect(words(9) == [.answer(9, "3 rows", 0)])
    }
  }

  @Test func `a long poll that is cancelled has one last word`() async throws {
    try await TestService.run { service in
      let client = try await service.client()
      try await client.ask(1, .subscribe())
      let token = try #require(
        try await client.current(1).compactMap {
          if case .checkpoint(1, let at) = $0 { at.token } else { nil }
        }.first)
      try await client.ask(2, .poll(after: token))
      let wasRunning = try await client.cancel(2)
      #expect(wasRunning)
      try await client.ask(3, .create("a", "a"))
      let said = try await client.ended(2, 3)
      #expect(said.filter { $0.requestID == 2 } == [.end(2, "REQUEST_CANCELLED")])
    }
  }

  @Test func `what is asked of a store that is closed is refused, each request once`() async throws
  {
    try await TestService.run { service in
      let client = try await service.client()
      service.storage.close()
      try await client.ask(1, .create("a", "a"), .get("a"), .query(), .subscribe(.rows))
      let said = try await client.ended(1, 2, 3, 4)
      #expect(
        said.sorted { $0.requestID < $1.requestID } == (1...4).map { .end($0, "STORE_CLOSED") })
    }
  }

  @Test
  func
    `a call that is gone leaves nothing behind, and its writes that had not begun do not happen`()
    async throws
  {
    try await TestService.run { service in
      let (client, other) = (try await service.client(), try await service.client("other"))
      try await client.ask(1, .subscribe())
      try await client.current(1)
      service.holdWriter(true)
      try await client.ask(2, .create("a", "a"))
      try await client.ended(2)
      try await client.ask(3, .create("b", "b"), .get("b"))
      try await client.onLoop { $0.operations.abandon() }
      service.holdWriter(false)
      try await other.ask(1, .create("c", "c"), .query())
      let said = try await other.ended(1, 2)
      #expect(said.last == .answer(2, "2 rows", 0))
      let (isIdle, isCounted) = try await client.onLoop { stream in
        (stream.operations.isIdle, stream.operations.subscriptionCount)
      }
      #expect(isIdle && isCounted == 0)
    }
  }
}
