import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// Triggers of the owner and foreign keys that cascade change more rows than a write names.
struct SideEffectTests {
  let database: TestDatabase
  let store: TestStore

  init() throws {
    database = try TestDatabase(
      """
      CREATE TABLE parent (id TEXT PRIMARY KEY, name TEXT, touched INTEGER);
      CREATE TABLE child (id TEXT PRIMARY KEY,
        parent TEXT REFERENCES parent (id) ON DELETE CASCADE);
      CREATE TABLE strict_child (id TEXT PRIMARY KEY, parent TEXT REFERENCES parent (id));
      CREATE TABLE late (id TEXT PRIMARY KEY,
        other TEXT REFERENCES late (id) DEFERRABLE INITIALLY DEFERRED);
      CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT);
      CREATE TABLE total (id INTEGER PRIMARY KEY, n INTEGER, twice INTEGER AS (n * 2));
      CREATE TRIGGER touch AFTER UPDATE OF name ON parent
        BEGIN UPDATE parent SET touched = 1 WHERE id = NEW.id; END;
      CREATE TRIGGER audit_parent AFTER UPDATE OF name ON parent
        BEGIN INSERT INTO audit (what) VALUES (NEW.name); END;
      CREATE TRIGGER forbid BEFORE INSERT ON parent WHEN NEW.name = 'no'
        BEGIN SELECT RAISE(ABORT, 'this name is taken by the house'); END;
      CREATE TRIGGER bomb BEFORE INSERT ON parent WHEN NEW.name = 'bomb'
        BEGIN SELECT RAISE(ROLLBACK, 'boom'); END;
      CREATE TRIGGER mute BEFORE INSERT ON parent WHEN NEW.name = 'mute'
        BEGIN SELECT RAISE(IGNORE); END;
      """)
    store = try database.open()
  }

  @Test func `rows that a trigger writes are changes of the same commit`() throws {
    try store.create("parent", ["id": .string("p"), "name": .string("a")])
    let row = try store.update("parent", ["id": .string("p"), "name": .string("b")])
    #expect(row["touched"] == .int64(1))
    #expect(try store.get("parent", "p") == row)
    let commit = try #require(store.recorder.commits.last)
    #expect(commit.changes.map { "\($0.operation) \($0.key)" } == ["update p", "insert 1"])
    let audited = try #require(try store.get("audit", "1"))
    #expect(audited.version == commit.last.rawValue)
    #expect(audited["what"] == .string("b"))
    #expect(try Store.check(path: database.path).description.hasSuffix("sound"))
  }

  @Test func `rows that a key takes along are changes of the same commit`() throws {
    try store.create("parent", ["id": .string("p")])
    for n in 0..<3 {
      try store.create("child", ["id": .string("c\(n)"), "parent": .string("p")])
    }
    try store.delete("parent", "p")
    let commit = try #require(store.recorder.commits.last)
    #expect(
      Set(commit.changes.map { "\($0.operation) \($0.key)" })
        == ["delete p", "delete c0", "delete c1", "delete c2"])
    #expect(commit.changes[0].key == "p")
    #expect(try Store.check(path: database.path).description.hasSuffix("sound"))
  }

  @Test func `a foreign key that is broken names its column`() throws {
    let error = try failure {
      try store.create("strict_child", ["id": .string("c"), "parent": .string("none")])
    }
    #expect(error.code == .failedPrecondition)
    #expect(error.reason == "FOREIGN_KEY_VIOLATION")
    #expect(error.metadata["column"] == "parent")
    try store.create("parent", ["id": .string("p")])
    try store.create("strict_child", ["id": .string("c"), "parent": .string("p")])
    let still = try failure { try store.delete("parent", "p") }
    #expect(still.reason == "FOREIGN_KEY_VIOLATION")
    #expect(try store.get("parent", "p") != nil)
  }

  @Test func `a deferred key may be fulfilled within a commit, and fails it alone`() throws {
    let results = try store.commit([
      .create(store.draft("late", ["id": .string("a"), "other": .string("b")])),
      .create(store.draft("late", ["id": .string("b"), "other": .string("a")])),
    ])
    #expect(results.count == 2)
    let good = try store.send([.create(store.draft("late", ["id": .string("x")]))])
    let bad = try store.send([
      .create(store.draft("late", ["id": .string("c"), "other": .string("none")]))
    ])
    let alsoGood = try store.send([.create(store.draft("late", ["id": .string("y")]))])
    #expect(try store.results(good).count == 1)
    #expect(try store.results(alsoGood).count == 1)
    #expect(try failure { _ = try store.results(bad) }.reason == "FOREIGN_KEY_VIOLATION")
    #expect(try store.get("late", "c") == nil)
  }

  @Test func `a trigger that refuses fails its request alone, even by ROLLBACK`() throws {
    let names = ["a", "no", "b", "bomb", "c", "mute", "d"]
    let requests = try names.map { name in
      try store.send([
        .create(store.draft("parent", ["id": .string(name), "name": .string(name)]))
      ])
    }
    for (name, request) in zip(names, requests) {
      switch name {
      case "no", "bomb":
        let error = try failure { _ = try store.results(request) }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(name == "no" ? "taken by the house" : "boom"))
      case "mute":
        #expect(try failure { _ = try store.results(request) }.reason == "WRITE_REFUSED")
      default:
        #expect(try store.results(request).count == 1)
      }
    }
    let sequences = try store.log().flatMap(\.changes).map(\.sequence.rawValue)
    #expect(sequences == Array(1...UInt64(sequences.count)))
    #expect(try database.integer("SELECT count(*) FROM parent") == 4)
  }

  @Test func `a generated column is read, and never written`() throws {
    let row = try store.create("total", ["n": .int64(4), "twice": .int64(1)])
    #expect(row["twice"] == .int64(8))
    let updated = try store.update("total", ["id": .int64(1), "n": .int64(5)])
    #expect(updated["twice"] == .int64(10))
    #expect(try store.get("total", "1") == updated)
  }

  @Test func `foreign writes that fire the owner's triggers are all seen`() throws {
    try store.create("parent", ["id": .string("p"), "name": .string("a")])
    let before = store.recorder.commits.count
    try database.run("UPDATE parent SET name = 'z'")
    #expect(store.recorder.wait { $0.commits.count > before })
    let changes = store.recorder.commits[before...].flatMap(\.changes)
    #expect(Set(changes.map { "\($0.operation) \($0.key)" }) == ["update p", "insert 1"])
    // Stamping them fired nothing once more.
    #expect(try database.integer("SELECT count(*) FROM audit") == 1)
  }
}
