import Foundation
import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// What another program does to the WAL's file while it is in use.
struct CutWALTests {
  private static let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)"

  enum Harm: String, CaseIterable {
    case emptied, halved, overwritten, removed, moved

    func happen(to path: String) throws {
      switch self {
      case .removed: return try FileManager.default.removeItem(atPath: path)
      case .moved: return try FileManager.default.moveItem(atPath: path, toPath: path + "-old")
      case .emptied, .halved, .overwritten: break
      }
      let file = try #require(FileHandle(forUpdatingAtPath: path))
      let end = try file.seekToEnd()
      switch self {
      case .emptied: try file.truncate(atOffset: 0)
      case .halved: try file.truncate(atOffset: end / 2)
      default:
        try file.seek(toOffset: 0)
        try file.write(contentsOf: Data(count: Int(end)))
      }
      try file.close()
    }
  }

  /// Writes until it is refused.
  ///
  /// - Returns: How many were answered, and the refusal.
  private func writeOn(
    _ store: TestStore, atMost limit: Int = 100
  ) throws -> (answered: Int, refusal: DatasyncError?) {
    for n in 0..<limit {
      do {
        try store.create("t", ["b": .bytes([1])])
      } catch let error as DatasyncError {
        return (n, error)
      }
    }
    return (limit, nil)
  }

  @Test(arguments: Harm.allCases)
  func `no write is answered once the log does not hold it`(harm: Harm) throws {
    let database = try TestDatabase(CutWALTests.schema)
    let store = try database.open()
    for _ in 0..<20 { try store.create("t", ["b": .bytes([0])]) }
    try harm.happen(to: database.path + "-wal")
    let (answered, refusal) = try writeOn(store)
    #expect(answered == 0)
    #expect(refusal?.reason == "DATABASE_REPLACED", "\(String(describing: refusal))")
    let read = try failure { _ = try store.scan(ScanRequest(table: store.table("t"), limit: 1)) }
    #expect(read.reason == "DATABASE_REPLACED")
  }

  @Test func `checkpoints of others are no harm`() throws {
    let database = try TestDatabase(CutWALTests.schema)
    let store = try database.open()
    let isOver = Monitor(false)
    let path = database.path
    let other = WorkerThread {
      guard let connection = try? Connection(path: path) else { return }
      while !isOver.withLock({ $0 }) {
        for mode in ["TRUNCATE", "RESTART", "PASSIVE"] {
          _ = try? connection.integer("PRAGMA wal_checkpoint(\(mode))")
          try? connection.execute("UPDATE t SET b = zeroblob(5000) WHERE id = 1")
        }
      }
      connection.close()
    }
    let (answered, refusal) = try writeOn(store, atMost: 500)
    isOver.withLock { $0 = true }
    other?.join()
    #expect(answered == 500, "\(String(describing: refusal))")
    #expect(try database.integer("SELECT count(*) FROM t") == 500)
  }
}
