import DatasyncStorage
import Foundation
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// What can be wrong with a file, and whether it is still the same history.
struct OpeningTests {
  private func openFailure(_ path: String) throws -> DatasyncError {
    try failure {
      _ = try Store.open(path: path, options: StoreOptions(), observer: Recorder())
    }
  }

  @Test func `each bad file has its own error, which names it`() throws {
    let database = try TestDatabase()
    let missing = try openFailure(database.directory + "/none.db")
    #expect(missing.code == .notFound && missing.reason == "NO_DATABASE")
    #expect(missing.message.contains("/none.db"))
    let garbage = database.directory + "/garbage.db"
    try Data(repeating: 0x41, count: 10_000).write(to: URL(fileURLWithPath: garbage))
    #expect(try openFailure(garbage).reason == "NOT_A_DATABASE")
    #expect(try openFailure(database.directory).reason == "NOT_A_DATABASE")
    let utf16 = try TestDatabase("PRAGMA encoding = 'UTF-16'; CREATE TABLE t (id TEXT PRIMARY KEY)")
    #expect(try openFailure(utf16.path).reason == "UNSUPPORTED_ENCODING")
  }

  @Test func `two servers never serve one file`() throws {
    let database = try TestDatabase(WriteTests.schema)
    let first = try database.open()
    #expect(try openFailure(database.path).reason == "DATABASE_IN_USE")
    #expect(try failure { _ = try Store.attach(path: database.path) }.reason == "DATABASE_IN_USE")
    first.store.close()
    _ = try database.open()
  }

  @Test func `a database of a newer server is refused`() throws {
    let database = try TestDatabase(WriteTests.schema)
    try database.open().store.close()
    try database.run("UPDATE datasync_settings SET value = 99 WHERE name = 'format'")
    #expect(try openFailure(database.path).reason == "NEWER_DATABASE")
  }

  private func write(_ store: TestStore, _ count: Int) throws {
    for _ in 0..<count { try store.create("number", [:]) }
  }

  private func copy(_ from: String, _ to: String) throws {
    // Into the same inode, as `cp` and `cat >` do.
    try Data(contentsOf: URL(fileURLWithPath: from)).write(
      to: URL(fileURLWithPath: to), options: [])
  }

  @Test func `reopening is the same history, a restored older file is another`() throws {
    let database = try TestDatabase(WriteTests.schema)
    let first = try database.open()
    try write(first, 3)
    let history = first.store.historyID
    let backup = database.directory + "/backup.db"
    try first.store.backup(to: backup)
    try write(first, 3)
    first.store.close()
    let again = try database.open()
    #expect(again.store.historyID == history)
    #expect(again.store.head == first.store.head)
    again.store.close()
    try copy(backup, database.path)
    let restored = try database.open()
    #expect(restored.store.historyID != history)
    #expect(restored.store.head < first.store.head)
    let new = restored.store.historyID
    restored.store.close()
    #expect(try database.open().store.historyID == new)
  }

  @Test func `a copy served elsewhere is another history`() throws {
    let database = try TestDatabase(WriteTests.schema)
    let first = try database.open()
    try write(first, 3)
    let path = database.directory + "/copy.db"
    try first.store.backup(to: path)
    let other = try Store.open(path: path, options: StoreOptions(), observer: Recorder())
    defer { other.close() }
    #expect(other.historyID != first.store.historyID)
    #expect(other.head == first.store.head)
  }

  @Test func `a lost companion file alone changes nothing`() throws {
    let database = try TestDatabase(WriteTests.schema)
    let first = try database.open()
    first.store.close()
    try FileManager.default.removeItem(atPath: database.path + "-datasync")
    #expect(try database.open().store.historyID == first.store.historyID)
  }

  @Test func `a closed database is one file again`() throws {
    let database = try TestDatabase(WriteTests.schema)
    // What is left beside the file would be taken for a restored copy's. Its connections belong to
    // threads that end at the same moment, so once shows little.
    for _ in 0..<150 {
      let store = try database.open()
      try write(store, 1)
      store.store.close()
      #expect(!FileManager.default.fileExists(atPath: database.path + "-wal"))
    }
  }

  @Test func `a full write queue answers RESOURCE_EXHAUSTED with a delay`() throws {
    let database = try TestDatabase(WriteTests.schema)
    let store = try database.open { $0.maxQueuedWrites = 3 }
    let other = try Connection(path: database.path)
    try other.execute("BEGIN IMMEDIATE")
    // One is in the writer's hands, waiting for the lock; three wait; the next is too many.
    let error = try failure {
      for _ in 0..<10 {
        try store.send([.create(store.draft("number", [:]))])
        usleep(20_000)
      }
    }
    #expect(error.code == .resourceExhausted)
    #expect(error.retryAfter != nil)
    #expect(error.metadata["limit"] == "max_queued_writes")
    try other.execute("COMMIT")
    #expect(try store.results(1).count == 1)
  }

  @Test func `closing writes what is queued and refuses what comes after`() throws {
    let database = try TestDatabase(WriteTests.schema)
    let store = try database.open()
    let requests = try (0..<500).map { _ in
      try store.send([.create(store.draft("number", [:]))])
    }
    let draft = try store.draft("number", [:])
    store.store.close()
    for request in requests { #expect(try store.results(request).count == 1) }
    #expect(try failure { try store.send([.create(draft)]) }.code == .unavailable)
    #expect(try failure { _ = try store.get("number", "1") }.code == .unavailable)
    #expect(try database.integer("SELECT count(*) FROM number") == 500)
  }

  @Test func `a full database fails the batch, never lies, and the store goes on`() throws {
    let database = try TestDatabase("CREATE TABLE t (id TEXT PRIMARY KEY, b BLOB)")
    let store = try database.open { $0.foreignPollInterval = .seconds(600) }
    try store.create("t", ["id": .string("a")])
    usleep(50_000)
    // The writer sleeps: its connection is nobody's.
    let connection = store.store.writer.connection
    let pages = try connection.integer("PRAGMA page_count") ?? 0
    _ = try connection.integer("PRAGMA max_page_count = \(pages + 2)")
    let big = Value.bytes([UInt8](repeating: 7, count: 100_000))
    let head = store.store.head
    let error = try failure { try store.create("t", ["id": .string("b"), "b": big]) }
    #expect(error.code == .unavailable)
    #expect(error.reason == "DISK_FULL")
    #expect(store.store.head == head)
    #expect(try store.get("t", "b") == nil)
    usleep(50_000)
    _ = try connection.integer("PRAGMA max_page_count = 1073741823")
    let row = try store.create("t", ["id": .string("b"), "b": big])
    #expect(row.version == head.rawValue + 1)
    #expect(try Store.check(path: database.path).description.hasSuffix("sound"))
  }
}
