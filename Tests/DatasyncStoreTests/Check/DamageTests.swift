import DatasyncStorage
import Foundation
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// What our own tables hold is read as something that anybody may have written.
@Suite struct DamageTests {
  /// Each is what no server writes.
  static let findable = [
    "UPDATE datasync_settings SET value = 3 WHERE name = 'history_id'",
    "UPDATE datasync_settings SET value = x'00' WHERE name = 'token_key'",
    "UPDATE datasync_state SET oldest = 9223372036854775807",
    "UPDATE datasync_state SET oldest = -1",
    "UPDATE datasync_state SET log_bytes = -9223372036854775808",
    "UPDATE datasync_state SET log_bytes = 'many'",
    "UPDATE datasync_state SET log_through = 9223372036854775807",
    "UPDATE datasync_state SET writing = 1",
    "DELETE FROM datasync_state",
    "UPDATE datasync_tables SET id = 9223372036854775807",
    "UPDATE datasync_tables SET id = -1",
    "UPDATE datasync_tables SET next_number = 9223372036854775807",
    "UPDATE datasync_tables SET next_number = 0",
    "UPDATE datasync_tables SET message = 'no name'",
    "UPDATE datasync_tables SET added_columns = 'title'",
    "UPDATE datasync_columns SET number = -5 WHERE name = 'title'",
    "UPDATE datasync_columns SET number = 9223372036854775807 WHERE name = 'title'",
    "UPDATE datasync_log SET sequence = 9223372036854775807 WHERE sequence = 3",
    "UPDATE datasync_log SET sequence = -9223372036854775807 WHERE sequence = 3",
    "UPDATE datasync_log SET operation = 9 WHERE sequence = 3",
    "UPDATE datasync_log SET table_id = -1 WHERE sequence = 3",
    "UPDATE datasync_log SET key = CAST(x'ff' AS TEXT) WHERE sequence = 3",
    "UPDATE datasync_log SET after = x'0aff' WHERE sequence = 3",
    "UPDATE datasync_log SET after = 'text' WHERE sequence = 3",
    "UPDATE datasync_log SET before = substr(before, 1, 3) WHERE before IS NOT NULL",
    "UPDATE datasync_log SET principal = CAST(x'c0' AS TEXT) WHERE sequence = 3",
    "UPDATE datasync_log SET origin = CAST(x'c0' AS TEXT) WHERE sequence = 3",
    "UPDATE datasync_mutations SET results = x'0a'",
    "UPDATE datasync_mutations SET results = x'ff'",
    "UPDATE datasync_mutations SET results = x'0a03' WHERE n = 2",
    "UPDATE datasync_mutations SET results = x'0a020a01'",
    "UPDATE datasync_mutations SET results = results || x'08'",
    "UPDATE datasync_mutations SET fingerprint = 'text'",
  ]

  /// What waits to be adopted of a table within.
  static let findableWithin = [
    "UPDATE datasync_foreign SET key = x'00'",
    "UPDATE datasync_foreign SET before = 'x=y'",
    "UPDATE datasync_foreign SET table_id = 77",
  ]

  @Test(
    arguments: findable.map { ($0, TestPlacement.withinTables) }
      + findableWithin.map { ($0, ["*"]) })
  func `damage in our own tables is found by the check, and ends no process`(
    _ sql: String, _ withinTables: Set<String>
  ) throws {
    let damaged = try DamagedDatabase(withinTables: withinTables)
    let whole = try damaged.copy()
    let soundness = try Store.check(path: whole.path)
    #expect(soundness.isSound, "\(soundness)")
    let copy = try damaged.copy(sql)
    let report = try DamagedDatabase.attempt { try Store.check(path: copy.path) }
    #expect(report?.isSound != true, "not found: \(sql)")
    try DamagedDatabase.exercise(copy)
  }

  @Test func `a repeated write whose answer is damaged is told so, and is not done again`() throws {
    let copy = try DamagedDatabase().copy(
      "UPDATE datasync_mutations SET results = x'' WHERE id = 'm2'")
    let store = try copy.open()
    let error = try failure {
      _ = try store.write(
        .create(store.draft("notes", ["id": .string("n2")])), mutation: DamagedDatabase.mutation(2))
    }
    #expect(error.code == .dataLoss)
    #expect(error.reason == "DATABASE_CORRUPT")
    #expect(try store.get("notes", "n2") == nil)
    // Others are answered.
    let replayed = try store.write(
      .create(store.draft("notes", ["id": .string("n1")])), mutation: DamagedDatabase.mutation(1))
    #expect(replayed.sequence == Sequence(2))
  }

  @Test func `a replay over a damaged entry of the log says so`() throws {
    let copy = try DamagedDatabase().copy(
      "UPDATE datasync_log SET after = x'0aff' WHERE sequence = 3")
    let store = try copy.open()
    let error = try failure { _ = try store.log() }
    #expect(error.code == .dataLoss)
    // What the entry is not in goes on.
    #expect(try store.get("notes", "n1")?["stars"] == .int64(5))
    #expect(try store.create("notes", ["title": .string("new")])["title"] == .string("new"))
  }

  // MARK: - At random

  private static let columns = [
    "settings": ["value"], "state": ["writing", "oldest", "log_bytes", "log_through"],
    "tables": [
      "id", "name", "message", "soft_delete", "attached", "next_number", "added_columns", "present",
    ],
    "columns": ["table_id", "number", "name", "present"],
    "log": [
      "sequence", "table_id", "operation", "key", "time", "origin", "principal", "before", "after",
    ],
    "mutations": ["n", "scope", "id", "fingerprint", "time", "results"],
    "foreign": ["n", "table_id", "key", "before"],
  ]

  /// SQL for a value that is like the one there, but for a byte, or nothing like it.
  private func value(_ column: String, _ generator: inout some RandomNumberGenerator) -> String {
    let position = Int.random(in: 1...24, using: &generator)
    let byte = String(UInt8.random(in: 128...255, using: &generator), radix: 16)
    let part = "CAST(\(column) AS BLOB)"
    let flipped =
      "substr(\(part), 1, \(position - 1)) || x'\(byte)' || substr(\(part), \(position + 1))"
    return [
      "CAST(\(flipped) AS TEXT)", "CAST(\(flipped) AS BLOB)", "substr(\(part), 1, \(position))",
      "-9223372036854775808", "9223372036854775807", "-1", "0", "1e300", "''", "x''", "'x'",
      "\(column) + 1", "\(column) - 1",
    ].randomElement(using: &generator) ?? "0"
  }

  @Test func `no damage to a value of our own tables ends the process`() throws {
    let damaged = try DamagedDatabase()
    var generator = SeededGenerator(seed: 20)
    for (table, columns) in DamageTests.columns.sorted(by: { $0.key < $1.key }) {
      for column in columns {
        for _ in 0..<4 {
          let row = Int.random(in: 0..<4, using: &generator)
          let key = table == "settings" ? "name" : table == "columns" ? "number" : "rowid"
          let sql = """
            UPDATE OR IGNORE datasync_\(table) SET \(column) = \(value(column, &generator)) \
            WHERE \(key) = (SELECT \(key) FROM datasync_\(table) LIMIT 1 OFFSET \(row))
            """
          let copy = try damaged.copy()
          // SQLite refuses what cannot be stored there.
          guard (try? copy.run("PRAGMA ignore_check_constraints = ON; \(sql)")) != nil else {
            continue
          }
          #expect(throws: Never.self, "\(sql)") { try DamagedDatabase.exercise(copy) }
        }
      }
    }
  }

  @Test func `no damage to a page of our own tables ends the process`() throws {
    let damaged = try DamagedDatabase()
    let copy = try damaged.copy()
    let pageSize = Int(try copy.integer("PRAGMA page_size") ?? 0)
    var generator = SeededGenerator(seed: 21)
    for table in DamageTests.columns.keys.sorted() {
      let root = try copy.integer(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'datasync_\(table)'")
      let page = (Int(root ?? 1) - 1) * pageSize
      for _ in 0..<10 {
        let copy = try damaged.copy()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: copy.path))
        // The header, or where the cells are.
        let range = Bool.random(using: &generator) ? 0..<40 : pageSize - 400..<pageSize
        let at = page + Int.random(in: range, using: &generator)
        let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
        bytes[at] ^= bit
        try bytes.write(to: URL(fileURLWithPath: copy.path))
        #expect(throws: Never.self, "byte \(at), bit \(bit)") {
          try DamagedDatabase.exercise(copy)
        }
      }
    }
  }
}
