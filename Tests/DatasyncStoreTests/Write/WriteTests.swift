import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// What each write means.
struct WriteTests {
  let database: TestDatabase
  let store: TestStore

  static let schema = """
    CREATE TABLE todo (
      id TEXT PRIMARY KEY, title TEXT NOT NULL, done BOOLEAN NOT NULL DEFAULT 0, rank INTEGER,
      email TEXT UNIQUE, state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'shut')),
      stamp TEXT DEFAULT (lower('ABC')));
    CREATE TABLE soft (id TEXT PRIMARY KEY, title TEXT);
    CREATE TABLE number (id INTEGER PRIMARY KEY, title TEXT);
    """

  init() throws {
    database = try TestDatabase(WriteTests.schema)
    store = try database.open { $0.softDeleteTables = ["soft": .ours] }
  }

  @Test func `a created row has its defaults, its times and its version`() throws {
    let row = try store.create("todo", ["title": .string("Milk")])
    #expect(row["title"] == .string("Milk"))
    #expect(row["done"] == .bool(false))
    #expect(row["state"] == .string("open"))
    #expect(row["stamp"] == .string("abc"))
    #expect(row["deleted"] == .bool(false))
    #expect(row["created_at"] == row["updated_at"])
    #expect(row["created_at"] != nil)
    #expect(row["rank"] == nil)
    #expect(row.id.count == 36)
    #expect(row.version == store.store.head.rawValue)
    #expect(try store.get("todo", row.id) == row)
  }

  @Test func `keys made by the server ascend and are UUIDs of version 7`() throws {
    var keys: [String] = []
    for number in 0..<50 {
      keys.append(try store.create("todo", ["title": .string("\(number)")]).id)
    }
    #expect(keys == keys.sorted())
    #expect(keys.allSatisfy { Array($0)[14] == "7" && $0 == $0.lowercased() })
    #expect(Set(keys).count == 50)
  }

  @Test func `an integer key is SQLite's next where none is given`() throws {
    #expect(try store.create("number", [:])["id"] == .int64(1))
    #expect(try store.create("number", ["id": .int64(41)])["id"] == .int64(41))
    #expect(try store.create("number", ["title": .string("x")])["id"] == .int64(42))
    #expect(try store.get("number", "42")?["title"] == .string("x"))
  }

  @Test(arguments: ["a\nb", String(repeating: "x", count: 256), "\u{85}"])
  func `a key with control characters or of more than 255 bytes is refused`(key: String) throws {
    let error = try failure {
      try store.create("todo", ["id": .string(key), "title": .string("x")])
    }
    #expect(error.code == .invalidArgument)
    #expect(error.reason == "BAD_KEY")
    #expect(error.metadata["column"] == "id")
  }

  @Test func `a key of 255 bytes is fine`() throws {
    let key = String(repeating: "é", count: 127) + "x"
    #expect(try store.create("todo", ["id": .string(key), "title": .string("x")]).id == key)
  }

  @Test func `a taken key is ALREADY_EXISTS with the stored row, also when deleted`() throws {
    try store.create("soft", ["id": .string("a"), "title": .string("first")])
    try store.delete("soft", "a")
    let error = try failure { try store.create("soft", ["id": .string("a")]) }
    #expect(error.code == .alreadyExists)
    #expect(error.reason == "ROW_EXISTS")
    #expect(error.row?.key == "a")
    #expect(error.row?.isDeleted == true)
    #expect(error.metadata == ["table": "soft", "id": "a", "column": "id"])
  }

  @Test func `a taken unique value carries the row that has it`() throws {
    let first = try store.create("todo", ["title": .string("a"), "email": .string("a@b")])
    let error = try failure {
      try store.create("todo", ["title": .string("b"), "email": .string("a@b")])
    }
    #expect(error.code == .alreadyExists)
    #expect(error.row?.key == first.id)
    #expect(error.metadata["column"] == "email")
  }

  @Test func `NOT NULL and CHECK name their column`() throws {
    let missing = try failure { try store.create("todo", [:]) }
    #expect(missing.code == .invalidArgument)
    #expect(missing.reason == "CONSTRAINT_VIOLATION")
    #expect(missing.metadata["column"] == "title")
    #expect(missing.violations.first?.field == "title")
    let wrong = try failure {
      try store.create("todo", ["title": .string("x"), "state": .string("ajar")])
    }
    #expect(wrong.reason == "CONSTRAINT_VIOLATION")
    #expect(wrong.metadata["column"] == "state")
  }

  @Test func `a replace writes every column`() throws {
    let row = try store.create(
      "todo", ["title": .string("a"), "rank": .int64(3), "done": .bool(true)])
    let replaced = try store.replace("todo", ["id": .string(row.id), "title": .string("b")])
    #expect(replaced["rank"] == nil)
    #expect(replaced["done"] == .bool(false))
    #expect(replaced["stamp"] == .string("abc"))
    #expect(replaced["created_at"] == row["created_at"])
    #expect(replaced.version == row.version + 1)
    #expect(try store.get("todo", row.id) == replaced)
  }

  @Test func `an update writes what is named, and NULL where it is absent`() throws {
    let row = try store.create("todo", ["title": .string("a"), "rank": .int64(3)])
    let first = try store.update("todo", ["id": .string(row.id), "title": .string("b")])
    #expect(first["title"] == .string("b"))
    #expect(first["rank"] == .int64(3))
    let second = try store.update(
      "todo", ["id": .string(row.id), "title": .string("c")], mask: ["rank"])
    #expect(second["title"] == .string("b"))
    #expect(second["rank"] == nil)
    #expect(try store.get("todo", row.id) == second)
  }

  @Test func `a write that changes nothing is no change`() throws {
    let row = try store.create("todo", ["title": .string("a"), "rank": .int64(3)])
    let head = store.store.head
    let same = try store.update("todo", ["id": .string(row.id), "rank": .int64(3)])
    let replaced = try store.replace(
      "todo", ["id": .string(row.id), "title": .string("a"), "rank": .int64(3)])
    #expect(same == row)
    #expect(replaced == row)
    #expect(store.store.head == head)
    #expect(try store.log().last?.last == head)
  }

  @Test func `absent rows are ROW_NOT_FOUND, or made where they may be missing`() throws {
    for error in try [
      failure { try store.update("todo", ["id": .string("x"), "title": .string("a")]) },
      failure { try store.replace("todo", ["id": .string("x"), "title": .string("a")]) },
      failure { try store.delete("todo", "x") },
      failure {
        try store.replace(
          "todo", ["id": .string("x"), "title": .string("a")],
          WriteCondition(ifVersion: Sequence(3)))
      },
    ] {
      #expect(error.code == .notFound)
      #expect(error.reason == "ROW_NOT_FOUND")
      #expect(error.metadata == ["table": "todo", "id": "x"])
    }
    let made = try store.update(
      "todo", ["id": .string("x"), "title": .string("a")],
      WriteCondition(allowMissing: true))
    #expect(made["done"] == .bool(false))
    let both = try failure {
      try store.update(
        "todo", ["id": .string("x"), "title": .string("b")],
        WriteCondition(ifVersion: Sequence(1), allowMissing: true))
    }
    #expect(both.code == .invalidArgument)
  }

  @Test func `a version that differs is VERSION_MISMATCH with the stored row`() throws {
    let row = try store.create("todo", ["title": .string("a")])
    let newer = try store.update("todo", ["id": .string(row.id), "title": .string("b")])
    let condition = WriteCondition(ifVersion: Sequence(row.version))
    for error in try [
      failure { try store.update("todo", ["id": .string(row.id), "rank": .int64(1)], condition) },
      failure { try store.delete("todo", row.id, ifVersion: row.version) },
    ] {
      #expect(error.code == .failedPrecondition)
      #expect(error.reason == "VERSION_MISMATCH")
      #expect(error.row?.version == Sequence(newer.version))
      #expect(error.metadata["if_version"] == String(row.version))
      #expect(error.metadata["version"] == String(newer.version))
    }
    try store.delete("todo", row.id, ifVersion: newer.version)
    #expect(try store.get("todo", row.id) == nil)
  }

  @Test func `a hard delete answers with the last image and logs it`() throws {
    let row = try store.create("todo", ["title": .string("a")])
    #expect(try store.delete("todo", row.id) == row)
    let change = try #require(try store.log().last?.changes.first)
    #expect(change.operation == .delete)
    #expect(change.after == nil)
    #expect(try change.before.map { try store.fields($0, "todo") } == row)
  }

  @Test func `a soft delete marks the row, and include_deleted brings it back`() throws {
    let row = try store.create("soft", ["title": .string("a")])
    let deleted = try store.delete("soft", row.id)
    #expect(deleted["deleted"] == .bool(true))
    #expect(deleted.version == row.version + 1)
    let again = try failure { try store.delete("soft", row.id) }
    #expect(again.reason == "ROW_DELETED")
    let hidden = try failure {
      try store.update("soft", ["id": .string(row.id), "title": .string("b")])
    }
    #expect(hidden.code == .notFound)
    #expect(hidden.reason == "ROW_DELETED")
    let back = try store.update(
      "soft", ["id": .string(row.id), "deleted": .bool(false)],
      WriteCondition(includeDeleted: true))
    #expect(back["deleted"] == .bool(false))
    #expect(back["title"] == .string("a"))
    // A replace with include_deleted writes the mark, absent too.
    try store.delete("soft", row.id)
    let replaced = try store.replace(
      "soft", ["id": .string(row.id), "title": .string("c")],
      WriteCondition(includeDeleted: true))
    #expect(replaced["deleted"] == .bool(false))
  }

  @Test func `deleted is ignored without include_deleted`() throws {
    let row = try store.create("todo", ["title": .string("a"), "deleted": .bool(true)])
    #expect(row["deleted"] == .bool(false))
    let same = try store.update("todo", ["id": .string(row.id), "deleted": .bool(true)])
    #expect(same == row)
  }

  @Test func `a commit is all or nothing, and its error has the write's index`() throws {
    let results = try store.commit([
      .create(store.draft("todo", ["id": .string("a"), "title": .string("1")])),
      .update(
        store.draft("todo", ["id": .string("a"), "title": .string("2")]), columns: [5],
        WriteCondition()),
      .create(store.draft("number", ["title": .string("n")])),
    ])
    #expect(
      results.map(\.sequence.rawValue) == [
        results[0].sequence.rawValue, results[0].sequence.rawValue + 1,
        results[0].sequence.rawValue + 2,
      ])
    let logged = try #require(try store.log().last)
    #expect(logged.changes.count == 3)
    #expect(logged.origin == "tester")
    let head = store.store.head
    let error = try failure {
      _ = try store.commit([
        .create(store.draft("todo", ["id": .string("b"), "title": .string("1")])),
        .delete(store.table("todo"), key: "none", ifVersion: .zero),
      ])
    }
    #expect(error.metadata["write_index"] == "1")
    #expect(error.reason == "ROW_NOT_FOUND")
    #expect(try store.get("todo", "b") == nil)
    #expect(store.store.head == head)
    #expect(try store.commit([]).isEmpty)
    #expect(store.store.head == head)
  }

  @Test func `a request that fails takes nobody along`() throws {
    var good: [UInt64] = []
    var bad: [UInt64] = []
    for number in 0..<200 {
      let draft = try store.draft(
        "todo",
        number % 3 == 0 ? ["rank": .int64(1)] : ["title": .string("\(number)")])
      let request = try store.send([.create(draft), .create(draft)], isCommit: true)
      if number % 3 == 0 { bad.append(request) } else { good.append(request) }
    }
    for request in good { #expect(try store.results(request).count == 2) }
    for request in bad {
      #expect(try failure { _ = try store.results(request) }.reason == "CONSTRAINT_VIOLATION")
    }
    let sequences = try store.log().flatMap(\.changes).map(\.sequence.rawValue)
    #expect(sequences == Array(1...UInt64(sequences.count)))
    #expect(sequences.count == 3 + good.count * 2)
  }

  @Test func `a mutation happens once`() throws {
    let mutation = Mutation(scope: "p/c", id: "m1", fingerprint: [1])
    let draft = try store.draft("todo", ["title": .string("once")])
    let first = try store.write(.create(draft), mutation: mutation)
    let request = try store.send([.create(draft)], mutation: mutation)
    guard case .success(let results, let replayed) = try store.recorder.outcome(request) else {
      Issue.record("the repeat failed")
      return
    }
    #expect(replayed)
    #expect(results[0].image == first.image)
    #expect(results[0].sequence == first.sequence)
    let reused = try failure {
      _ = try store.write(
        .create(draft), mutation: Mutation(scope: "p/c", id: "m1", fingerprint: [2]))
    }
    #expect(reused.reason == "MUTATION_ID_REUSED")
    // Another scope is another id; a failure is not remembered.
    _ = try store.write(
      .create(draft), mutation: Mutation(scope: "p/d", id: "m1", fingerprint: [1]))
    let failing = Mutation(scope: "p/c", id: "m2", fingerprint: [3])
    _ = try failure {
      _ = try store.write(.create(store.draft("todo", [:])), mutation: failing)
    }
    _ = try store.write(.create(draft), mutation: failing)
    store.store.close()
    let reopened = try database.open()
    let replay = try reopened.write(.create(reopened.draft("todo", [:])), mutation: mutation)
    #expect(replay.image == first.image)
  }
}
