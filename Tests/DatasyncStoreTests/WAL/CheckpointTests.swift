import CDatasyncFaultVFS
import DatasyncStorage
import Foundation
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// The WAL under load: who copies it, and how long it becomes.
struct CheckpointTests {
  private static let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)"

  @Test func `the writer writes the WAL alone, the checkpointer the database`() async {
    await #expect(processExitsWith: .success) {
      do {
        try CheckpointTests.watchWriters()
      } catch {
        Issue.record("\(error)")
      }
    }
  }

  private static func watchWriters() throws {
    #expect(faults_install() == 0)
    let database = try TestDatabase(CheckpointTests.schema)
    let store = try database.open { $0.checkpointPages = 50 }
    faults_watch_writers()
    try CheckpointTests.write(to: store, commits: 300, of: 10_000)
    var (databases, wals) = ([UInt64](repeating: 0, count: 9), [UInt64](repeating: 0, count: 9))
    #expect(faults_writers(0, &databases, 9) == 1)
    #expect(faults_writers(1, &wals, 9) == 1)
    #expect(databases[0] != wals[0])
  }

  private static func write(to store: TestStore, commits: Int, of bytes: Int) throws {
    for n in 0..<commits {
      let blob = Value.bytes([UInt8](repeating: UInt8(n & 255), count: bytes))
      try store.create("t", ["b": blob])
    }
  }

  private static func walBytes(_ database: TestDatabase) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: database.path + "-wal")
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }

  @Test func `while others read at every moment the WAL stays near its mark`() throws {
    let database = try TestDatabase(CheckpointTests.schema)
    let store = try database.open { options in
      options.withinTables = ["*"]
      options.checkpointPages = 50
      options.restartPages = 500
      options.readerCount = 2
    }
    let isOver = Monitor(false)
    let table = try store.table("t")
    // Reads without a pause, so that a snapshot is open nearly always.
    let readers = (0..<2).compactMap { _ in
      let store = store.store
      return WorkerThread {
        while !isOver.withLock({ $0 }) {
          let ended = Monitor(false)
          store.read(
            .database,
            { snapshot throws(DatasyncError) in
              try snapshot.scan(ScanRequest(table: table, limit: 20)).rows.count
            }
          ) { _ in
            ended.withLock { $0 = true }
            ended.signal()
          }
          ended.wait(timeout: .seconds(20), until: { $0 }, { _ in })
        }
      }
    }
    var longest = 0
    for _ in 0..<60 {
      try CheckpointTests.write(to: store, commits: 10, of: 40_000)
      longest = max(longest, CheckpointTests.walBytes(database))
    }
    isOver.withLock { $0 = true }
    for reader in readers { reader.join() }
    // 24 MB were written; the mark is at 2 MB.
    #expect(longest < 8 << 20, "the WAL had \(longest) bytes")
  }

  @Test func `a long read does not stop the writer, and the WAL shrinks after it`() throws {
    let database = try TestDatabase(CheckpointTests.schema)
    let store = try database.open { options in
      options.checkpointPages = 50
      options.restartPages = 200
    }
    try CheckpointTests.write(to: store, commits: 3, of: 100)
    let other = try Connection(path: database.path)
    try other.execute("BEGIN")
    #expect(try other.integer("SELECT count(*) FROM t") == 3)
    try CheckpointTests.write(to: store, commits: 100, of: 40_000)
    let held = CheckpointTests.walBytes(database)
    #expect(held > 4_000_000, "SQLite cannot begin it anew under a reader")
    #expect(try other.integer("SELECT count(*) FROM t") == 3)
    try other.execute("COMMIT")
    other.close()
    let deadline = MonotonicClock.now + .seconds(15)
    while CheckpointTests.walBytes(database) > 0, MonotonicClock.now < deadline { usleep(20_000) }
    #expect(CheckpointTests.walBytes(database) == 0)
    #expect(try Store.check(path: database.path).isSound)
  }

  @Test func `a read of ours that holds a WAL over its bound is ended with a reason`() throws {
    let database = try TestDatabase(CheckpointTests.schema)
    let store = try database.open { options in
      options.checkpointPages = 50
      options.maxWALPages = 200
    }
    try CheckpointTests.write(to: store, commits: 5, of: 100)
    let table = try store.table("t")
    let began = Monitor(false)
    let answer = Monitor<Swift.Result<Int, DatasyncError>?>(nil)
    store.store.read(
      .database,
      { snapshot throws(DatasyncError) in
        var count = 0
        // One snapshot, held for as long as it is allowed to.
        for round in 0..<2000 {
          count += try snapshot.scan(ScanRequest(table: table, limit: 100)).rows.count
          if round == 0 {
            began.withLock { $0 = true }
            began.signal()
          }
          usleep(5000)
        }
        return count
      }
    ) { result in
      answer.withLock { $0 = result }
      answer.signal()
    }
    began.wait(timeout: .seconds(20), until: { $0 }, { _ in })
    try CheckpointTests.write(to: store, commits: 100, of: 40_000)
    let ended = answer.wait(timeout: .seconds(30), until: { $0 != nil }) { $0 }
    let error = try failure { _ = try ended?.get() }
    #expect(error.code == .resourceExhausted && error.reason == "READ_TOO_LONG")
    #expect(error.retryAfter != nil)
    #expect(try store.scan(ScanRequest(table: table, limit: 1)).rows.count == 1)
  }
}
