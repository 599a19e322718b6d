import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// `datasync attach`, `detach`, `check` and `backup`, as the command line calls them.
struct AttachTests {
  static let schema = """
    CREATE TABLE a (id TEXT PRIMARY KEY, n INTEGER); INSERT INTO a VALUES ('x', 1), ('y', 2);
    CREATE TABLE b (id INTEGER PRIMARY KEY, created_at TIMESTAMP);
    INSERT INTO b VALUES (1, 1600000000000005), (2, NULL);
    CREATE TABLE bad (n INTEGER);
    """

  static func choices(
    _ tables: [String] = [], softDelete: [String: SoftDelete] = [:], within: Set<String> = []
  ) -> AttachChoices {
    var choices = AttachChoices()
    choices.tables = tables
    choices.softDelete = softDelete
    choices.within = within
    return choices
  }

  private func dump(_ database: TestDatabase) throws -> [String] {
    let connection = try Connection(path: database.path)
    var lines: [String] = []
    let schema = try connection.prepare("SELECT sql FROM sqlite_schema ORDER BY name")
    while try schema.step() { lines.append(schema.text(0)) }
    for query in [
      "SELECT id, n, NULL FROM a ORDER BY id", "SELECT id, created_at, NULL FROM b ORDER BY id",
    ] {
      let rows = try connection.prepare(query)
      while try rows.step() { lines.append("\(rows.rawValue(0)) \(rows.rawValue(1))") }
    }
    return lines
  }

  @Test func `a plan says what would be done, and does nothing`() throws {
    let database = try TestDatabase(AttachTests.schema)
    let before = try dump(database)
    let plan = try Store.attachPlan(
      path: database.path, choices: AttachTests.choices(softDelete: ["a": .ours], within: ["*"]))
    #expect(try dump(database) == before)
    #expect(plan.items.map(\.table) == ["a", "b"])
    #expect(plan.items[0].addedColumns.count == 4)
    #expect(plan.items[0].deletes == .mark(column: "deleted") && plan.items[1].deletes == .remove)
    #expect(plan.items[1].addedColumns.count == 3)
    #expect(plan.items[0].rowCount == 2)
    #expect(plan.skipped.map(\.table) == ["bad"])
    #expect(plan.description.contains("add column created_at TIMESTAMP"))
    #expect(plan.description.contains("no primary key"))
    let unknown = try failure {
      _ = try Store.attachPlan(path: database.path, choices: AttachTests.choices(["c"]))
    }
    #expect(unknown.reason == "TABLE_NOT_FOUND")
    #expect(try database.text("PRAGMA journal_mode") == "delete")
  }

  @Test func `attaching begins a table's history: one entry, one version for all rows`() throws {
    let database = try TestDatabase(AttachTests.schema)
    let plan = try Store.attach(
      path: database.path, choices: AttachTests.choices(["a"], softDelete: ["a": .ours]))
    #expect(plan.items.map(\.table) == ["a"])
    #expect(try Store.attachPlan(path: database.path).items.map(\.isAttached) == [true, false])
    let store = try database.open { $0.attachesTables = false }
    #expect(store.store.catalog.tables.map(\.name) == ["a"])
    #expect(try store.table("a").softDelete)
    #expect(store.store.unservedTables.map(\.name) == ["b", "bad"])
    let log = try store.log()
    #expect(log.count == 1)
    #expect(log[0].changes[0].operation == .tableAttached)
    #expect(log[0].changes[0].key.isEmpty)
    let rows = [try #require(try store.get("a", "x")), try #require(try store.get("a", "y"))]
    #expect(rows.allSatisfy { $0.version == log[0].last.rawValue })
    #expect(rows[0]["created_at"] == rows[1]["updated_at"])
    #expect(rows[0]["created_at"] == .timestamp(log[0].committedAt))
    // Asking for the past of before is asking too much.
    let request = ScanRequest(table: store.store.catalog.tables[0], limit: 1)
    let error = try failure {
      _ = try store.read { s throws(DatasyncError) in
        try s.scan(request, asOf: .zero)
      }
    }
    #expect(error.reason == "HISTORY_COMPACTED")
  }

  @Test func `a column named as a system field stays what it was, and the field gives way`() throws
  {
    let database = try TestDatabase(AttachTests.schema)
    let store = try database.open { $0.withinTables = [] }
    #expect(try store.get("b", "1")?["created_at"] == .timestamp(1_600_000_000_000_005))
    #expect(try store.get("b", "2")?["created_at"] == nil)
    let times = try (1...2).map { try store.get("b", "\($0)")?["datasync_created_at"] }
    #expect(times[0] != nil && times[0] == times[1])
    let row = try store.update(
      "b", ["id": .int64(2), "created_at": .timestamp(1_600_000_000_000_007)])
    #expect(row["created_at"] == .timestamp(1_600_000_000_000_007))
    #expect(try database.integer("SELECT created_at FROM b WHERE id = 2") == 1_600_000_000_000_007)
  }

  @Test func `within, times that the owner has are kept`() throws {
    let database = try TestDatabase(AttachTests.schema)
    let store = try database.open { $0.withinTables = ["*"] }
    #expect(try store.get("b", "1")?["created_at"] == .timestamp(1_600_000_000_000_005))
    #expect(
      try #require(try store.get("b", "2")?["created_at"]) != .timestamp(1_600_000_000_000_005))
  }

  @Test func `detaching takes everything of ours out again`() throws {
    let database = try TestDatabase(AttachTests.schema)
    let before = try dump(database)
    let store = try database.open { $0.softDeleteTables = ["a": .ours] }
    let kept = try store.create("a", ["id": .string("z"), "n": .int64(3)])
    try store.delete("a", kept.id)
    #expect(try failure { _ = try Store.detach(path: database.path) }.reason == "DATABASE_IN_USE")
    store.store.close()
    let plan = try Store.detachPlan(path: database.path)
    #expect(plan.items.first?.removedRows == 1)
    let done = try Store.detach(path: database.path)
    #expect(done.items.flatMap(\.remaining).isEmpty)
    var after = try dump(database)
    // The one value that attach filled in a column of the owner's stays.
    after.removeLast()
    #expect(after == before.dropLast())
    #expect(try database.text("PRAGMA journal_mode") == "delete")
    #expect(try Store.attachPlan(path: database.path).items.map(\.isAttached) == [false, false])
    _ = try database.open()
  }

  @Test func `a check finds what was tampered with beside a table`() throws {
    let database = try TestDatabase(AttachTests.schema)
    let store = try database.open { $0.withinTables = [] }
    for n in 0..<6 { try store.create("a", ["id": .string("r\(n)"), "n": .int64(Int64(n))]) }
    store.store.close()
    #expect(try Store.check(path: database.path).isSound)
    try database.run(
      """
      DROP TRIGGER datasync_1_update; DROP TRIGGER datasync_1_delete;
      UPDATE a SET n = 99 WHERE id = 'r0'; DELETE FROM a WHERE id = 'r1';
      UPDATE datasync_rows SET version = 1000 WHERE key = 'r2';
      DELETE FROM datasync_log WHERE key = 'r3'; DELETE FROM datasync_rows WHERE key = 'r4';
      UPDATE datasync_rows SET image = x'ff' WHERE key = 'r5';
      """)
    let report = try Store.check(path: database.path)
    #expect(Set(report.findings.map(\.id)).isSuperset(of: ["r0", "r1", "r2", "r3", "r4", "r5"]))
    #expect(report.findings.contains { $0.message.contains("datasync_1_update") })
    #expect(report.findings.contains { $0.message.contains("the log lacks") })
  }

  @Test func `a check finds what was tampered with`() throws {
    let database = try TestDatabase(AttachTests.schema)
    let store = try database.open { $0.withinTables = ["*"] }
    for n in 0..<5 { try store.create("a", ["id": .string("r\(n)"), "n": .int64(Int64(n))]) }
    store.store.close()
    #expect(try Store.check(path: database.path).isSound)
    try database.run(
      """
      UPDATE datasync_state SET writing = 1; UPDATE a SET n = 99 WHERE id = 'r0';
      DELETE FROM a WHERE id = 'r1'; UPDATE a SET version = 1000 WHERE id = 'r2';
      UPDATE datasync_state SET writing = 0; DELETE FROM datasync_log WHERE key = 'r3';
      DROP TRIGGER datasync_1_update;
      """)
    let report = try Store.check(path: database.path)
    #expect(Set(report.findings.map(\.id)).isSuperset(of: ["r0", "r1", "r2", "r3"]))
    #expect(report.findings.contains { $0.message.contains("datasync_1_update") })
    #expect(report.findings.contains { $0.message.contains("the log lacks") })
  }

  @Test func `a backup of a database in use is whole, and refuses to overwrite`() throws {
    let database = try TestDatabase("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)")
    let store = try database.open()
    let blob = Value.bytes([UInt8](repeating: 1, count: 20_000))
    for _ in 0..<300 { try store.create("t", ["b": blob]) }
    let head = store.store.head
    let path = database.directory + "/copy.db"
    var steps = 0
    let draft = try store.draft("t", ["b": blob])
    try store.store.backup(to: path) { done, total in
      steps += 1
      #expect(done <= total)
      // Written while the copy is made; not in it.
      _ = try? store.write(.create(draft))
    }
    #expect(steps > 1)
    let copy = try Connection(path: path)
    #expect(try ChangeLog.head(copy) == head)
    #expect(try copy.text("PRAGMA integrity_check") == "ok")
    #expect(try Store.check(path: path).isSound)
    #expect(try failure { try store.store.backup(to: path) }.code == .alreadyExists)
  }
}
