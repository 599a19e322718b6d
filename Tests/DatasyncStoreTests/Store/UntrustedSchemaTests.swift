import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// A database that somebody else has made gets no more out of us than out of any other program.
@Suite struct UntrustedSchemaTests {
  @Test func `connections forbid to write SQLite's own tables`() throws {
    let database = try TestDatabase("CREATE TABLE t (id TEXT PRIMARY KEY)")
    let connection = try Connection(path: database.path)
    try connection.execute("PRAGMA writable_schema = ON")
    #expect(throws: SQLiteFailure.self) {
      try connection.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE t (id)'")
    }
  }

  @Test func `a view of the owner cannot call our functions`() throws {
    let database = try TestDatabase(
      "CREATE TABLE t (id TEXT PRIMARY KEY); CREATE VIEW v AS SELECT datasync_noted('1=1', 1) AS x")
    let connection = try Connection(path: database.path)
    try PackedRow.register(on: connection)
    #expect(try connection.integer("SELECT datasync_noted('1=7', 1)") == 7)
    #expect(throws: SQLiteFailure.self) { try connection.integer("SELECT x FROM v") }
  }

  @Test func `a schema that calls JSON functions is read and written`() throws {
    let database = try TestDatabase(
      """
      CREATE TABLE t (id TEXT PRIMARY KEY, data JSON TEXT CHECK (json_valid(data)),
        kind TEXT AS (json_extract(data, '$.kind')));
      """)
    let store = try database.open()
    let row = try store.create("t", ["id": .string("a"), "data": .string("{\"kind\":\"k\"}")])
    #expect(row["kind"] == .string("k"))
  }

  @Test func `the owner's full-text index and triggers go on as before`() throws {
    let database = try TestDatabase(
      """
      CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT);
      CREATE VIRTUAL TABLE found USING fts5(id, body);
      CREATE TRIGGER note_found AFTER INSERT ON notes BEGIN
        INSERT INTO found (id, body) VALUES (NEW.id, upper(NEW.body));
      END;
      """)
    let store = try database.open()
    try store.create("notes", ["id": .string("a"), "body": .string("word")])
    #expect(try database.text("SELECT body FROM found WHERE found MATCH 'word'") == "WORD")
  }
}
