import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// What a column's DEFAULT gives is stored as SQLite itself would store it, whatever the column's form.
@Suite struct StoredDefaultTests {
  @Test func `a create and a replace without a value store the default as it is`() throws {
    let database = try TestDatabase(
      """
      CREATE TABLE t (id TEXT PRIMARY KEY, at DATETIME DEFAULT '2011-10-31 20:00:00.125', n INTEGER);
      INSERT INTO t VALUES ('a', '2012-01-01 00:00:00', 1), ('b', '2012-01-02 00:00:00', 1);
      """)
    let store = try database.open { $0.withinTables = [] }
    for row in [
      try store.create("t", ["id": .string("c")]), try store.replace("t", ["id": .string("a")]),
    ] {
      let stored = try database.text("SELECT at FROM t WHERE id = '\(row.id)'")
      #expect(stored == "2011-10-31 20:00:00.125")
      #expect(row["at"] == .timestamp(1_320_091_200_125_000))
      #expect(try store.get("t", row.id) == row)
    }
    store.store.close()
    #expect(try Store.check(path: database.path).isSound)
  }
}
