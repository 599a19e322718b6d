import CDatasyncSQLite
import DatasyncFilter
import DatasyncStorage
import Foundation

@testable import DatasyncModel
@testable import DatasyncStore

/// The workload of an open store in which one call fails, and what must be true of it afterwards.
/// Confined to one test.
final class FaultScript {
  static let schema = """
    CREATE TABLE item (id TEXT PRIMARY KEY, n INTEGER NOT NULL, b BLOB);
    CREATE TABLE part (id TEXT PRIMARY KEY, item TEXT REFERENCES item (id));
    """

  private let database: TestDatabase
  private var store: TestStore?
  private var outsider: Connection?
  /// `n` of each item, as every answer together says.
  private var items: [String: Int64] = [:]
  private var runs = 0
  private var seenCommits = 0
  private(set) var refused: [String: Int] = [:]
  private var allowed: Set<String> = []

  init() throws {
    database = try TestDatabase(FaultScript.schema)
  }

  func open() throws {
    store = try database.open { options in
      // Nothing is done unasked, so that the n-th call is nearly the same in every run.
      options.foreignPollInterval = .seconds(600)
      options.cacheBytes = 64 << 10
      options.checkpointPages = 24
      options.maxLogBytes = 60_000
      options.maxMutations = 40
    }
    outsider = try Connection(path: database.path)
    seenCommits = 0
  }

  func close() {
    outsider?.close()
    outsider = nil
    store?.store.close()
    store = nil
  }

  private func opened() throws -> TestStore {
    guard let store else { throw TestFault(description: "the store is not open") }
    return store
  }

  // MARK: - Under the fault

  /// A few requests, each repeated under its mutation id until it is answered.
  func run(_ point: FaultPoint) throws {
    runs += 1
    allowed = point.refusals
    let store = try opened()
    let (a, b, c) = ("a\(runs)", "b\(runs)", "c\(runs)")
    let blob = Value.bytes([UInt8](repeating: UInt8(runs & 255), count: 9000))
    let made = try write([create(a, 1, blob)])
    items[a] = 1
    let version = made[0].sequence
    try write([update(a, 2, ifVersion: version)])
    items[a] = 2
    try write([
      .create(store.draft("part", ["id": .string(a), "item": .string(a)])), update(a, 3),
    ])
    items[a] = 3
    try pipeline(b, c)
    // Another program's rows are adopted with the next write.
    try FaultPoint.exempt {
      try outsider?.execute("UPDATE item SET n = 4 WHERE id = '\(a)'")
    }
    items[a] = 4
    try write([update(b, 5)])
    items[b] = 5
    try read(a)
    try write([.delete(store.table("part"), key: a, ifVersion: .zero)])
    for key in [b, c] + items.keys.filter({ $0 != a && $0 != b && $0 != c }).sorted() {
      try write([.delete(store.table("item"), key: key, ifVersion: .zero)])
      items[key] = nil
    }
  }

  private func create(_ key: String, _ n: Int64, _ blob: Value = .null) throws -> WriteOperation {
    .create(try opened().draft("item", ["id": .string(key), "n": .int64(n), "b": blob]))
  }

  private func update(
    _ key: String, _ n: Int64, ifVersion: DatasyncModel.Sequence = .zero
  ) throws -> WriteOperation {
    let draft = try opened().draft("item", ["id": .string(key), "n": .int64(n)])
    let column = draft.table.index(ofColumn: "n") ?? 0
    return .update(draft, columns: [column], WriteCondition(ifVersion: ifVersion))
  }

  private var mutations: UInt64 = 0

  private func newMutation() -> Mutation {
    mutations += 1
    return Mutation(scope: "s", id: "m\(mutations)", fingerprint: [1])
  }

  @discardableResult
  private func write(_ operations: [WriteOperation]) throws -> [WriteResult] {
    let store = try opened()
    let mutation = newMutation()
    return try settle {
      try store.results(
        store.send(operations, isCommit: operations.count > 1, mutation: mutation))
    }
  }

  /// Three at once, one of which must be refused, and alone.
  private func pipeline(_ first: String, _ second: String) throws {
    let store = try opened()
    let mutations = [newMutation(), newMutation()]
    let bad = WriteOperation.create(try store.draft("item", ["id": .string("bad")]))
    let sent = [
      try store.send([create(first, 1)], mutation: mutations[0]), try store.send([bad]),
      try store.send([create(second, 1)], mutation: mutations[1]),
    ]
    var isFirst = true
    try settle {
      defer { isFirst = false }
      _ = try store.results(
        isFirst ? sent[0] : store.send([create(first, 1)], mutation: mutations[0]))
    }
    isFirst = true
    try settle {
      defer { isFirst = false }
      _ = try store.results(
        isFirst ? sent[2] : store.send([create(second, 1)], mutation: mutations[1]))
    }
    items[first] = 1
    items[second] = 1
    let refusal = try failure { _ = try store.results(sent[1]) }
    guard refusal.reason == "CONSTRAINT_VIOLATION" || isAllowed(refusal) else {
      throw TestFault(description: "the bad request: \(refusal)")
    }
  }

  private func read(_ key: String) throws {
    let store = try opened()
    let expected = items
    let table = try store.table("item")
    let row = try settle { try store.get("item", key) }
    guard row?["n"] == items[key].map(Value.int64) else {
      throw TestFault(description: "\(key) was read as \(String(describing: row?["n"]))")
    }
    var request = ScanRequest(table: table, limit: 100)
    request.filter = try Filter(parsing: "n ge 0 and contains(tolower(id), '')", table: table)
    request.order = try OrderBy(parsing: "n desc", table: table)
    let scan = request
    let page = try settle { try store.scan(scan) }
    guard Set(page.rows.map(\.key)) == Set(expected.keys) else {
      throw TestFault(description: "scanned \(page.rows.map(\.key)), not \(expected.keys)")
    }
    let (count, commits) = try settle {
      try store.read { snapshot throws(DatasyncError) in
        (
          try snapshot.count(scan),
          try snapshot.changes(after: snapshot.oldest, through: snapshot.sequence, maxBytes: .max)
            .commits.count
        )
      }
    }
    guard count == UInt64(expected.count), commits > 0 else {
      throw TestFault(description: "counted \(count) rows and \(commits) commits")
    }
  }

  @discardableResult
  private func settle<Result>(_ attempt: () throws -> Result) throws -> Result {
    var last: DatasyncError?
    for _ in 0..<9 {
      do {
        return try attempt()
      } catch let error as DatasyncError {
        guard isAllowed(error) else { throw error }
        last = error
      }
    }
    throw TestFault(description: "refused again and again: \(String(describing: last))")
  }

  private func isAllowed(_ error: DatasyncError) -> Bool {
    let name = "\(error.code.rawValue) \(error.reason)"
    guard allowed.contains(name) else { return false }
    refused[name, default: 0] += 1
    return true
  }

  // MARK: - Afterwards

  /// What is stored is what was answered; what was told is the log, without gap or repetition.
  func verify(thoroughly: Bool) throws {
    let store = try opened()
    let page = try store.scan(ScanRequest(table: try store.table("item"), limit: 1000))
    var stored: [String: Int64] = [:]
    for row in page.rows {
      if case .int64(let n)? = try store.fields(row.image, "item")["n"] { stored[row.key] = n }
    }
    guard stored == items else {
      throw TestFault(description: "stored \(stored), answered \(items)")
    }
    let commits = store.recorder.commits
    let changes = commits[seenCommits...].flatMap(\.changes)
    seenCommits = commits.count
    for (one, next) in zip(changes, changes.dropFirst()) where next.sequence != one.sequence.next {
      throw TestFault(description: "\(next.sequence) was told after \(one.sequence)")
    }
    guard store.store.head == commits.last?.last else {
      throw TestFault(description: "the head is \(store.store.head)")
    }
    guard thoroughly else { return }
    let report = try Store.check(path: database.path)
    guard report.isSound else { throw TestFault(description: report.description) }
  }
}
