import DatasyncModel
import DatasyncStorage

/// One law tried on one subject: makes stores, and says what was seen. Confined to one call.
final class LawTrial {
  let law: StorageLaw
  let subject: any StorageSubject
  let seed: UInt64
  var random: SeededGenerator
  private var benches: [LawBench] = []

  init(law: StorageLaw, subject: any StorageSubject, seed: UInt64) {
    self.law = law
    self.subject = subject
    self.seed = seed
    random = SeededGenerator(seed: seed)
  }

  func begin(_ configure: (inout StorageWishes) -> Void = { _ in }) throws -> LawBench {
    var wishes = StorageWishes()
    configure(&wishes)
    let record = BatchRecord()
    return bench(try subject.open(wishes, observer: record), record)
  }

  func bench(_ subject: any StorageOnTrial, _ record: BatchRecord) -> LawBench {
    let bench = LawBench(trial: self, subject: subject, record: record)
    record.watch(subject.storage)
    benches.append(bench)
    return bench
  }

  func end() {
    for bench in benches {
      bench.record.block(false)
      bench.storage.close()
    }
  }

  func broken(_ expected: String, _ seen: String) -> BrokenLaw {
    BrokenLaw(law: law, seed: seed, expected: expected, seen: seen)
  }

  func require(
    _ isSo: Bool, _ expected: @autoclosure () -> String, saw seen: @autoclosure () -> Any
  ) throws(BrokenLaw) {
    if !isSo { throw broken(expected(), "\(seen())") }
  }

  /// That the body is refused so.
  func requireError(
    _ code: DatasyncError.Code, _ reason: String, _ what: String, _ body: () throws -> Void
  ) throws {
    do {
      try body()
    } catch let error as DatasyncError {
      try require(
        error.code == code && error.reason == reason, "\(what) to be refused with \(reason)",
        saw: error)
      return
    }
    throw broken("\(what) to be refused with \(reason)", "no error")
  }
}

/// A store on trial, with short words for what is done to it. Confined to one law.
final class LawBench {
  let subject: any StorageOnTrial
  let record: BatchRecord
  private unowned let trial: LawTrial
  private var lastRequest: UInt64 = 0

  init(trial: LawTrial, subject: any StorageOnTrial, record: BatchRecord) {
    self.trial = trial
    self.subject = subject
    self.record = record
  }

  var storage: any Storage { subject.storage }
  var patience: Duration { trial.subject.patience }

  // MARK: - Words

  func table(_ name: String) throws -> Table {
    guard let table = storage.catalog.table(named: name) else {
      throw trial.broken("the table \(name)", "\(storage.catalog.tables.map(\.name))")
    }
    return table
  }

  func draft(_ name: String, _ key: Value?, _ fields: [String: Value] = [:]) throws -> RowDraft {
    let table = try table(name)
    var draft = RowDraft(table: table, values: .absent(table.columns.count))
    draft.values[0] = key
    for (name, value) in fields {
      if let index = table.index(ofColumn: name) { draft.values[index] = value }
    }
    return draft
  }

  func create(
    _ name: String, _ key: Value?, _ fields: [String: Value] = [:]
  ) throws -> WriteOperation {
    .create(try draft(name, key, fields))
  }

  func replace(
    _ name: String, _ key: Value?, _ fields: [String: Value] = [:],
    _ condition: WriteCondition = WriteCondition()
  ) throws -> WriteOperation {
    .replace(try draft(name, key, fields), condition)
  }

  func update(
    _ name: String, _ key: Value?, _ fields: [String: Value] = [:],
    _ condition: WriteCondition = WriteCondition()
  ) throws -> WriteOperation {
    let draft = try draft(name, key, fields)
    return .update(
      draft, columns: fields.keys.compactMap { draft.table.index(ofColumn: $0) }.sorted(),
      condition)
  }

  func delete(_ name: String, _ key: String, ifVersion: Sequence = .zero) throws -> WriteOperation {
    .delete(try table(name), key: key, ifVersion: ifVersion)
  }

  // MARK: - Writes

  /// - Returns: The request's number, by which its answer is asked for.
  @discardableResult
  func send(
    _ operations: [WriteOperation], session: UInt64 = 1, isCommit: Bool? = nil,
    mutation: Mutation? = nil, author: Author = Author(clientID: "tester"), startsNow: Bool = true,
    byteCount: Int = 100, rules: (any WriteRules)? = nil, consumer: ConsumerStep? = nil,
    expecting expectations: [RowExpectation]? = nil
  ) throws -> UInt64 {
    lastRequest += 1
    var request = WriteRequest(
      replyTo: ReplyAddress(loop: 0, session: session, request: lastRequest),
      operations: operations, isCommit: isCommit ?? (operations.count != 1), author: author,
      mutation: mutation, byteCount: byteCount, rules: rules, consumer: consumer)
    if let expectations { request = request.with(operations, expectations) }
    try storage.submit(request, startsNow: startsNow)
    return lastRequest
  }

  func outcome(_ request: UInt64) throws -> WriteAnswer.Outcome {
    guard let outcome = record.outcome(request, within: patience) else {
      throw trial.broken("an answer to request \(request) within \(patience)", "none")
    }
    return outcome
  }

  func results(_ request: UInt64) throws -> [WriteResult] {
    switch try outcome(request) {
    case .success(let results, _): return results
    case .failure(let error): throw error
    }
  }

  @discardableResult
  func write(
    _ operations: WriteOperation..., under rules: (any WriteRules)? = nil
  ) throws -> [WriteResult] {
    try results(try send(operations, rules: rules))
  }

  // MARK: - Reads

  func read<Result: Sendable>(
    _ scope: ReadScope = .database, atLeast: Sequence = .zero,
    _ body: @escaping @Sendable (any StorageSnapshot) throws(DatasyncError) -> Result
  ) throws -> Result {
    let found = Awaited<Swift.Result<Result, DatasyncError>>()
    storage.read(scope, atLeast: atLeast, body) { found.set($0) }
    guard let found = found.get(within: patience) else {
      throw trial.broken("an answer to a read within \(patience)", "none")
    }
    return try found.get()
  }

  func row(_ name: String, _ key: String) throws -> StoredRow? {
    let table = try table(name)
    return try read(.table(table.id)) { snapshot throws(DatasyncError) in
      try snapshot.row(key, in: table)?.row
    }
  }

  /// Every change that the log holds.
  func log(after: Sequence = .zero) throws -> [Commit] {
    try read(.log) { snapshot throws(DatasyncError) in
      try snapshot.changes(
        after: max(after, snapshot.oldest), through: snapshot.sequence, maxBytes: .max
      ).commits
    }
  }

  /// Waits until the changes of others so far are in the log: whoever reads the tables waits for them.
  func settle() throws -> Sequence {
    try read(.database) { snapshot throws(DatasyncError) in snapshot.sequence }
  }
}

extension StoredRow {
  /// Without the system fields, NULL left out.
  var fields: [String: Value] {
    var fields: [String: Value] = [:]
    let values = RowDecoder.values(of: image, table: table)
    for (index, value) in values.enumerated() where index >= SystemColumn.count && !value.isNull {
      fields[table.columns[index].name] = value
    }
    return fields
  }
}
