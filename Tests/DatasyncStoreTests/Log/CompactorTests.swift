import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// The log is trimmed by age and size, at the ends of commits, and says exactly how far it reaches.
struct CompactorTests {
  private func oldest(_ store: TestStore) throws -> UInt64 {
    try store.read { s throws(DatasyncError) in s.oldest.rawValue }
  }

  @Test func `by size: the log stays within its bytes, and reading before it fails`() throws {
    let database = try TestDatabase("CREATE TABLE t (id TEXT PRIMARY KEY, s TEXT)")
    let store = try database.open { $0.maxLogBytes = 20_000 }
    for n in 0..<300 {
      try store.create("t", ["s": .string(String(repeating: "x", count: 200) + "\(n)")])
    }
    let oldest = try oldest(store)
    #expect(oldest > 0)
    let first = try database.integer("SELECT min(sequence) FROM datasync_log")
    #expect(first == Int64(oldest) + 1)
    let bytes = try database.integer(
      "SELECT sum(48 + length(key) + ifnull(length(before), 0) + ifnull(length(after), 0)) FROM datasync_log"
    )
    #expect(try #require(bytes) < 25_000)
    let loaded = try Compactor.load(Connection(path: database.path), options: StoreOptions())
    #expect(loaded.logBytes == bytes.map(Int.init))
    #expect(loaded.oldest.rawValue == oldest)
    let error = try failure {
      _ = try store.read { s throws(DatasyncError) in
        try s.changes(after: Sequence(oldest - 1), through: s.sequence, maxBytes: 100)
      }
    }
    #expect(error.code == .outOfRange)
    #expect(error.reason == "HISTORY_COMPACTED")
    #expect(error.metadata["oldest"] == String(oldest))
    let rest = try store.read { s throws(DatasyncError) in
      try s.changes(after: Sequence(oldest), through: s.sequence, maxBytes: .max)
    }
    #expect(rest.commits.first?.first == Sequence(oldest + 1))
    #expect(rest.through == store.store.head)
    let request = ScanRequest(table: try store.table("t"), limit: 1)
    let past = try failure {
      _ = try store.read { s throws(DatasyncError) in
        try s.scan(request, asOf: Sequence(oldest - 1))
      }
    }
    #expect(past.reason == "HISTORY_COMPACTED")
    #expect(try Store.check(path: database.path).description.hasSuffix("sound"))
  }

  @Test func `by age: old commits go, the last stays, and reopening knows`() throws {
    let database = try TestDatabase("CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)")
    let store = try database.open()
    for _ in 0..<20 { try store.create("t", [:]) }
    let head = store.store.head
    store.store.close()
    try database.run("UPDATE datasync_log SET time = 1")
    let again = try database.open()
    #expect(again.store.historyID == store.store.historyID)
    // The writer trims when it is idle.
    let deadline = MonotonicClock.now + .seconds(90)
    var oldest = try oldest(again)
    while oldest < head.rawValue - 1, MonotonicClock.now < deadline {
      oldest = try self.oldest(again)
    }
    #expect(oldest == head.rawValue - 1)
    #expect(again.store.head == head)
    #expect(try database.integer("SELECT count(*) FROM datasync_log") == 1)
  }

  @Test func `its size is saved now and then, and known all the same`() throws {
    let database = try TestDatabase("CREATE TABLE t (id TEXT PRIMARY KEY, s TEXT)")
    let store = try database.open()
    let saved = "SELECT log_bytes FROM datasync_state"
    let actual =
      "SELECT sum(48 + length(key) + ifnull(length(before), 0) + ifnull(length(after), 0)) FROM datasync_log"
    let before = try #require(try database.integer(saved))
    func create(_ count: Int, named name: String) throws {
      let text = Value.string(.init(repeating: "x", count: 1000))
      for n in 0..<count { try store.create("t", ["id": .string("\(name)\(n)"), "s": text]) }
    }
    try create(40, named: "k")
    #expect(try database.integer(saved) == before)
    func loaded() throws -> Int {
      try Compactor.load(Connection(path: database.path), options: StoreOptions()).logBytes
    }
    #expect(try Int64(loaded()) == database.integer(actual))
    try create(300, named: "l")
    #expect(try #require(try database.integer(saved)) >= Int64(Compactor.saveStep))
    #expect(try Int64(loaded()) == database.integer(actual))
    store.store.close()
    // As it was before the column was known: right with every commit.
    let bytes = try #require(try database.integer(actual))
    try database.run("ALTER TABLE datasync_state DROP COLUMN log_through")
    try database.run("UPDATE datasync_state SET log_bytes = \(bytes)")
    let again = try database.open()
    #expect(try loaded() == bytes)
    try again.create("t", ["id": .string("last")])
    #expect(try Int64(loaded()) == database.integer(actual))
  }

  @Test func `a commit larger than a step leaves the view at once, whole`() throws {
    let connection = try Connection(path: ":memory:", create: true)
    try connection.execute(OwnTables.definition)
    for n in 1...1000 {
      try connection.execute(
        "INSERT INTO datasync_log VALUES (\(n), 1, 1, 'k', \(n == 1 || n == 901 ? "5" : "NULL"), NULL, NULL, NULL, x'00')"
      )
    }
    var options = StoreOptions()
    options.logRetention = .seconds(1)
    var compactor = Compactor(oldest: .zero, logBytes: 50_000, options: options)
    try compactor.step(connection, now: 10_000_000, head: Sequence(1000), atMost: 100)
    #expect(compactor.oldest == Sequence(900))
    #expect(try connection.integer("SELECT min(sequence) FROM datasync_log") == 102)
    for _ in 0..<20 {
      try compactor.step(connection, now: 10_000_000, head: Sequence(1000), atMost: 100)
    }
    // The last commit stays, however old.
    #expect(compactor.oldest == Sequence(900))
    #expect(try connection.integer("SELECT min(sequence) FROM datasync_log") == 901)
    #expect(compactor.logBytes == 50_000 - 900 * 50)
  }
}
