import DatasyncStorage
import Synchronization
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// How many mutation ids are remembered, and for how long.
@Suite struct MutationTests {
  private func mutation(_ number: Int) -> Mutation {
    Mutation(scope: "s", id: "\(number)", fingerprint: [1])
  }

  private func count(_ database: TestDatabase) throws -> Int64 {
    try #require(
      try database.integer("SELECT count(*) FROM datasync_mutations"))
  }

  @Test func `there are never more mutation ids than the limit, however fast they come`() throws {
    let database = try TestDatabase("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    let store = try database.open { $0.maxMutations = 50 }
    var last: UInt64 = 0
    var most: Int64 = 0
    for n in 0..<1000 {
      last = try store.send([.create(store.draft("t", [:]))], mutation: mutation(n))
      if n % 100 == 99 {
        _ = try store.results(last)
        most = max(most, try count(database))
      }
    }
    #expect(most == 50)
    // It is the newest that stay.
    let kept = try database.text("SELECT min(CAST(id AS INTEGER)) FROM datasync_mutations")
    #expect(kept == "950")
    let replayed = try store.write(.create(store.draft("t", [:])), mutation: mutation(999))
    #expect(replayed.sequence == Sequence(1001))
  }

  @Test func `a limit that was lowered is reached by and by, also while nobody writes`() throws {
    let database = try TestDatabase("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    let first = try database.open()
    for n in 0..<300 { try first.send([.create(first.draft("t", [:]))], mutation: mutation(n)) }
    first.store.close()
    #expect(try count(database) == 300)
    let store = try database.open { $0.maxMutations = 10 }
    let deadline = ContinuousClock.now + .seconds(90)
    while try count(database) > 10, ContinuousClock.now < deadline {
      store.recorder.state.wait(timeout: .milliseconds(20), until: { _ in false }) { _ in }
    }
    #expect(try count(database) == 10)
  }

  @Test func `bounds follow what is recorded and trimmed`() throws {
    let database = try TestDatabase("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    let store = try database.open()
    for n in 0..<10 { _ = try store.write(.create(store.draft("t", [:])), mutation: mutation(n)) }
    store.store.close()
    let connection = try Connection(path: database.path)
    var bounds = try MutationBounds.load(connection)
    #expect(bounds.count == 10)
    let limits = MutationBounds.Limits(count: 4, bytes: .max, atMost: 5, atMostBytes: .max)
    try bounds.trim(connection, to: limits)
    #expect(bounds.count == 5)
    #expect(try count(database) == 5)
    try bounds.trim(connection, to: limits)
    try bounds.trim(connection, to: limits)
    #expect(try count(database) == 4)
    #expect(try bounds.bytes == MutationBounds.load(connection).bytes)
    try bounds.trim(connection, before: .max, atMost: 3)
    #expect(bounds.count == 1)
    try bounds.trim(connection, before: .max, atMost: 3)
    #expect(bounds.count == 0)
    #expect(try count(database) == 0)
    #expect(bounds.bytes == 0)
    bounds.recorded(1...3, bytes: 700)
    #expect(bounds.count == 3)
    #expect(bounds.bytes == 700)
  }

  @Test func `what is answered is remembered within a limit in bytes, the newest in any case`()
    throws
  {
    let database = try TestDatabase("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b BLOB)")
    let limit = 1 << 20
    let store = try database.open { $0.maxMutationBytes = limit }
    let kept = "SELECT sum(length(results)) FROM datasync_mutations"
    for n in 0..<50 {
      try store.send([.create(store.draft("t", ["a": .string("small")]))], mutation: mutation(-n))
    }
    try store.create("t", ["id": .int64(1000), "b": .bytes([UInt8](repeating: 7, count: 200_000))])
    let write = { (n: Int) throws in
      let draft = try store.draft("t", ["id": .int64(1000), "a": .string("\(n)")])
      let column = try #require(draft.table.index(ofColumn: "a"))
      return try store.write(
        .update(draft, columns: [column], WriteCondition()), mutation: self.mutation(n))
    }
    // A few bytes each, and 200 KB of answer.
    for n in 1...20 {
      _ = try write(n)
      #expect(try #require(try database.integer(kept)) <= Int64(limit))
    }
    #expect(try count(database) == 5)
    #expect(try write(20).sequence == write(20).sequence)
    // One that was forgotten is a new one.
    #expect(try write(1).sequence.rawValue > write(20).sequence.rawValue)
    try store.update(
      "t", ["id": .int64(1000), "b": .bytes([UInt8](repeating: 8, count: 3 * limit))])
    let large = try write(21).sequence
    #expect(try write(21).sequence == large)
    #expect(try count(database) == 1)
    let inUse = store.store.load.mutationBytes
    store.store.close()
    #expect(try MutationBounds.load(Connection(path: database.path)).bytes == inUse)
  }

  @Test func `a clock that is set forward by eight days and back forgets nothing`() throws {
    let database = try TestDatabase("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    let ahead = Mutex<Int64>(0)
    let store = try database.open {
      $0.calendar = { WallClock.now + ahead.withLock { $0 } }
    }
    let first = try store.write(.create(store.draft("t", [:])), mutation: mutation(1))
    ahead.withLock { $0 = 8 * 86_400 * 1_000_000 }
    for n in 2..<300 { try store.send([.create(store.draft("t", [:]))], mutation: mutation(n)) }
    // Long enough for the upkeep that comes once a second, twice.
    store.recorder.state.wait(timeout: .milliseconds(2500), until: { _ in false }) { _ in }
    _ = try store.write(.create(store.draft("t", [:])), mutation: mutation(300))
    ahead.withLock { $0 = 0 }
    let again = try store.write(.create(store.draft("t", [:])), mutation: mutation(1))
    #expect(again.sequence == first.sequence)
    #expect(try database.integer("SELECT min(sequence) FROM datasync_log") == 1)
  }
}
