import DatasyncModel
import DatasyncStorage

/// What the rules of the request's caller say; everything is allowed where there are none.
extension WriteTransaction {
  /// Whether the row exists for the caller.
  func isVisible(_ found: FoundRow) -> Bool {
    rules?.mayRead(found.row.image, in: found.row.table) ?? true
  }

  /// - Parameter writesMark: Whether the write says that the row is deleted.
  func mayUpdate(_ row: StoredRow, writesMark: Bool) -> Bool {
    guard let rules else { return true }
    return rules.mayUpdate(row.image, in: row.table)
      && (!writesMark || rules.mayDelete(row.image, in: row.table))
  }

  /// Refuses a row that the caller may not make, or make of the one before.
  func checkResult(
    _ after: RowImage, before: FoundRow?, key: String, of table: Table
  ) throws(WriteFailure) {
    guard let rules else { return }
    let isAllowed =
      if let before {
        rules.mayUpdate(before.row.image, to: after, in: table)
      } else {
        rules.mayCreate(after, in: table)
      }
    guard isAllowed else { throw .request(.resultNotAllowed(key, in: table)) }
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
