import DatasyncFilter
import DatasyncStorage
import Foundation

@testable import DatasyncModel
@testable import DatasyncStore

/// A database with something in each of our own tables, of which tests damage copies.
struct DamagedDatabase {
  let original: TestDatabase

  init(withinTables: Set<String> = TestPlacement.withinTables) throws {
    original = try TestDatabase(
      "CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT, stars INTEGER)")
    do {
      let store = try original.open {
        $0.synchronous = .normal
        $0.withinTables = withinTables
      }
      for number in 1...3 {
        _ = try store.write(
          .create(
            store.draft("notes", ["id": .string("n\(number)"), "title": .string("é\(number)")])),
          mutation: DamagedDatabase.mutation(number))
      }
      try store.update("notes", ["id": .string("n1"), "stars": .int64(5)])
      try store.delete("notes", "n2")
      store.store.close()
    }
    // Left to be adopted.
    try original.run("UPDATE notes SET title = 'foreign' WHERE id = 'n3'")
  }

  static func mutation(_ number: Int) -> Mutation {
    Mutation(scope: "s", id: "m\(number)", fingerprint: [UInt8(number)])
  }

  /// A copy of the original, damaged by SQL that SQLite takes for right.
  func copy(_ sql: String) throws -> TestDatabase {
    let copy = try copy()
    try copy.run("PRAGMA ignore_check_constraints = ON; \(sql)")
    return copy
  }

  func copy() throws -> TestDatabase {
    let copy = try TestDatabase()
    try original.run("PRAGMA wal_checkpoint(TRUNCATE)")
    try FileManager.default.removeItem(atPath: copy.path)
    try FileManager.default.copyItem(atPath: original.path, toPath: copy.path)
    return copy
  }

  /// Asks a database for everything that reads our own tables. What it answers may be an error, of the
  /// kind that a client is told.
  static func exercise(_ database: TestDatabase) throws {
    _ = try attempt { try Store.check(path: database.path).description }
    for _ in 0..<2 {
      let opened = try attempt { try database.open { $0.synchronous = .normal } }
      guard let opened else { continue }
      try exercise(opened)
      opened.store.close()
    }
  }

  private static func exercise(_ store: TestStore) throws {
    for number in 1...3 {
      _ = try attempt {
        try store.write(
          .create(store.draft("notes", ["id": .string("n\(number)")])), mutation: mutation(number))
      }
    }
    for key in ["n1", "n3"] {
      _ = try attempt { try store.get("notes", key) }
      _ = try attempt { try store.update("notes", ["id": .string(key), "stars": .int64(7)]) }
    }
    _ = try attempt { try store.create("notes", ["title": .string("new")]) }
    let notes = store.store.catalog.table(named: "notes")
    for sequence in 0..<UInt64(8) {
      _ = try attempt {
        try store.read { snapshot throws(DatasyncError) in
          _ = try snapshot.changes(
            after: Sequence(sequence), through: snapshot.sequence, maxBytes: 100)
          try snapshot.forEachLogEntry(after: Sequence(sequence), through: Sequence(.max)) {
            entry in
            entry.byteCount >= 0
          }
        }
      }
      guard let notes else { continue }
      _ = try attempt {
        try store.read { snapshot throws(DatasyncError) in
          var request = ScanRequest(table: notes, limit: 2)
          request.filter = try Filter(parsing: "stars gt 1 or title ne 'x'", table: notes)
          return try snapshot.scan(request, asOf: Sequence(sequence)).rows.count
        }
      }
    }
    _ = try attempt { try store.delete("notes", "n3") }
  }

  /// nil where it fails as it may.
  static func attempt<Result>(_ body: () throws -> Result) throws -> Result? {
    do {
      return try body()
    } catch is DatasyncError {
      return nil
    } catch let fault as TestFault where fault.description.hasPrefix("no table") {
      return nil
    }
  }
}
