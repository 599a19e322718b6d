import DatasyncStorage
import Testing

@testable import DatasyncFilter
@testable import DatasyncModel
@testable import DatasyncStore

/// Tables found by introspection, their types and names, and what happens when they change.
struct SchemaTests {
  @Test func `declared types mean what the design says`() throws {
    let database = try TestDatabase(
      """
      CREATE TABLE t (id TEXT PRIMARY KEY, a BOOLEAN, b INTEGER, c REAL, d TEXT, e BLOB, f TIMESTAMP,
        g DATETIME, h DATE, i TIME, j DECIMAL, k DECIMAL TEXT, l UUID, m JSON, n JSON TEXT,
        o TEXT CHECK (o IN ('it''s', 'b')), p VARCHAR(20), q BIGINT, r int, s FLOAT, t CLOB, u bool,
        v NUMERIC(10,2), w, "x" TEXT, CHECK ("x" IS NULL OR "x" IN ('1', '2')));
      """)
    let store = try database.open()
    let table = try store.table("t")
    let types = Dictionary(uniqueKeysWithValues: table.columns.map { ($0.name, $0.type) })
    let expected: [String: ColumnType] = [
      "id": .string, "created_at": .timestamp, "updated_at": .timestamp, "version": .int64,
      "deleted": .bool, "a": .bool, "b": .int64, "c": .double, "d": .string, "e": .bytes,
      "f": .timestamp, "g": .timestamp, "h": .date, "i": .timeOfDay,
      "j": .decimal(asWritten: false), "k": .decimal(asWritten: true), "l": .uuid,
      "m": .json(asWritten: false), "n": .json(asWritten: true),
      "o": .enumeration(["it's", "b"]), "p": .string, "q": .int64, "r": .int64, "s": .double,
      "t": .string, "u": .bool, "v": .decimal(asWritten: false),
      "w": TestPlacement.isWithin ? .bytes : .string,
      "x": .enumeration(["1", "2"]),
    ]
    #expect(types == expected)
    #expect(table.columns.map(\.number) == Array(1...29))
    #expect(table.columns.prefix(5).map(\.name) == SystemColumn.names)
  }

  @Test func `comments in the schema become the table's and its columns'`() throws {
    let database = try TestDatabase(
      """
      CREATE TABLE todo ( -- What is to be done.
        id TEXT PRIMARY KEY, -- Made by the client.
        -- What to do.
        title TEXT, /* and when */ due DATE -- At the latest.
      );
      """)
    let table = try database.open().table("todo")
    #expect(table.comment == "What is to be done.")
    #expect(table.columnComments["id"] == "Made by the client.")
    #expect(table.columnComments["title"] == "What to do.")
    #expect(table.columnComments["due"] == "and when\nAt the latest.")
  }

  @Test func `message names are CamelCase, and do not meet`() throws {
    let database = try TestDatabase(
      """
      CREATE TABLE todo_items (id TEXT PRIMARY KEY); CREATE TABLE TodoItems (id TEXT PRIMARY KEY);
      CREATE TABLE todo_items_page (id TEXT PRIMARY KEY); CREATE TABLE "2 fast" (id TEXT PRIMARY KEY);
      CREATE TABLE "ü" (id TEXT PRIMARY KEY);
      """)
    let store = try database.open()
    let names = store.store.catalog.tables.map(\.messageName)
    #expect(Set(names).count == 5)
    #expect(names.contains("tables.TodoItems"))
    #expect(names.contains("tables.T2Fast"))
    let families = names.flatMap { ProtobufName.family(of: $0) }
    #expect(Set(families).count == families.count)
  }

  @Test func `tables that cannot be served are listed with the reason`() throws {
    let database = try TestDatabase(
      """
      CREATE TABLE none (a TEXT); CREATE TABLE two (a TEXT, b TEXT, PRIMARY KEY (a, b));
      CREATE TABLE realkey (id REAL PRIMARY KEY); CREATE TABLE fold (id TEXT COLLATE NOCASE PRIMARY KEY);
      CREATE TABLE odd (id TEXT PRIMARY KEY, "due date" TEXT);
      CREATE TABLE same (id TEXT PRIMARY KEY, foo_bar TEXT, fooBar TEXT);
      CREATE TABLE taken (id TEXT PRIMARY KEY, version TEXT);
      CREATE VIEW v AS SELECT * FROM none; CREATE VIRTUAL TABLE f USING fts5(x);
      CREATE TABLE good (id TEXT PRIMARY KEY);
      """)
    let store = try database.open { $0.withinTables = ["*"] }
    #expect(store.store.catalog.tables.map(\.name) == ["good", "odd", "same"])
    let reasons = Dictionary(
      uniqueKeysWithValues: store.store.unservedTables.map { ($0.name, $0.reason) })
    #expect(Set(reasons.keys) == ["none", "two", "realkey", "fold", "taken"])
    #expect(reasons["none"]?.contains("no primary key") == true)
    #expect(reasons["two"]?.contains("2 columns (a, b)") == true)
    #expect(try store.table("odd").columns.last?.name == "column_6")
    #expect(try store.table("odd").columns.last?.storedName == "due date")
    #expect(try store.table("same").columns.map(\.name).suffix(2) == ["foo_bar", "column_7"])
    #expect(reasons["taken"]?.contains("version") == true)
  }

  @Test func `names that look the same are told apart, and marks with accents are quoted`() throws {
    let (composed, apart) = ("caf\u{E9}", "cafe\u{301}")
    let (marks, quoted) = ("a\"\u{301}b'\u{301}", "\"a\"\"\u{301}b'\u{301}\"")
    let database = try TestDatabase(
      """
      CREATE TABLE "\(composed)" (id TEXT PRIMARY KEY); CREATE TABLE "\(apart)" (id TEXT PRIMARY KEY);
      CREATE TABLE twice (id TEXT PRIMARY KEY, "\(composed)" TEXT, "\(apart)" TEXT);
      CREATE TABLE \(quoted) (id TEXT PRIMARY KEY, \(quoted) TEXT);
      """)
    let store = try database.open()
    let tables = store.store.catalog.tables
    #expect(tables.map(\.name.unicodeScalars.count) == [marks.unicodeScalars.count, 5])
    let reasons = store.store.unservedTables.map(\.reason)
    #expect(reasons.count == 2 && reasons.allSatisfy { $0.contains("composed otherwise") })
    let row = try store.create(marks, ["column_6": .string("kept")])
    #expect(row["column_6"] == .string("kept"))
  }

  @Test func `a table that cannot be altered keeps nobody else from being served`() throws {
    let columns = (0..<1998).map { "c\($0)" }.joined(separator: ", ")
    let database = try TestDatabase(
      "CREATE TABLE wide (id TEXT PRIMARY KEY, \(columns)); CREATE TABLE good (id TEXT PRIMARY KEY)"
    )
    let store = try database.open { $0.withinTables = ["*"] }
    #expect(store.store.catalog.tables.map(\.name) == ["good"])
    #expect(store.store.unservedTables.first?.reason.contains("cannot be added") == true)
    #expect(try database.integer("SELECT count(*) FROM pragma_table_info('wide')") == 1999)
    try store.create("good", [:])
  }

  @Test func `a table of many columns is captured whole`() throws {
    let columns = (0..<400).map { "c\($0) TEXT" }.joined(separator: ", ")
    let database = try TestDatabase("CREATE TABLE wide (id TEXT PRIMARY KEY, \(columns))")
    let store = try database.open()
    let row = try store.create(
      "wide", ["id": .string("a"), "c0": .string("first"), "c399": .string("last")])
    try database.run("UPDATE wide SET c7 = 'x'")
    #expect(
      store.recorder.wait {
        $0.commits.last?.origin == "" && $0.commits.last?.changes.first?.key == "a"
      })
    let change = try #require(store.recorder.commits.last?.changes.first)
    #expect(try change.before.map { try store.fields($0, "wide") } == row)
  }

  @Test func `STRICT tables and tables without rowids are served`() throws {
    let database = try TestDatabase(
      """
      CREATE TABLE a (id INTEGER PRIMARY KEY, n INT, t TEXT) STRICT;
      CREATE TABLE b (id INTEGER PRIMARY KEY, n INT) WITHOUT ROWID;
      CREATE TABLE c (id INT PRIMARY KEY, n INT);
      """)
    let store = try database.open()
    for name in ["a", "b", "c"] {
      #expect(try store.create(name, ["n": .int64(1)])["id"] == .int64(1))
      #expect(try store.create(name, ["n": .int64(1)])["id"] == .int64(2))
      #expect(try store.update(name, ["id": .int64(2), "n": .int64(5)])["n"] == .int64(5))
      #expect(try store.get(name, "2")?["n"] == .int64(5))
    }
  }

  @Test func `columns added, renamed and dropped by others keep their numbers`() throws {
    let database = try TestDatabase("CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT, b TEXT)")
    let store = try database.open()
    let old = try store.table("t")
    try store.create("t", ["id": .string("x"), "a": .string("1"), "b": .string("2")])
    try database.run(
      """
      ALTER TABLE t ADD COLUMN c TEXT; ALTER TABLE t RENAME COLUMN a TO aa;
      UPDATE t SET c = '3'; ALTER TABLE t DROP COLUMN b;
      """)
    #expect(
      store.recorder.wait {
        let table = $0.catalogs.last?.table(named: "t")
        return table?.index(ofColumn: "c") != nil && table?.index(ofColumn: "b") == nil
      })
    let new = try store.table("t")
    #expect(new.id == old.id)
    #expect(new.generation > old.generation)
    func number(_ table: Table, _ name: String) -> Int? {
      table.index(ofColumn: name).map { table.columns[$0].number }
    }
    #expect(number(new, "aa") == number(old, "a"))
    #expect(number(new, "b") == nil)
    #expect(number(new, "c") == 8)
    // Those who know the old table go on.
    var draft = RowDraft(table: old, values: .init(repeating: nil, count: old.columns.count))
    draft.values[0] = .string("y")
    draft.values[5] = .string("old a")
    draft.values[6] = .string("old b")
    let created = try store.fields(store.write(.create(draft)), "t")
    #expect(created["aa"] == .string("old a"))
    let row = try store.read { s throws(DatasyncError) in try s.row("y", in: old) }
    #expect(row.map { RowDecoder.values(of: $0.row.image, table: old)[5] } == .string("old a"))
    var request = ScanRequest(table: old, limit: 10)
    request.filter = try Filter(parsing: "a ne '1' or b eq null", table: old)
    #expect(try store.scan(request).rows.count == 2)
    // A new column of the dropped one's name is another column.
    try database.run("ALTER TABLE t ADD COLUMN b TEXT")
    #expect(
      store.recorder.wait { $0.catalogs.last?.table(named: "t")?.index(ofColumn: "b") != nil })
    #expect(number(try store.table("t"), "b") == 9)
    #expect(try Store.check(path: database.path).description.hasSuffix("sound"))
  }

  @Test func `a renamed table keeps its id, a new one is attached, a dropped one goes`() throws {
    let database = try TestDatabase("CREATE TABLE t (id TEXT PRIMARY KEY)")
    let store = try database.open { $0.attachDelay = .milliseconds(50) }
    let id = try store.table("t").id
    try database.run("ALTER TABLE t RENAME TO u; CREATE TABLE v (id TEXT PRIMARY KEY)")
    #expect(store.recorder.wait { $0.catalogs.last?.tables.count == 2 })
    #expect(try store.table("u").id == id)
    #expect(try store.table("v").id != id)
    #expect(store.recorder.wait { $0.commits.last?.changes.first?.operation == .tableAttached })
    let gone = try store.draft("u", ["id": .string("x")])
    try database.run("DROP TABLE u")
    #expect(store.recorder.wait { $0.catalogs.last?.tables.count == 1 })
    #expect(try failure { _ = try store.write(.create(gone)) }.reason == "TABLE_NOT_FOUND")
  }

  @Test func `whoever takes a known name takes its identity`() throws {
    let database = try TestDatabase("CREATE TABLE t (id TEXT PRIMARY KEY)")
    let store = try database.open { $0.attachDelay = .milliseconds(50) }
    let id = try store.table("t").id
    try database.run("ALTER TABLE t RENAME TO old_t")
    #expect(store.recorder.wait { $0.catalogs.last?.table(named: "old_t") != nil })
    #expect(try store.table("old_t").id == id)
    try database.run("CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER)")
    #expect(store.recorder.wait { $0.catalogs.last?.table(named: "t") != nil })
    #expect(try store.table("t").id == id)
    #expect(store.recorder.wait { $0.catalogs.last?.table(named: "old_t") != nil })
    #expect(try store.table("old_t").id != id)
    #expect(try store.table("t").messageName == "tables.T")
  }

  @Test func `a table rebuilt without our triggers begins a new history`() throws {
    let database = try TestDatabase("CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT)")
    let store = try database.open {
      $0.withinTables = ["*"]
      $0.attachDelay = .milliseconds(50)
    }
    let old = try store.table("t")
    try store.create("t", ["id": .string("x"), "a": .string("1")])
    try database.run(
      """
      BEGIN; CREATE TABLE new_t (id TEXT PRIMARY KEY, a TEXT NOT NULL, created_at TIMESTAMP,
        updated_at TIMESTAMP, version INTEGER, deleted BOOLEAN);
      INSERT INTO new_t (id, a, created_at, updated_at, version, deleted)
        SELECT id, a, created_at, updated_at, version, deleted FROM t;
      DROP TABLE t; ALTER TABLE new_t RENAME TO t; COMMIT
      """)
    #expect(
      store.recorder.wait { $0.catalogs.last?.table(named: "t")?.columns[5].isNullable == false })
    #expect(try store.table("t").id == old.id)
    #expect(store.recorder.wait { $0.commits.last?.changes.map(\.operation) == [.tableAttached] })
    #expect(try store.get("t", "x")?.version == store.store.head.rawValue)
    #expect(try Store.check(path: database.path).description.hasSuffix("sound"))
  }

  @Test func `two openings of an unchanged database see the same catalog`() throws {
    let database = try TestDatabase(WriteTests.schema)
    let first = try database.open()
    let tables = first.store.catalog.tables
    let head = first.store.head
    first.store.close()
    let second = try database.open()
    #expect(second.store.head == head)
    for (a, b) in zip(tables, second.store.catalog.tables) {
      #expect(a.id == b.id && a.columns == b.columns && a.messageName == b.messageName)
    }
  }
}
