import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// Rows written by other programs arrive as changes.
struct AdoptionTests {
  let database: TestDatabase
  let store: TestStore

  init() throws {
    database = try TestDatabase(
      """
      CREATE TABLE item (id TEXT PRIMARY KEY, n INTEGER, email TEXT UNIQUE, x REAL, b BLOB);
      CREATE TABLE number (id INTEGER PRIMARY KEY, n INTEGER);
      CREATE TABLE flat (id TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
      """)
    store = try database.open()
  }

  /// The changes of the next commit that others made.
  private func adopted(_ sql: String) throws -> [Change] {
    let before = store.recorder.commits.count
    try database.run(sql)
    guard store.recorder.wait({ $0.commits.count > before }) else {
      throw TestFault(description: "nothing was adopted")
    }
    let commits = store.recorder.commits[before...]
    #expect(commits.allSatisfy { $0.origin.isEmpty })
    return commits.flatMap(\.changes)
  }

  private func describe(_ changes: [Change]) -> [String] {
    changes.map { "\($0.operation) \($0.key)" }
  }

  @Test func `an insert gets its sequence, version, times and mark`() throws {
    let changes = try adopted("INSERT INTO item (id, n) VALUES ('a', 1)")
    let change = try #require(changes.first)
    #expect(describe(changes) == ["insert a"])
    #expect(change.before == nil)
    let row = try store.fields(try #require(change.after), "item")
    #expect(row.version == change.sequence.rawValue)
    #expect(row["created_at"] != nil && row["created_at"] == row["updated_at"])
    #expect(row["deleted"] == .bool(false))
    #expect(try store.get("item", "a") == row)
  }

  @Test func `what others write time after time is not one adoption`() throws {
    for key in ["a", "b", "c"] {
      _ = try adopted("INSERT INTO item (id, n) VALUES ('\(key)', 1)")
      // A write of ours finds nothing that is left.
      try store.update("number", ["id": .int64(1)], WriteCondition(allowMissing: true))
    }
    #expect(store.recorder.state.withLock { $0.adoptions } == [1, 1, 1])
  }

  @Test func `an update carries the row before, exactly`() throws {
    let row = try store.create(
      "item",
      [
        "id": .string("it's ü"), "n": .int64(.min), "email": .string("a,'b'=1"),
        "x": .double(0.1 + 0.2), "b": .bytes([0, 255, 39]),
      ])
    let changes = try adopted("UPDATE item SET n = 7")
    #expect(describe(changes) == ["update it's ü"])
    #expect(try store.fields(try #require(changes[0].before), "item") == row)
    let after = try store.fields(try #require(changes[0].after), "item")
    #expect(after["n"] == .int64(7))
    #expect(after["created_at"] == row["created_at"])
    #expect(after.version == row.version + 1)
  }

  @Test func `a delete carries the row that was`() throws {
    let row = try store.create("number", ["n": .int64(1)])
    let changes = try adopted("DELETE FROM number")
    #expect(describe(changes) == ["delete 1"])
    #expect(try store.fields(try #require(changes[0].before), "number") == row)
    #expect(changes[0].after == nil)
  }

  @Test(arguments: [false, true])
  func `INSERT OR REPLACE is an update of the row it replaces`(recursive: Bool) throws {
    let row = try store.create("item", ["id": .string("a"), "n": .int64(1)])
    let changes = try adopted(
      "PRAGMA recursive_triggers = \(recursive); INSERT OR REPLACE INTO item (id, n) VALUES ('a', 2)"
    )
    #expect(describe(changes) == ["update a"])
    #expect(try store.fields(try #require(changes[0].before), "item") == row)
    #expect(try store.fields(try #require(changes[0].after), "item")["n"] == .int64(2))
  }

  @Test func `rows that a REPLACE removes for a unique value are deletes`() throws {
    try store.create("item", ["id": .string("a"), "email": .string("x@y")])
    try store.create("item", ["id": .string("b"), "email": .string("z@y")])
    let replaced = try adopted("INSERT OR REPLACE INTO item (id, email) VALUES ('c', 'x@y')")
    #expect(describe(replaced) == ["delete a", "insert c"])
    let updated = try adopted("UPDATE OR REPLACE item SET email = 'z@y' WHERE id = 'c'")
    #expect(Set(describe(updated)) == ["delete b", "update c"])
  }

  @Test func `a changed key is a delete and an insert`() throws {
    try store.create("item", ["id": .string("a"), "n": .int64(1)])
    let changes = try adopted("UPDATE item SET id = 'b'")
    #expect(describe(changes) == ["delete a", "insert b"])
  }

  @Test func `upserts and statements over many rows are seen row by row`() throws {
    try store.create("item", ["id": .string("a"), "n": .int64(1)])
    let upsert = try adopted(
      "INSERT INTO item (id, n) VALUES ('a', 5), ('b', 6) ON CONFLICT (id) DO UPDATE SET n = 9")
    #expect(describe(upsert) == ["update a", "insert b"])
    #expect(try store.get("item", "a")?["n"] == .int64(9))
    let many = try adopted(
      """
      WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500)
      INSERT INTO number (n) SELECT i FROM c
      """)
    #expect(many.count == 500)
    #expect(Set(many.map(\.key)).count == 500)
    let deleted = try adopted("DELETE FROM number")
    #expect(deleted.count == 500)
  }

  @Test func `a table without rowids is no exception`() throws {
    #expect(describe(try adopted("INSERT INTO flat (id, n) VALUES ('a', 1)")) == ["insert a"])
    #expect(describe(try adopted("REPLACE INTO flat (id, n) VALUES ('a', 2)")) == ["update a"])
    #expect(describe(try adopted("DELETE FROM flat")) == ["delete a"])
  }

  @Test func `what comes to nothing is nothing`() throws {
    let head = store.store.head
    try database.run("BEGIN; INSERT INTO item (id) VALUES ('t'); DELETE FROM item; COMMIT")
    let changes = try adopted("INSERT INTO item (id) VALUES ('u')")
    #expect(describe(changes) == ["insert u"])
    #expect(store.store.head == Sequence(head.rawValue + 1))
    #expect(try database.integer("SELECT count(*) FROM datasync_foreign") == 0)
  }

  @Test func `what others wrote while nobody served is adopted on opening`() throws {
    let row = try store.create("item", ["id": .string("a"), "n": .int64(1)])
    let head = store.store.head
    store.store.close()
    try database.run(
      "UPDATE item SET n = 2; INSERT INTO item (id) VALUES ('b'); DELETE FROM item WHERE id = 'b'")
    let again = try database.open()
    #expect(again.store.historyID == store.store.historyID)
    #expect(again.store.head == head.next)
    let commit = try #require(try again.log().last)
    #expect(commit.origin.isEmpty)
    #expect(commit.changes.map(\.key) == ["a"])
    #expect(try commit.changes[0].before.map { try again.fields($0, "item") } == row)
  }

  @Test func `foreign changes come before the writes that follow them`() throws {
    try store.create("item", ["id": .string("a"), "n": .int64(1)])
    let before = store.recorder.commits.count
    try database.run("UPDATE item SET n = 2")
    let updated = try store.update("item", ["id": .string("a"), "n": .int64(3)])
    let commits = store.recorder.commits[before...]
    #expect(commits.map(\.origin) == ["", "tester"])
    let last = try #require(commits.last?.changes.first)
    #expect(try last.before.map { try store.fields($0, "item")["n"] } == .int64(2))
    #expect(try last.after.map { try store.fields($0, "item") } == updated)
  }

  @Test func `a lock held by another program only delays a write`() throws {
    let other = try Connection(path: database.path)
    try other.execute("BEGIN IMMEDIATE; INSERT INTO item (id) VALUES ('held')")
    let request = try store.send([.create(try store.draft("item", ["id": .string("mine")]))])
    #expect(
      !store.recorder.state.wait(timeout: .milliseconds(300), until: { $0.answers[request] != nil })
      {
        $0.answers[request] != nil
      })
    try other.execute("COMMIT")
    #expect(try store.results(request).count == 1)
    #expect(try store.log().suffix(2).map { $0.changes[0].key } == ["held", "mine"])
  }

  @Test(arguments: [11 as UInt64, 12, 13])
  func `random foreign and own writes leave log and rows in agreement`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for step in 0..<150 {
      let key = "k\(Int.random(in: 0..<8, using: &random))"
      switch Int.random(in: 0..<7, using: &random) {
      case 0: try database.run("INSERT OR REPLACE INTO item (id, n) VALUES ('\(key)', \(step))")
      case 1: try database.run("UPDATE item SET n = \(step) WHERE id = '\(key)'")
      case 2: try database.run("DELETE FROM item WHERE id = '\(key)'")
      case 3: try database.run("UPDATE OR REPLACE item SET id = '\(key)' WHERE n % 2 = 0")
      case 4:
        try database.run(
          "INSERT OR REPLACE INTO item (id, email) VALUES ('\(key)', 'e\(step % 3)')")
      case 5:
        _ = try? store.delete("item", key)
      default:
        try store.replace(
          "item", ["id": .string(key), "n": .int64(Int64(step))], WriteCondition(allowMissing: true)
        )
      }
    }
    // A last write of ours adopts what is left.
    try store.create("number", [:])
    var rows: [String: RowImage] = [:]
    var sequence = DatasyncModel.Sequence.zero
    for change in try store.log().flatMap(\.changes) {
      #expect(change.sequence == sequence.next, "seed \(seed)")
      sequence = change.sequence
      guard change.tableID == (try store.table("item").id), change.operation != .tableAttached
      else { continue }
      #expect(rows[change.key] == change.before, "seed \(seed), change \(change.sequence)")
      rows[change.key] = change.after
    }
    let page = try store.scan(ScanRequest(table: try store.table("item"), limit: 100))
    let stored = Dictionary(uniqueKeysWithValues: page.rows.map { ($0.key, $0.image) })
    #expect(stored == rows, "seed \(seed)")
    #expect(try Store.check(path: database.path).description.hasSuffix("sound"), "seed \(seed)")
  }

  @Test func `the capture is exact for any value`() throws {
    let values: [Value] = [
      .string("'; DROP TABLE item; --"), .string("2='x',3=4"), .string(""), .string("🦊\u{301}"),
    ]
    for (index, value) in values.enumerated() {
      let row = try store.create("item", ["id": .string("v\(index)"), "email": value])
      let changes = try adopted("UPDATE item SET n = 1 WHERE id = 'v\(index)'")
      #expect(try store.fields(try #require(changes[0].before), "item") == row)
    }
    for number in [Double.greatestFiniteMagnitude, .leastNonzeroMagnitude, 1.0 / 3, -2.5e-300] {
      let row = try store.replace(
        "item", ["id": .string("d"), "x": .double(number)], WriteCondition(allowMissing: true))
      let changes = try adopted("UPDATE item SET n = coalesce(n, 0) + 1 WHERE id = 'd'")
      #expect(try store.fields(try #require(changes[0].before), "item") == row)
    }
  }
}
