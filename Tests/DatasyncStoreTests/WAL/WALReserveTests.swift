import Foundation
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// What is written of the WAL ahead of the commits.
struct WALReserveTests {
  private static let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)"

  private func length(_ database: TestDatabase) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: database.path + "-wal")
    return attributes[.size] as? Int ?? 0
  }

  /// Lengths of the WAL after each of some commits.
  private func lengths(
    _ database: TestDatabase, _ store: TestStore, commits: Int, of bytes: Int = 10
  ) throws -> [Int] {
    try (0..<commits).map { _ in
      try store.create("t", ["b": .bytes([UInt8](repeating: 7, count: bytes))])
      return try length(database)
    }
  }

  @Test func `most small commits leave the WAL as long as it was`() throws {
    let database = try TestDatabase(WALReserveTests.schema)
    let store = try database.open { $0.withinTables = ["*"] }
    let lengths = try lengths(database, store, commits: 400)
    let start = try #require(lengths.firstIndex { $0 > WALReserve.leastBytes + 65_536 })
    let grown = Set(lengths[start...]).count
    // 128 KiB at once, for commits of two or three pages.
    #expect(start < 100 && grown <= (lengths.count - start) / 10, "\(grown) after \(start)")
  }

  @Test func `after a crash the zeros count for nothing`() throws {
    let database = try TestDatabase(WALReserveTests.schema)
    let store = try database.open { $0.withinTables = ["*"] }
    _ = try lengths(database, store, commits: 150)
    // Others' commits come in between.
    for _ in 0..<20 {
      try database.run("INSERT INTO t (b) VALUES (x'00')")
      try store.create("t", [:])
    }
    let path = database.directory + "/crashed.db"
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: database.path + suffix, toPath: path + suffix)
    }
    let wal = try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))
    #expect(wal.suffix(32_768).allSatisfy { $0 == 0 })
    let connection = try Connection(path: path)
    #expect(try connection.integer("SELECT count(*) FROM t") == 190)
    #expect(try connection.text("PRAGMA integrity_check") == "ok")
  }

  @Test func `nothing is written ahead for few commits, for large ones, or where none is synced`()
    throws
  {
    for (commits, bytes, synchronous) in [
      (20, 10, StoreOptions.Synchronous.full), (40, 100_000, .full), (300, 10, .normal),
    ] {
      let database = try TestDatabase(WALReserveTests.schema)
      let store = try database.open {
        $0.synchronous = synchronous
        $0.withinTables = ["*"]
      }
      let lengths = try lengths(database, store, commits: commits, of: bytes)
      #expect(Set(lengths).count == commits, "\(commits) commits of \(bytes) bytes")
    }
  }
}
