import DatasyncModel
import DatasyncStorage

/// One attempt to have the hooks look at a request: the rows that it is about, as one snapshot has them, and
/// what the hooks make of it. Sendable.
struct HookRun: Sendable {
  let request: WriteRequest
  let caller: WriteCaller
  let hooks: HookSet

  /// What is known of an operation's row before the hooks. A value.
  struct Found: Sendable {
    /// As the store is to find it.
    var expectation = RowExpectation.any
    /// nil: none that the caller sees.
    var row: StoredRow?
    /// Whether the store refuses the operation as long as the row stays as it is: no hook is asked.
    var isForegone = false
    /// What rules fill in or keep.
    var filled: [Int: Value] = [:]
  }

  /// What came of it.
  struct Decided: Sendable {
    /// To be carried out.
    let request: WriteRequest
    /// For ``WriteHook/didCommit(_:)``; nil: no hook wants to know.
    let rows: [HookedRow?]
  }

  // MARK: - Rows

  /// - Throws: What forbids the request by the rows as they are, in the store's own words.
  func find(in snapshot: any StorageSnapshot) throws(DatasyncError) -> [Found] {
    let judge = request.rules?.judge(in: snapshot)
    var found: [Found] = []
    for (index, operation) in request.operations.enumerated() {
      // What comes later in a commit is judged by what came before, in the commit's own transaction.
      let isFirst = index == 0
      do throws(DatasyncError) {
        found.append(try find(operation, in: snapshot, isFirst ? judge : nil))
      } catch {
        var error = error
        if request.isCommit { error.metadata["write_index"] = String(index) }
        throw error
      }
    }
    return found
  }

  private func find(
    _ operation: WriteOperation, in snapshot: any StorageSnapshot, _ judge: (any WriteJudge)?
  ) throws(DatasyncError) -> Found {
    let table = operation.hookedTable
    try judge?.prepare(for: table)
    var found = Found()
    if case .create = operation { found.filled = judge?.valuesSet(in: table) ?? [:] }
    guard let key = operation.hookedKey else { return found }
    guard let row = try snapshot.row(key, in: table)?.row else {
      found.expectation = .absent
      found.isForegone = operation.needsRow
      return found
    }
    found.expectation = .version(row.version)
    guard try judge?.mayRead(row.image, in: table) ?? true else {
      if operation.needsRow { throw .rowNotFound(key, in: table) }
      return found
    }
    found.row = row
    found.isForegone = operation.isForegone(row)
    guard !found.isForegone, let judge else { return found }
    guard try judge.allows(operation, of: row, in: table) else {
      throw .rowNotAllowed(key, in: table)
    }
    if case .replace = operation {
      let values = RowDecoder.values(of: row.image, table: table)
      for column in judge.columnsKept(in: table) { found.filled[column] = values[column] }
    }
    return found
  }

  // MARK: - Hooks

  /// Asks every hook of every operation, in order.
  ///
  /// - Throws: DatasyncError.
  func decide(_ found: [Found]) async throws -> Decided {
    var operations: [WriteOperation] = []
    var expectations: [RowExpectation] = []
    var rows: [HookedRow?] = []
    // What earlier operations of a commit have made of rows.
    var made: [RowName: TableRow?] = [:]
    for (index, operation) in request.operations.enumerated() {
      do {
        let table = operation.hookedTable
        let name = operation.hookedKey.map { RowName(table: table.id, key: $0) }
        let earlier = name.flatMap { made[$0] }
        expectations.append(earlier == nil ? found[index].expectation : .any)
        guard earlier != nil || !found[index].isForegone, hooks.concern(table.name) else {
          operations.append(operation)
          rows.append(nil)
          continue
        }
        var filled = TableRow(table: table.name, fields: [:])
        for (column, value) in found[index].filled {
          filled[table.columns[column].name] = FieldValue(value)
        }
        let row = HookedRow(
          operation: operation,
          stored: earlier ?? found[index].row.map { TableRow($0.image, of: table) },
          filled: filled)
        let (changed, proposed) = try await asked(row, of: table)
        operations.append(changed)
        rows.append(row)
        if let name { made.updateValue(proposed, forKey: name) }
      } catch {
        throw request.isCommit ? HookRun.refusal(error, at: index) : HookRun.refusal(error)
      }
    }
    return Decided(request: request.with(operations, expectations), rows: rows)
  }

  private func asked(
    _ row: HookedRow, of table: Table
  ) async throws -> (WriteOperation, TableRow?) {
    var write = ProposedWrite(
      kind: row.kind, table: table.name, id: row.operation.hookedKey, caller: caller,
      stored: row.stored, row: row.proposed)
    for hook in hooks.hooks where hook.concerns(table.name) {
      try Task.checkCancellation()
      try await hook.willWrite(&write)
    }
    return (try row.applying(write.row), write.row)
  }

  private static func refusal(_ error: any Error, at index: Int? = nil) -> DatasyncError {
    var refusal =
      switch error {
      case let error as DatasyncError: error
      case let refusal as WriteRefusal:
        DatasyncError(.failedPrecondition, reason: "WRITE_REFUSED", refusal.message)
      default: DatasyncError.hookFailed(error)
      }
    if let index { refusal.metadata["write_index"] = String(index) }
    return refusal
  }

  /// Tells the hooks what was done.
  func committed(_ rows: [HookedRow?], _ results: [WriteResult]) async {
    for (row, result) in zip(rows, results) {
      guard let row else { continue }
      let table = row.operation.hookedTable
      let after = result.image.map { TableRow($0, of: table) }
      let isDelete = row.kind == .delete
      let key = result.image.map { RowDecoder.values(of: $0, table: table)[0] }
      let write = CommittedWrite(
        kind: row.kind, table: table.name, id: row.operation.hookedKey ?? key?.keyText ?? "",
        caller: caller, before: row.stored, after: isDelete ? nil : after,
        sequence: result.sequence.rawValue)
      for hook in hooks.hooks where hook.concerns(table.name) { await hook.didCommit(write) }
    }
  }
}

/// Names a row. A value.
private struct RowName: Hashable {
  let table: Int
  let key: String
}

extension WriteJudge {
  /// Whether the row as it is lets itself be written so.
  fileprivate func allows(
    _ operation: WriteOperation, of row: StoredRow, in table: Table
  ) throws(DatasyncError) -> Bool {
    switch operation {
    case .create: return true
    case .delete: return try mayDelete(row.image, in: table)
    case .replace, .update:
      guard try mayUpdate(row.image, in: table) else { return false }
      guard operation.writesMark else { return true }
      return try mayDelete(row.image, in: table)
    }
  }
}

extension Value {
  fileprivate var keyText: String {
    switch self {
    case .string(let text): text
    case .int64(let number): String(number)
    default: ""
    }
  }
}

extension WriteOperation {
  fileprivate var hookedTable: Table {
    switch self {
    case .create(let draft), .replace(let draft, _), .update(let draft, _, _): draft.table
    case .delete(let table, _, _): table
    }
  }

  /// nil: the database makes one.
  fileprivate var hookedKey: String? {
    switch self {
    case .create(let draft), .replace(let draft, _), .update(let draft, _, _):
      draft.values[0]?.keyText
    case .delete(_, let key, _): key
    }
  }

  fileprivate var condition: WriteCondition? {
    switch self {
    case .create: nil
    case .replace(_, let condition), .update(_, _, let condition): condition
    case .delete(_, _, let ifVersion): WriteCondition(ifVersion: ifVersion)
    }
  }

  /// Whether it is refused where there is no row.
  fileprivate var needsRow: Bool { condition.map { !$0.allowMissing } ?? false }

  /// Whether it writes that the row is deleted.
  fileprivate var writesMark: Bool {
    let deleted = SystemColumn.deleted.rawValue
    switch self {
    case .create, .delete: return false
    case .replace(let draft, let condition):
      return condition.includeDeleted && draft.values[deleted] == .bool(true)
    case .update(let draft, let columns, let condition):
      return condition.includeDeleted && columns.contains(deleted)
        && draft.values[deleted] == .bool(true)
    }
  }

  /// Whether it is refused as long as the row is as it is, whatever rules say.
  fileprivate func isForegone(_ row: StoredRow) -> Bool {
    guard let condition else { return true }
    return (row.isDeleted && !condition.includeDeleted)
      || (condition.ifVersion != .zero && condition.ifVersion != row.version)
  }
}
