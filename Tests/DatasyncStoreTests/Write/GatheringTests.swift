import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// A writer that waits for whoever takes its batches.
struct GatheringTests {
  private static func holding(pollInterval: Duration) throws -> (TestDatabase, TestStore) {
    let database = try TestDatabase("CREATE TABLE todo (id TEXT PRIMARY KEY, title TEXT)")
    let store = try database.open { $0.foreignPollInterval = pollInterval }
    store.recorder.state.withLock { $0.holdsWriter = true }
    try store.create("todo", ["id": .string("first")])
    return (database, store)
  }

  private static func create(_ key: String, in store: TestStore) throws -> UInt64 {
    try store.send([.create(store.draft("todo", ["id": .string(key)]))])
  }

  private static func batchCount(_ store: TestStore) -> Int {
    store.recorder.state.withLock { $0.heads.count }
  }

  @Test func `what comes while the writer waits is committed together`() throws {
    let (database, store) = try GatheringTests.holding(pollInterval: .seconds(60))
    defer { withExtendedLifetime(database) {} }
    let before = GatheringTests.batchCount(store)
    let requests = try (0..<5).map { try GatheringTests.create("k\($0)", in: store) }
    let isAnswered = store.recorder.state.wait(
      timeout: .milliseconds(100), until: { $0.heads.count > before }
    ) { $0.heads.count > before }
    #expect(!isAnswered)
    store.store.resumeWriting()
    for request in requests { #expect(try store.results(request).count == 1) }
    #expect(GatheringTests.batchCount(store) == before + 1)
  }

  @Test func `a writer that nobody lets go on goes on by itself`() throws {
    let (database, store) = try GatheringTests.holding(pollInterval: .milliseconds(20))
    defer { withExtendedLifetime(database) {} }
    for number in 0..<3 {
      #expect(try store.results(GatheringTests.create("k\(number)", in: store)).count == 1)
    }
  }

  @Test func `a resumption that comes before the wait is not lost`() throws {
    let (database, store) = try GatheringTests.holding(pollInterval: .seconds(60))
    defer { withExtendedLifetime(database) {} }
    for number in 0..<20 {
      store.store.resumeWriting()
      #expect(try store.results(GatheringTests.create("k\(number)", in: store)).count == 1)
    }
  }

  @Test func `closing writes what has gathered`() throws {
    let (database, store) = try GatheringTests.holding(pollInterval: .seconds(60))
    let request = try GatheringTests.create("last", in: store)
    store.store.close()
    #expect(try store.results(request).count == 1)
    #expect(try database.integer("SELECT count(*) FROM todo") == 2)
  }

  @Test func `an end of writing refuses what has not begun and what comes`() throws {
    let (database, store) = try GatheringTests.holding(pollInterval: .seconds(60))
    let waiting = try GatheringTests.create("waiting", in: store)
    let hasEnded = Monitor(false)
    store.store.endWrites {
      hasEnded.withLock { $0 = true }
      hasEnded.broadcast()
    }
    #expect(
      hasEnded.wait(timeout: .seconds(20), until: { $0 }) { $0 }, "the writer did not end in 20 s")
    // Told before the end is.
    let outcome = store.recorder.state.withLock { $0.answers[waiting] }
    guard case .failure(let error) = outcome else {
      Issue.record("not refused: \(String(describing: outcome))")
      return
    }
    #expect(error.code == .unavailable)
    #expect(try failure { _ = try GatheringTests.create("late", in: store) }.code == .unavailable)
    store.store.close()
    #expect(try database.integer("SELECT count(*) FROM todo") == 1)
    // After the end it has ended.
    let again = Monitor(false)
    store.store.endWrites { again.withLock { $0 = true } }
    #expect(again.withLock { $0 })
  }

  @Test func `an end of writing comes after the answers of what had begun`() throws {
    let database = try TestDatabase("CREATE TABLE todo (id TEXT PRIMARY KEY, title TEXT)")
    let store = try database.open()
    let hasEnded = Monitor(false)
    let requests = try (0..<200).map { try GatheringTests.create("k\($0)", in: store) }
    let recorder = store.recorder
    let answered = Monitor(0)
    store.store.endWrites {
      answered.withLock { $0 = recorder.state.withLock { $0.answers.count } }
      hasEnded.withLock { $0 = true }
      hasEnded.broadcast()
    }
    #expect(
      hasEnded.wait(timeout: .seconds(20), until: { $0 }) { $0 }, "the writer did not end in 20 s")
    #expect(answered.withLock { $0 } == requests.count)
    let written = recorder.state.withLock { state in
      requests.filter { if case .success? = state.answers[$0] { true } else { false } }.count
    }
    store.store.close()
    #expect(try database.integer("SELECT count(*) FROM todo") == Int64(written))
  }

  @Test func `requests wait to be started where more is to come`() throws {
    let database = try TestDatabase("CREATE TABLE todo (id TEXT PRIMARY KEY, title TEXT)")
    let store = try database.open { $0.foreignPollInterval = .seconds(60) }
    try store.create("todo", ["id": .string("first")])
    let before = GatheringTests.batchCount(store)
    for number in 0..<5 {
      try store.store.submit(
        WriteRequest(
          replyTo: ReplyAddress(loop: 0, session: 1, request: UInt64(100 + number)),
          operations: [.create(store.draft("todo", ["id": .string("k\(number)")]))],
          isCommit: false, author: .unknown, mutation: nil, byteCount: 100), startsNow: false)
    }
    store.store.startWriting()
    for number in 0..<5 { #expect(try store.results(UInt64(100 + number)).count == 1) }
    #expect(GatheringTests.batchCount(store) == before + 1)
  }
}
