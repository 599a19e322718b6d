import CDatasyncSQLite
import Testing

@testable import DatasyncStore

/// The triggers of many tables, made at once.
struct TriggerBatchTests {
  @Test func `many triggers are made as CREATE TRIGGER makes them`() throws {
    let (one, other) = (try database(), try database())
    let wanted = TriggerBatchTests.triggers
    let connection = try Connection(path: one.path)
    let before = try connection.integer("PRAGMA schema_version")
    try connection.execute("BEGIN IMMEDIATE")
    try TriggerBatch(connection: connection).make(wanted)
    try connection.execute("COMMIT")
    try other.run(wanted.map { "\($0.trigger.sql);" }.joined())
    let rows = """
      SELECT group_concat(type || name || tbl_name || rootpage || sql, char(10)) FROM sqlite_schema
      """
    #expect(try one.text(rows) == other.text(rows))
    #expect(try one.text("PRAGMA integrity_check") == "ok")
    #expect(try connection.integer("PRAGMA schema_version") != before)
    #expect(throws: SQLiteFailure.self) {
      try connection.execute("DELETE FROM sqlite_schema")
    }
  }

  @Test func `a program that has the database open has them at once`() throws {
    let database = try database()
    let other = try Connection(path: database.path)
    try other.execute("INSERT INTO t0 VALUES (1)")
    let connection = try Connection(path: database.path)
    try connection.execute("BEGIN IMMEDIATE")
    try TriggerBatch(connection: connection).make(TriggerBatchTests.triggers)
    try connection.execute("INSERT INTO t1 VALUES (7); COMMIT")
    try other.execute("INSERT INTO t0 VALUES (2)")
    #expect(try other.text("SELECT group_concat(name) FROM notes") == "t1,t0")
  }

  @Test(arguments: [
    "CREATE TRIGGER \"r\" AFTER INSERT ON t1 BEGIN SELECT; END",
    "CREATE TRIGGER \"owners\" AFTER INSERT ON t1 BEGIN SELECT 1; END",
    "CREATE TRIGGER \"r\" AFTER INSERT ON missing BEGIN SELECT 1; END",
  ])
  func `one that cannot be made fails as it does alone, and leaves nothing`(sql: String) throws {
    let database = try database()
    try database.run("CREATE TRIGGER owners AFTER DELETE ON t1 BEGIN SELECT 1; END")
    let connection = try Connection(path: database.path)
    var wanted = TriggerBatchTests.triggers
    let name = sql.contains("owners") ? "owners" : "r"
    wanted.insert(("t1", RawTable.Trigger(name: name, sql: sql)), at: 10)
    try connection.execute("BEGIN IMMEDIATE")
    #expect(throws: SQLiteFailure.self) { try TriggerBatch(connection: connection).make(wanted) }
    try connection.execute("ROLLBACK")
    #expect(try connection.integer(TriggerBatchTests.number) == 1)
    try connection.execute("INSERT INTO t0 VALUES (1)")
    #expect(try database.text("PRAGMA integrity_check") == "ok")
    #expect(try database.integer("SELECT count(*) FROM notes") == 0)
  }

  @Test func `a transaction that is taken back takes them back`() throws {
    let database = try database()
    let connection = try Connection(path: database.path)
    try connection.execute("BEGIN IMMEDIATE")
    try TriggerBatch(connection: connection).make(TriggerBatchTests.triggers)
    try connection.execute("ROLLBACK; INSERT INTO t0 VALUES (1)")
    #expect(try connection.integer("SELECT count(*) FROM notes") == 0)
    #expect(try database.integer(TriggerBatchTests.number) == 0)
  }

  private static let number = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"
  private static let count = 2 * TriggerBatch.few

  private static let triggers: [TriggerBatch.Wanted] = (0..<count).map { number in
    let name = "datasync_\(number)_insert"
    let sql =
      "CREATE TRIGGER \"\(name)\" AFTER INSERT ON \"t\(number)\" "
      + "BEGIN INSERT INTO notes VALUES ('t\(number)'); END"
    return ("t\(number)", RawTable.Trigger(name: name, sql: sql))
  }

  private func database() throws -> TestDatabase {
    let tables = (0..<TriggerBatchTests.count).map {
      "CREATE TABLE t\($0) (id INTEGER PRIMARY KEY);"
    }
    return try TestDatabase("CREATE TABLE notes (name TEXT);" + tables.joined())
  }
}
