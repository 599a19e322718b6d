import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// Another program drops what the store keeps in the database.
struct OwnTablesGoneTests {
  private static let schema =
    "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id TEXT PRIMARY KEY)"

  /// What requests get in the end: one that was under way may see the schema change.
  private func settled(_ body: () throws -> Void) throws -> DatasyncError {
    var last = try failure(body)
    for _ in 0..<50 where last.reason == "SCHEMA_CHANGED" {
      Recorder().state.wait(timeout: .milliseconds(20), until: { _ in false }) { _ in }
      last = try failure(body)
    }
    return last
  }

  @Test(
    arguments:
      OwnTables.names.filter {
        !OwnTables.neededBySome.contains($0) && $0 != "datasync_settings"
      })
  func `a table that all need is missed by name`(table: String) throws {
    let database = try TestDatabase(OwnTablesGoneTests.schema)
    let store = try database.open()
    try store.create("a", ["id": .int64(1)])
    try database.run("DROP TABLE \(table)")
    for attempt in 0..<3 {
      let write = try settled { try store.create("a", ["id": .int64(2)]) }
      #expect(write.reason == "OWN_TABLES_GONE" && write.message.contains(table), "\(write)")
      guard table != "datasync_tables", table != "datasync_columns", table != "datasync_mutations"
      else { continue }
      let read = try settled { _ = try store.get("a", "1") }
      #expect(
        read.reason == "OWN_TABLES_GONE" && read.message.contains(table), "\(read) \(attempt)")
    }
    #expect(store.recorder.state.withLock { $0.failures.count } == 1)
    store.store.close()
    let opening = try failure { _ = try database.open() }
    #expect(opening.reason == "OWN_TABLES_GONE", "\(opening)")
    let report = try Store.check(path: database.path)
    #expect(report.findings.contains { $0.message.contains(table) }, "\(report)")
    _ = try Store.detach(path: database.path)
    let anew = try database.open()
    #expect(try anew.get("a", "1") != nil)
  }

  @Test func `where only the tables beside are concerned the others go on`() throws {
    let database = try TestDatabase(OwnTablesGoneTests.schema)
    let store = try database.open { $0.withinTables = ["b"] }
    try store.create("a", ["id": .int64(1)])
    try store.create("b", ["id": .string("1")])
    let draft = try store.draft("a", ["id": .int64(2)])
    try database.run("DROP TABLE datasync_rows")
    #expect(store.recorder.wait { !$0.unserved.isEmpty })
    let told = store.recorder.state.withLock { $0.unserved }
    #expect(
      told.count == 1 && told.first?.first?.reason.contains("datasync_rows") == true, "\(told)")
    try store.create("b", ["id": .string("2")])
    #expect(try store.get("b", "1") != nil)
    try database.run("INSERT INTO b (id) VALUES ('3'); INSERT INTO a VALUES (7)")
    try store.create("b", ["id": .string("4")])
    let refused = try failure { _ = try store.write(.create(draft)) }
    #expect(refused.reason == "TABLE_NOT_FOUND" || refused.reason == "SCHEMA_CHANGED", "\(refused)")
    #expect(store.store.catalog.table(named: "a") == nil)
  }
}
