import DatasyncModel
import DatasyncStorage

/// Random requests of several sessions, and transactions of others between them. Confined to one law.
struct History {
  let bench: LawBench
  var random: SeededGenerator
  private(set) var requests: [UInt64] = []

  init(_ bench: LawBench, _ random: SeededGenerator) {
    self.bench = bench
    self.random = random
  }

  private static let keys = 6

  /// - Parameter foreign: How many transactions of a hundred are another program's.
  mutating func run(_ steps: Int, foreign: Int = 0) throws {
    for step in 0..<steps {
      if Int.random(in: 0..<100, using: &random) < foreign {
        try bench.subject.writeAsOther(
          try (0..<Int.random(in: 1...3, using: &random)).map { _ in try foreignChange(step) })
        continue
      }
      let session = UInt64.random(in: 1...3, using: &random)
      let count = Int.random(in: 0..<3, using: &random) == 0 ? 3 : 1
      requests.append(
        try bench.send(
          try (0..<count).map { _ in try operation(step) }, session: session,
          author: Author(clientID: "session \(session)", principal: "p\(session % 2)")))
      // Now and then everything is waited for, so that batches are small and large.
      if Int.random(in: 0..<8, using: &random) == 0, let last = requests.last {
        _ = try bench.outcome(last)
      }
    }
  }

  /// Waits for every answer, and for what others did.
  func end() throws {
    for request in requests { _ = try bench.outcome(request) }
    _ = try bench.settle()
  }

  private mutating func key() -> String { "k\(Int.random(in: 0..<History.keys, using: &random))" }

  private mutating func operation(_ step: Int) throws -> WriteOperation {
    let name = ["note", "note", "task", "number"].randomElement(using: &random) ?? "note"
    let text = key()
    let key: Value =
      name == "number" ? .int64(Int64.random(in: 1...6, using: &random)) : .string(text)
    let fields: [String: Value] =
      name == "number" ? ["n": .int64(Int64(step))] : ["title": .string("t\(step)")]
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return try bench.create(name, key, fields)
    case 1: return try bench.delete(name, MemoryKey(key)?.text ?? "")
    case 2:
      return try bench.replace(
        name, key, fields, WriteCondition(allowMissing: true, includeDeleted: true))
    case 3:
      return try bench.update(
        name, key, fields, WriteCondition(ifVersion: Sequence(UInt64(step) / 2)))
    default: return try bench.update(name, key, fields, WriteCondition(allowMissing: true))
    }
  }

  private mutating func foreignChange(_ step: Int) throws -> ForeignChange {
    let key = Value.string(key())
    return Int.random(in: 0..<3, using: &random) == 0
      ? .remove(table: "note", key: key)
      : .put(table: "note", key: key, ["title": .string("other \(step)")])
  }
}

/// What the log says that the rows are. Confined to one law.
struct Replay {
  private(set) var rows: [Int: [String: RowImage]] = [:]
  private(set) var last: Sequence

  init(after sequence: Sequence = .zero) {
    last = sequence
  }

  /// Applies a commit, and looks whether it can follow what came before.
  mutating func apply(_ commit: Commit, _ trial: LawTrial) throws {
    for change in commit.changes {
      try trial.require(
        change.sequence == last.next, "the sequence \(last.next) after \(last)",
        saw: change.sequence)
      last = change.sequence
      guard change.operation != .tableAttached else { continue }
      let known = rows[change.tableID]?[change.key]
      try trial.require(
        change.before == known, "a change of \(change.key) from what the change before left",
        saw: "sequence \(change.sequence) from \(change.before == nil ? "nothing" : "other fields")"
      )
      rows[change.tableID, default: [:]][change.key] = change.after
    }
  }
}

extension LawBench {
  /// All rows of a table, deleted ones too, as they are now or as of a sequence.
  func rows(
    _ name: String, asOf sequence: Sequence? = nil
  ) throws -> (rows: [String: RowImage], at: Sequence) {
    let table = try table(name)
    return try read(.table(table.id)) { snapshot throws(DatasyncError) in
      (try snapshot.allRows(of: table, asOf: sequence), snapshot.sequence)
    }
  }
}

extension StorageSnapshot {
  func allRows(
    of table: Table, asOf sequence: Sequence? = nil
  ) throws(DatasyncError) -> [String: RowImage] {
    var request = ScanRequest(table: table, limit: 10_000)
    request.includeDeleted = true
    let page =
      if let sequence { try scan(request, asOf: sequence) } else { try scan(request) }
    return Dictionary(page.rows.map { ($0.key, $0.image) }, uniquingKeysWith: { first, _ in first })
  }
}
