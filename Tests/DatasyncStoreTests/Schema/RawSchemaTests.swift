import CDatasyncSQLite
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// Reading the schema again after somebody has changed it.
struct RawSchemaTests {
  @Test func `SQLite is asked of the tables alone that are others than before`() throws {
    let database = try TestDatabase(RawSchemaTests.tables(200))
    let connection = try Connection(path: database.path)
    let first = try RawSchemaReader.read(connection, previous: nil)
    try database.run(
      "ALTER TABLE t7 ADD COLUMN more TEXT; CREATE TABLE late (id INTEGER PRIMARY KEY)")
    let count = StatementCount(connection)
    let second = try RawSchemaReader.read(connection, previous: first)
    #expect(second.changed == ["t7", "late"])
    #expect(count.value < 20)
    #expect(second.table("t7")?.column("more") != nil)
    #expect(second.tables.count == 201)
  }

  @Test func `a reading after changes is what a new one is`() throws {
    let database = try TestDatabase(RawSchemaTests.tables(10))
    let connection = try Connection(path: database.path)
    var last = try RawSchemaReader.read(connection, previous: nil)
    for change in RawSchemaTests.changes {
      try database.run(change)
      last = try RawSchemaReader.read(connection, previous: last)
      let new = try RawSchemaReader.tables(connection)
      #expect(last.tables.map(\.summary) == new.map(\.summary), "after \(change)")
      for table in new {
        let alone = try RawSchemaReader.table(connection, named: table.name)
        #expect(alone?.summary == table.summary, "\(table.name) after \(change)")
      }
    }
  }

  @Test func `what is served after a change of the schema is what a new start serves`() throws {
    let database = try TestDatabase(RawSchemaTests.tables(10))
    do {
      let store = try database.open { $0.attachDelay = .milliseconds(10) }
      for change in RawSchemaTests.changes {
        try database.run(change)
        try store.untilServed(try RawSchemaTests.names(database))
      }
      let served = store.store.catalog.tables.map { "\($0.id) \($0.name) \($0.columns)" }
      store.store.close()
      let again = try database.open().store.catalog.tables
      #expect(served == again.map { "\($0.id) \($0.name) \($0.columns)" })
    }
  }

  private static func tables(_ count: Int) -> String {
    (0..<count).map { number in
      let parent = number == 0 ? "" : ", p INTEGER REFERENCES t\(number - 1) ON DELETE CASCADE"
      return "CREATE TABLE t\(number) (id INTEGER PRIMARY KEY, name TEXT UNIQUE\(parent));"
    }.joined() + "CREATE VIEW v AS SELECT * FROM t1;"
  }

  private static let changes = [
    "CREATE TABLE late (id TEXT PRIMARY KEY, at DATETIME)",
    "ALTER TABLE t3 ADD COLUMN more TEXT DEFAULT 'x'",
    "CREATE UNIQUE INDEX t4_lower ON t4 (lower(name))",
    "ALTER TABLE t5 RENAME TO Other; CREATE TABLE t5 (id INTEGER PRIMARY KEY, other REAL)",
    "CREATE TRIGGER owners AFTER INSERT ON T6 BEGIN UPDATE t7 SET name = name; END",
    "DROP INDEX t4_lower; DROP TRIGGER owners",
    "PRAGMA foreign_keys = OFF; DROP TABLE t9",
    "CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT); DROP TABLE t2; ALTER TABLE new RENAME TO t2",
    "CREATE VIRTUAL TABLE f USING fts5(x); DROP VIEW v",
    "VACUUM",
    "DROP TABLE f; CREATE TABLE f_data (id INTEGER PRIMARY KEY)",
    "ALTER TABLE t8 RENAME COLUMN name TO title",
    "ALTER TABLE Other RENAME TO another; ALTER TABLE another RENAME TO OTHER",
  ]

  private static func names(_ database: TestDatabase) throws -> Set<String> {
    let connection = try Connection(path: database.path)
    return Set(try RawSchemaReader.tables(connection).map(\.name))
  }
}

extension RawTable {
  /// What SQLite says of it; what follows from its text alone is left out.
  fileprivate var summary: String {
    "\(name) \(sql) \(isWithoutRowID) \(isStrict) \(columns) \(uniqueKeys) \(hasKeyIndex) "
      + "\(foreignKeys) \(triggers) \(hasHiddenConflicts) \(replaceConflicts.conditions) \(keyCollation)"
  }
}

extension TestStore {
  /// Waits until these tables, and no others, are served.
  fileprivate func untilServed(_ names: Set<String>) throws {
    let isServed = recorder.wait { _ in Set(self.store.catalog.tables.map(\.name)) == names }
    guard isServed else {
      throw TestFault(description: "not served: \(store.unservedTables)")
    }
  }
}

/// How many statements SQLite has begun on a connection, those within its own functions, too.
private final class StatementCount {
  private let count = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  private let connection: Connection

  init(_ connection: Connection) {
    self.connection = connection
    count.initialize(to: 0)
    sqlite3_trace_v2(
      connection.handle, UInt32(SQLITE_TRACE_STMT),
      { _, context, _, _ in
        context?.assumingMemoryBound(to: Int.self).pointee += 1
        return 0
      }, count)
  }

  var value: Int { count.pointee }

  deinit {
    sqlite3_trace_v2(connection.handle, 0, nil, nil)
    count.deallocate()
  }
}
