import DatasyncModel
import DatasyncStorage

/// What the rules of the request's caller say; everything is allowed where there are none.
extension WriteTransaction {
  /// Whether the row exists for the caller.
  func isVisible(_ found: FoundRow) throws(WriteFailure) -> Bool {
    guard let rules else { return true }
    return try asking { () throws(DatasyncError) in
      try rules.mayRead(found.row.image, in: found.row.table)
    }
  }

  /// - Parameter writesMark: Whether the write says that the row is deleted.
  func mayUpdate(_ row: StoredRow, writesMark: Bool) throws(WriteFailure) -> Bool {
    guard let rules else { return true }
    return try asking { () throws(DatasyncError) in
      guard try rules.mayUpdate(row.image, in: row.table) else { return false }
      return writesMark ? try rules.mayDelete(row.image, in: row.table) : true
    }
  }

  func mayDelete(_ row: StoredRow) throws(WriteFailure) -> Bool {
    guard let rules else { return true }
    return try asking { () throws(DatasyncError) in try rules.mayDelete(row.image, in: row.table) }
  }

  /// Refuses a row that the caller may not make, or make of the one before.
  func checkResult(
    _ after: RowImage, before: FoundRow?, key: String, of table: Table
  ) throws(WriteFailure) {
    guard let rules else { return }
    let isAllowed = try asking { () throws(DatasyncError) in
      if let before {
        return try rules.mayUpdate(before.row.image, to: after, in: table)
      }
      return try rules.mayCreate(after, in: table)
    }
    guard isAllowed else { throw .request(.resultNotAllowed(key, in: table)) }
  }

  /// Has the rules read what they need before an operation writes.
  func prepareRules(for operation: WriteOperation) throws(WriteFailure) {
    guard let rules, let table = schema.tables[operation.tableID]?.table else { return }
    try asking { () throws(DatasyncError) in try rules.prepare(for: table) }
  }

  /// What the caller may see of an answer.
  func shown(
    _ results: [WriteResult], of request: WriteRequest
  ) throws(WriteFailure) -> [WriteResult] {
    guard let rules else { return results }
    let tables = request.operations.map { schema.tables[$0.tableID]?.table }
    return try asking { () throws(DatasyncError) in try rules.shown(results, of: tables) }
  }

  /// What rules cannot answer is refused, and the transaction with it where reading has ended that.
  private func asking<Answer>(
    _ body: () throws(DatasyncError) -> Answer
  ) throws(WriteFailure) -> Answer {
    do {
      return try body()
    } catch {
      throw connection.isAutocommit ? .poisoned(error) : .request(error)
    }
  }

  /// The draft of a new row with what the rules put where the caller says nothing.
  func withValuesSet(_ draft: CurrentDraft) -> CurrentDraft {
    guard let rules else { return draft }
    var draft = draft
    for (column, value) in rules.valuesSet(in: draft.table) where draft.values[column] == nil {
      draft.values[column] = value
    }
    return draft
  }

  /// The positions of columns that a replace leaves as they are: the draft does not name them.
  func columnsKept(of draft: CurrentDraft) -> Set<Int> {
    guard let rules else { return [] }
    return rules.columnsKept(in: draft.table).filter { draft.values[$0] == nil }
  }
}

// For rules that judge rows by others.
extension WriteTransaction: RowSource {
  var sequence: Sequence { head }

  func scan(_ request: ScanRequest) throws(DatasyncError) -> ScanPage {
    let stored = try stored(request.table)
    let source = TableSource(
      table: request.table, current: stored, needed: request.neededColumns)
    do throws(ReadFailure) {
      return try Scan(
        request, source: source, connection: connection, isCurrent: request.table === stored.table
      ).page()
    } catch {
      throw error.datasyncError(while: "reading what rules need")
    }
  }

  func hasChanges(in tables: Set<Int>, after: Sequence) throws(DatasyncError) -> Bool {
    guard after < head else { return false }
    guard after >= start, spilled == nil else { return true }
    return changes.contains { $0.sequence > after && tables.contains($0.tableID) }
      || commits.contains { commit in
        commit.last > after
          && (commit.isInLogOnly || commit.changes.contains { tables.contains($0.tableID) })
      }
  }
}
