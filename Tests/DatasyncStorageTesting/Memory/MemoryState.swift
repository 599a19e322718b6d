package import DatasyncModel
import DatasyncStorage

/// All that a ``MemoryStorage`` keeps, at one moment. A value: a copy is a snapshot.
package struct MemoryState: Sendable {
  package var catalog: Catalog
  /// What absent columns become, by table and column; NULL where it says nothing.
  let defaults: [String: [String: Value]]
  /// By ``Table/id``: each row's image, the system fields in it.
  var rows: [Int: [MemoryKey: RowImage]] = [:]
  /// What happened after ``oldest``, in order.
  var log: [Commit] = []
  package var oldest = Sequence.zero
  package var head = Sequence.zero
  var mutations: [MutationName: Remembered] = [:]
  /// How far those have come who follow the log by name.
  var consumers: [String: Sequence] = [:]
  /// How many requests it was asked to do, for faults that strike now and then.
  var requests = 0

  /// A value.
  struct MutationName: Hashable, Sendable {
    let scope: String
    let id: String
  }

  /// What was answered to a mutation. A value.
  struct Remembered: Sendable {
    let fingerprint: [UInt8]
    let outcome: WriteAnswer.Outcome
  }

  package init(catalog: Catalog, defaults: [String: [String: Value]] = [:]) {
    self.catalog = catalog
    self.defaults = defaults
  }

  /// - Returns: Where the consumer stands then.
  mutating func take(_ step: ConsumerStep) throws(DatasyncError) -> Sequence {
    switch step.kind {
    case .begin:
      consumers[step.name] = consumers[step.name] ?? head
    case .move(let position):
      guard consumers[step.name] != nil else { throw .consumerRemoved(step.name) }
      consumers[step.name] = position
    case .remove:
      consumers[step.name] = nil
    }
    return consumers[step.name] ?? head
  }

  func current(_ table: Table) throws(DatasyncError) -> Table {
    guard let current = catalog.table(id: table.id) else { throw .tableGone(table) }
    return current
  }

  /// The row, as the given state of its table knows it.
  func row(_ key: MemoryKey, in table: Table) -> StoredRow? {
    rows[table.id]?[key].map { MemoryState.row(key, $0, in: table) }
  }

  static func row(_ key: MemoryKey, _ image: RowImage, in table: Table) -> StoredRow {
    let values = RowDecoder.values(of: image, table: table)
    let known = RowDecoder.image(image, keepingNumbers: Set(table.columns.map(\.number)))
    return StoredRow(
      table: table, key: key.text, image: known, version: values.version,
      isDeleted: values.isDeleted)
  }

  // MARK: - The log

  var logBytes: Int { log.reduce(0) { $0 + $1.memoryCost } }

  /// Ends a commit: its changes take their place.
  mutating func append(_ changes: [Change], author: Author, at time: Int64) -> Commit? {
    guard !changes.isEmpty else { return nil }
    let commit = Commit(changes: changes, author: author, committedAt: time)
    log.append(commit)
    head = commit.last
    return commit
  }

  /// Forgets whole commits, the oldest first; the last one stays.
  mutating func compact(to maxBytes: Int) {
    var bytes = logBytes
    while bytes > maxBytes, log.count > 1 {
      let first = log.removeFirst()
      bytes -= first.memoryCost
      oldest = first.last
    }
  }

  static func compacted(_ oldest: Sequence) -> DatasyncError {
    DatasyncError(
      .outOfRange, reason: "HISTORY_COMPACTED", "the change log begins after \(oldest)",
      metadata: ["oldest": String(oldest.rawValue)])
  }

  /// The rows of a table as they were: what has happened since is taken back, the last change first.
  ///
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED where the log does not know them.
  func rows(
    of table: Table, at sequence: Sequence
  ) throws(DatasyncError) -> [MemoryKey: RowImage] {
    guard sequence >= oldest else { throw MemoryState.compacted(oldest) }
    var past = rows[table.id] ?? [:]
    for commit in log.reversed() where commit.last > sequence {
      for change in commit.changes.reversed()
      where change.sequence > sequence && change.tableID == table.id {
        guard change.operation != .tableAttached else { throw MemoryState.compacted(head) }
        past[try MemoryKey(change.key, table: table)] = change.before
      }
    }
    return past
  }
}

extension [Value] {
  /// Of a whole row.
  var version: Sequence {
    if case .int64(let number) = self[SystemColumn.version.rawValue] {
      return Sequence(UInt64(clamping: number))
    }
    return .zero
  }

  var isDeleted: Bool { self[SystemColumn.deleted.rawValue] == .bool(true) }
}
