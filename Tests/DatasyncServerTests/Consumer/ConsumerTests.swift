import DatasyncStorage
import DatasyncStorageTesting
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import DatasyncModel
@testable import DatasyncServer

/// Those who follow the change log by name, in process.
@Suite(.timeLimit(.minutes(1)))
struct ConsumerTests {
  /// A service over a store in memory, as a ``DatabaseServer`` has it.
  private struct Bench: Sendable {
    let storage: MemoryStorage
    let service: DatasyncService
    let running: RunningService

    func changes(_ name: String = "mailer") -> ConsumerChanges.AsyncIterator {
      ConsumerChanges(name: name, running: running).makeAsyncIterator()
    }

    /// One commit of some rows.
    func write(_ ids: String..., by author: Author = Author(clientID: "c", principal: "p")) throws {
      let operations = ids.map { id in
        WriteOperation.create(
          RowDraft(
            table: Fixture.notes,
            values: Fixture.notes.columns.map { column -> Value? in
              column.name == "id" ? .string(id) : column.name == "title" ? .string("t") : nil
            }))
      }
      try storage.submit(
        WriteRequest(
          replyTo: ReplyAddress(loop: 7, session: 1, request: 1), operations: operations,
          isCommit: ids.count > 1, author: author, mutation: nil, byteCount: 100))
    }
  }

  private static func bench<Result: Sendable>(
    _ disk: MemoryDisk = MemoryDisk(), maxLogBytes: Int = .max,
    _ body: (Bench) async throws -> Result
  ) async throws -> Result {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    var memory = MemoryOptions(catalog: Catalog(tables: [Fixture.notes], generation: 1))
    memory.maxLogBytes = maxLogBytes
    nonisolated(unsafe) var made: MemoryStorage?
    let service = try await DatasyncService.open(
      options: ServiceOptions(), group: group, logger: Logger(label: "test"),
      openStorage: {
        let storage = MemoryStorage(memory, disk: disk, observer: $0)
        made = storage
        return storage
      }
    ) { _, _ in }
    let running = RunningService()
    running.began(service)
    let storage = try #require(made)
    let result: Swift.Result<Result, any Error>
    do {
      result = .success(try await body(Bench(storage: storage, service: service, running: running)))
    } catch {
      result = .failure(error)
    }
    service.endConsumers()
    service.close()
    try await group.shutdownGracefully()
    return try result.get()
  }

  private func ids(_ changes: CommittedChanges?) -> [String] { changes?.changes.map(\.id) ?? [] }

  @Test func `commits come whole, in order, once, with their authors`() async throws {
    try await ConsumerTests.bench { bench in
      _ = try await bench.service.take(ConsumerStep("mailer", .begin))
      let changes = bench.changes()
      try bench.write("a")
      try bench.write("b", "c", by: Author(clientID: "", principal: "q"))
      let commit = try #require(try await changes.next())
      #expect(commit.origin == "c" && commit.principal == "p" && commit.isWhole)
      #expect(ids(commit) == ["a"] && commit.changes[0].after?["title"] == "t")
      #expect(commit.changes[0].operation == .insert && commit.changes[0].before == nil)
      let next = try await changes.next()
      #expect(ids(next) == ["b", "c"] && next?.principal == "q")
    }
  }

  @Test func `what was given and not done is given again after a restart`() async throws {
    let disk = MemoryDisk()
    try await ConsumerTests.bench(disk) { bench in
      _ = try await bench.service.take(ConsumerStep("mailer", .begin))
      for id in ["a", "b", "c"] { try bench.write(id) }
      let changes = bench.changes()
      let given1 = try await ids(changes.next())
      #expect(given1 == ["a"])
      let given2 = try await ids(changes.next())
      #expect(given2 == ["b"])
    }
    try await ConsumerTests.bench(disk) { bench in
      let changes = bench.changes()
      let given3 = try await ids(changes.next())
      #expect(given3 == ["b"])
      let given4 = try await ids(changes.next())
      #expect(given4 == ["c"])
    }
  }

  @Test func `one that falls out of the log is told, each time, and begins anew once removed`()
    async throws
  {
    try await ConsumerTests.bench(maxLogBytes: 2_000) { bench in
      _ = try await bench.service.take(ConsumerStep("mailer", .begin))
      for number in 0..<50 { try bench.write("r\(number)") }
      for _ in 0..<2 {
        let error = await #expect(throws: ConsumerError.self) {
          let changes = bench.changes()
          _ = try await changes.next()
        }
        #expect(error?.code == .historyCompacted)
      }
      _ = try await bench.service.take(ConsumerStep("mailer", .remove))
      _ = try await bench.service.take(ConsumerStep("mailer", .begin))
      try bench.write("new")
      let changes = bench.changes()
      let given5 = try await ids(changes.next())
      #expect(given5 == ["new"])
    }
  }

  @Test func `a name is one loop's at a time, and one that is removed ends`() async throws {
    try await ConsumerTests.bench { bench in
      _ = try await bench.service.take(ConsumerStep("mailer", .begin))
      try bench.write("a")
      try bench.write("b")
      let changes = bench.changes()
      let given6 = try await ids(changes.next())
      #expect(given6 == ["a"])
      let second = await #expect(throws: ConsumerError.self) {
        let other = bench.changes()
        _ = try await other.next()
      }
      #expect(second?.code == .inUse)
      _ = try await bench.service.take(ConsumerStep("mailer", .remove))
      do {
        _ = try await changes.next()
        Issue.record("it goes on")
      } catch let error as ConsumerError {
        #expect(error.code == .removed)
      }
      let bad = await #expect(throws: ConsumerError.self) {
        let other = bench.changes("")
        _ = try await other.next()
      }
      #expect(bad?.code == .badName)
    }
  }

  @Test func `who waits ends with its task and with the server`() async throws {
    try await ConsumerTests.bench { bench in
      let cancelled = Task { () -> Bool in
        let changes = bench.changes("one")
        return try await changes.next() == nil
      }
      let waiting = Task { () -> Bool in
        let changes = bench.changes("two")
        return try await changes.next() == nil
      }
      while bench.service.consumerState.count < 2 { await Task.yield() }
      cancelled.cancel()
      let ended7 = try await cancelled.value
      #expect(ended7)
      bench.service.endConsumers()
      let ended8 = try await waiting.value
      #expect(ended8)
    }
    let never = RunningService()
    let early = Task { () -> Bool in
      let changes = ConsumerChanges(name: "early", running: never).makeAsyncIterator()
      return try await changes.next() == nil
    }
    never.ended()
    let ended9 = try await early.value
    #expect(ended9)
  }
}
