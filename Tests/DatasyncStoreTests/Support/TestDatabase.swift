import DatasyncStorage
import Foundation
import Synchronization

@testable import DatasyncModel
@testable import DatasyncStore

/// A database file in a directory of its own, removed in the end.
final class TestDatabase: Sendable {
  let directory: String
  let path: String

  init(_ schema: String = "") throws {
    directory = NSTemporaryDirectory() + "datasync-store-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    path = directory + "/test.db"
    try run(schema.isEmpty ? "PRAGMA user_version = 1" : schema)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Runs SQL as another program would.
  func run(_ sql: String) throws {
    try Connection(path: path, create: true).execute(sql)
  }

  func integer(_ sql: String) throws -> Int64? {
    try Connection(path: path).integer(sql)
  }

  func text(_ sql: String) throws -> String? {
    try Connection(path: path).text(sql)
  }

  func open(_ configure: (inout StoreOptions) -> Void = { _ in }) throws -> TestStore {
    var options = StoreOptions()
    options.attachesTables = true
    options.withinTables = TestPlacement.withinTables
    configure(&options)
    let recorder = Recorder()
    return TestStore(
      store: try Store.open(path: path, options: options, observer: recorder), recorder: recorder)
  }
}

/// Where the tables of tests keep their system fields where a test does not say: beside, unless
/// DATASYNC_PLACEMENT=within.
enum TestPlacement {
  static let isWithin = ProcessInfo.processInfo.environment["DATASYNC_PLACEMENT"] == "within"
  static var withinTables: Set<String> { isWithin ? ["*"] : [] }
}

/// Keeps what the store tells, and lets tests wait for it.
final class Recorder: StorageObserver {
  struct State {
    var answers: [UInt64: WriteAnswer.Outcome] = [:]
    var commits: [DatasyncModel.Commit] = []
    var catalogs: [Catalog] = []
    /// Sequences in the order in which batches came.
    var heads: [DatasyncModel.Sequence] = []
    /// Whether the writer is to wait after each batch.
    var holdsWriter = false
    /// The rows that one adoption had come to, each time that it was told of.
    var adoptions: [Int] = []
    var failures: [DatasyncError] = []
    var unserved: [[UnservedTable]] = []
  }

  let state = Monitor(State())

  func batchCommitted(_ batch: CommittedBatch) -> Bool {
    let holdsWriter = state.withLock { state in
      for answer in batch.answers { state.answers[answer.replyTo.request] = answer.outcome }
      state.commits += batch.commits
      state.heads.append(batch.head)
      return state.holdsWriter
    }
    state.broadcast()
    return holdsWriter
  }

  func catalogChanged(_ catalog: Catalog) {
    state.withLock { $0.catalogs.append(catalog) }
    state.broadcast()
  }

  func foreignAdopted(_ count: Int, total: Int, in duration: Duration) {
    state.withLock { $0.adoptions.append(total) }
    state.broadcast()
  }

  func writesFailed(_ error: DatasyncError) {
    state.withLock { $0.failures.append(error) }
    state.broadcast()
  }

  func unservedTablesChanged(_ tables: [UnservedTable]) {
    state.withLock { $0.unserved.append(tables) }
    state.broadcast()
  }

  func outcome(_ request: UInt64) throws -> WriteAnswer.Outcome {
    let found = state.wait(timeout: .seconds(20), until: { $0.answers[request] != nil }) {
      $0.answers[request]
    }
    guard let found else { throw TestFault(description: "no answer to request \(request)") }
    return found
  }

  /// Waits for something to be true of what was told.
  func wait(_ condition: (State) -> Bool) -> Bool {
    state.wait(timeout: .seconds(20), until: condition) { condition($0) }
  }

  var commits: [DatasyncModel.Commit] { state.withLock { $0.commits } }
}

struct TestFault: Error, CustomStringConvertible {
  let description: String
}

/// A store with short words for what tests do. Confined to one test.
final class TestStore {
  let store: Store
  let recorder: Recorder
  private var lastRequest: UInt64 = 0

  init(store: Store, recorder: Recorder) {
    self.store = store
    self.recorder = recorder
  }

  deinit { store.close() }

  func table(_ name: String) throws -> Table {
    guard let table = store.catalog.table(named: name) else {
      throw TestFault(description: "no table \(name); unserved: \(store.unservedTables)")
    }
    return table
  }

  func draft(_ table: String, _ values: [String: Value]) throws -> RowDraft {
    let table = try self.table(table)
    var draft = RowDraft(table: table, values: .init(repeating: nil, count: table.columns.count))
    for (name, value) in values {
      guard let index = table.index(ofColumn: name) else {
        throw TestFault(description: "no column \(name)")
      }
      draft.values[index] = value
    }
    return draft
  }

  @discardableResult
  func send(
    _ operations: [WriteOperation], isCommit: Bool = false, mutation: Mutation? = nil,
    author: Author = Author(clientID: "tester")
  ) throws -> UInt64 {
    lastRequest += 1
    try store.submit(
      WriteRequest(
        replyTo: ReplyAddress(loop: 0, session: 1, request: lastRequest), operations: operations,
        isCommit: isCommit, author: author, mutation: mutation, byteCount: 100))
    return lastRequest
  }

  func results(_ request: UInt64) throws -> [WriteResult] {
    switch try recorder.outcome(request) {
    case .success(let results, _): return results
    case .failure(let error): throw error
    }
  }

  func write(
    _ operation: WriteOperation, mutation: Mutation? = nil
  ) throws -> WriteResult {
    let results = try self.results(try send([operation], mutation: mutation))
    guard results.count == 1 else { throw TestFault(description: "\(results.count) results") }
    return results[0]
  }

  func commit(_ operations: [WriteOperation]) throws -> [WriteResult] {
    try results(try send(operations, isCommit: true))
  }

  @discardableResult
  func create(_ table: String, _ values: [String: Value]) throws -> [String: Value] {
    try fields(write(.create(draft(table, values))), table)
  }

  @discardableResult
  func replace(
    _ table: String, _ values: [String: Value], _ condition: WriteCondition = WriteCondition()
  ) throws -> [String: Value] {
    try fields(write(.replace(draft(table, values), condition)), table)
  }

  @discardableResult
  func update(
    _ table: String, _ values: [String: Value], mask: [String]? = nil,
    _ condition: WriteCondition = WriteCondition()
  ) throws -> [String: Value] {
    let draft = try draft(table, values)
    let names = mask ?? values.keys.filter { $0 != draft.table.key.name }.sorted()
    let columns = names.compactMap { draft.table.index(ofColumn: $0) }
    return try fields(write(.update(draft, columns: columns, condition)), table)
  }

  @discardableResult
  func delete(
    _ table: String, _ key: String, ifVersion: UInt64 = 0
  ) throws -> [String: Value] {
    try fields(
      write(.delete(self.table(table), key: key, ifVersion: Sequence(ifVersion))), table)
  }

  /// The fields of a result that are not NULL.
  func fields(_ result: WriteResult, _ table: String) throws -> [String: Value] {
    try fields(result.image ?? RowImage(bytes: []), table)
  }

  func fields(_ image: RowImage, _ table: String) throws -> [String: Value] {
    let table = try self.table(table)
    var fields: [String: Value] = [:]
    for (column, value) in zip(table.columns, RowDecoder.values(of: image, table: table))
    where !value.isNull {
      fields[column.name] = value
    }
    return fields
  }

  func read<Result: Sendable>(
    _ body: @escaping @Sendable (any StorageSnapshot) throws(DatasyncError) -> Result
  ) throws -> Result {
    let result = Monitor<Swift.Result<Result, DatasyncError>?>(nil)
    store.read(.database, body) { outcome in
      result.withLock { $0 = outcome }
      result.broadcast()
    }
    let outcome = result.wait(timeout: .seconds(20), until: { $0 != nil }) { $0 }
    guard let outcome else { throw TestFault(description: "no answer to a read") }
    return try outcome.get()
  }

  func get(_ table: String, _ key: String) throws -> [String: Value]? {
    let table = try self.table(table)
    let found = try read { snapshot throws(DatasyncError) in try snapshot.row(key, in: table) }
    if let fault = found?.faults.first {
      throw DatasyncError.unreadable(fault, key: key, table: table)
    }
    return try found.map { try fields($0.row.image, table.name) }
  }

  func scan(_ request: ScanRequest) throws -> ScanPage {
    try read { snapshot throws(DatasyncError) in try snapshot.scan(request) }
  }

  /// Every change that the log holds.
  func log() throws -> [DatasyncModel.Commit] {
    try read { snapshot throws(DatasyncError) in
      try snapshot.changes(
        after: snapshot.oldest, through: snapshot.sequence, maxBytes: .max
      ).commits
    }
  }
}

/// The error that a body throws.
func failure(_ body: () throws -> Void) throws -> DatasyncError {
  do {
    try body()
  } catch let error as DatasyncError {
    return error
  }
  throw TestFault(description: "nothing was thrown")
}

extension [String: Value] {
  var version: UInt64 {
    if case .int64(let number)? = self["version"] { return UInt64(number) }
    return 0
  }

  var id: String {
    switch self["id"] {
    case .string(let text)?: text
    case .int64(let number)?: String(number)
    default: ""
    }
  }
}
