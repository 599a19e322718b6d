import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// Reads in snapshots: rows, pages, counts, the log, the past.
struct SnapshotTests {
  let database: TestDatabase
  let store: TestStore

  init() throws {
    database = try TestDatabase(
      """
      CREATE TABLE item (id TEXT PRIMARY KEY, n INTEGER);
      CREATE TABLE number (id INTEGER PRIMARY KEY, n INTEGER);
      """)
    store = try database.open { $0.softDeleteTables = ["item": .ours] }
  }

  private func fill(_ count: Int) throws {
    var requests: [UInt64] = []
    for n in 0..<count {
      let key = String(repeating: "0", count: 4 - String(n).count) + String(n)
      requests.append(
        try store.send([
          .create(try store.draft("item", ["id": .string(key), "n": .int64(Int64(n))]))
        ]))
    }
    for request in requests { _ = try store.results(request) }
  }

  @Test func `a row that is not there does not hide the one asked for next`() throws {
    try fill(2)
    let table = try store.table("item")
    let keys = ["absent", "0000", "absent", "0001"]
    let found = try store.read { snapshot throws(DatasyncError) in
      try keys.map { key throws(DatasyncError) in try snapshot.row(key, in: table)?.row.key }
    }
    #expect(found == [nil, "0000", nil, "0001"])
  }

  @Test func `a read waits until the database has come to the sequence that its reader knows of`()
    throws
  {
    try fill(1)
    let awaited = store.store.head.next
    let found = Monitor<Result<DatasyncModel.Sequence, DatasyncError>?>(nil)
    store.store.read(.log, atLeast: awaited) { snapshot throws(DatasyncError) in
      snapshot.sequence
    } completion: { result in
      found.withLock { $0 = result }
      found.broadcast()
    }
    #expect(found.wait(timeout: .milliseconds(50), until: { $0 != nil }) { $0 == nil })
    try store.delete("item", "0000")
    let sequence = found.wait(timeout: .seconds(20), until: { $0 != nil }) { $0 }
    #expect(try sequence?.get() == awaited)
  }

  @Test func `pages of 25 give each of 248 rows once`() throws {
    try fill(248)
    var request = ScanRequest(table: try store.table("item"), limit: 25)
    var keys: [String] = []
    var pages = 0
    repeat {
      let page = try store.scan(request)
      #expect(page.unreadable.isEmpty)
      keys += page.rows.map(\.key)
      request.after = page.next
      pages += 1
    } while request.after != nil
    #expect(pages == 10)
    #expect(keys.count == 248)
    #expect(keys == keys.sorted())
    #expect(Set(keys).count == 248)
  }

  @Test func `a page is bounded by bytes but never empty`() throws {
    try fill(10)
    var request = ScanRequest(table: try store.table("item"), limit: 100)
    request.maxBytes = 1
    let page = try store.scan(request)
    #expect(page.rows.map(\.key) == ["0000"])
    #expect(page.next == [.string("0000")])
  }

  @Test func `deleted rows come only where asked for`() throws {
    try fill(5)
    try store.delete("item", "0002")
    var request = ScanRequest(table: try store.table("item"), limit: 100)
    #expect(try store.scan(request).rows.map(\.key) == ["0000", "0001", "0003", "0004"])
    let counted = request
    #expect(try store.read { s throws(DatasyncError) in try s.count(counted) } == 4)
    request.includeDeleted = true
    #expect(try store.scan(request).rows.map(\.isDeleted) == [false, false, true, false, false])
    let all = request
    #expect(try store.read { s throws(DatasyncError) in try s.count(all) } == 5)
  }

  @Test func `selected columns and the key are all that an image holds`() throws {
    try fill(1)
    var request = ScanRequest(table: try store.table("item"), limit: 1)
    request.columns = [5]
    let row = try #require(try store.scan(request).rows.first)
    #expect(try store.fields(row.image, "item") == ["id": .string("0000"), "n": .int64(0)])
    #expect(row.version.rawValue > 0)
  }

  @Test func `integer keys come in order of number, and other ids are refused`() throws {
    for n in [10, 9, 100, -5] { try store.create("number", ["id": .int64(Int64(n))]) }
    let request = ScanRequest(table: try store.table("number"), limit: 10)
    #expect(try store.scan(request).rows.map(\.key) == ["-5", "9", "10", "100"])
    #expect(try failure { _ = try store.get("number", "x") }.code == .invalidArgument)
    #expect(try failure { _ = try store.get("number", "09") }.code == .invalidArgument)
    #expect(try store.get("number", "11") == nil)
  }

  @Test func `the log gives whole commits, cut after the one that passes the bytes`() throws {
    try fill(3)
    _ = try store.commit([
      .delete(store.table("item"), key: "0000", ifVersion: .zero),
      .delete(store.table("item"), key: "0001", ifVersion: .zero),
    ])
    let head = store.store.head
    #expect(head == Sequence(7))
    let page = try store.read { s throws(DatasyncError) in
      try s.changes(after: Sequence(2), through: head, maxBytes: 1)
    }
    #expect(page.commits.count == 1)
    #expect(page.through == Sequence(3))
    let rest = try store.read { s throws(DatasyncError) in
      try s.changes(after: Sequence(3), through: head, maxBytes: .max)
    }
    #expect(rest.commits.map(\.changes.count) == [1, 1, 2])
    #expect(rest.through == head)
    #expect(rest.commits.last?.changes.map(\.key) == ["0000", "0001"])
    let none = try store.read { s throws(DatasyncError) in
      try s.changes(after: head, through: head, maxBytes: .max)
    }
    #expect(none.commits.isEmpty)
    #expect(none.through == head)
  }

  @Test(arguments: [1 as UInt64, 2, 3, 4, 5])
  func `the past is what it was, whatever has happened since`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var model: [String: Value] = [:]
    var snapshots: [(DatasyncModel.Sequence, [String: Value])] = []
    for step in 0..<120 {
      let key = "k\(Int.random(in: 0..<12, using: &random))"
      if model[key] == nil {
        let row = try store.replace(
          "item", ["id": .string(key), "n": .int64(Int64(step))],
          WriteCondition(allowMissing: true, includeDeleted: true))
        model[key] = row["n"]
      } else if Bool.random(using: &random) {
        try store.delete("item", key)
        model[key] = nil
      } else {
        model[key] = try store.update("item", ["id": .string(key), "n": .int64(Int64(step))])["n"]
      }
      if step % 10 == 0 { snapshots.append((store.store.head, model)) }
    }
    for (sequence, expected) in snapshots {
      var request = ScanRequest(table: try store.table("item"), limit: 3)
      var found: [(String, Value?)] = []
      repeat {
        let current = request
        let page = try store.read { s throws(DatasyncError) in
          try s.scan(current, asOf: sequence)
        }
        for row in page.rows { found.append((row.key, try store.fields(row.image, "item")["n"])) }
        request.after = page.next
      } while request.after != nil
      #expect(found.map(\.0) == expected.keys.sorted(), "seed \(seed)")
      #expect(found.allSatisfy { $0.1 == expected[$0.0] }, "seed \(seed)")
    }
  }

  @Test func `a read sees every write that was answered before it`() throws {
    for n in 0..<200 {
      let row = try store.create("number", ["n": .int64(Int64(n))])
      #expect(try store.get("number", row.id) == row)
    }
  }

  @Test func `a cancelled read ends with CANCELLED`() throws {
    struct Always: ReadCancellation {
      var isCancelled: Bool { true }
    }
    let code = Monitor<DatasyncError.Code?>(nil)
    store.store.read(.database, cancellation: Always()) { snapshot throws(DatasyncError) in
      snapshot.sequence
    } completion: { result in
      if case .failure(let error) = result { code.withLock { $0 = error.code } }
      code.broadcast()
    }
    #expect(code.wait(timeout: .seconds(10), until: { $0 != nil }) { $0 } == .cancelled)
  }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
