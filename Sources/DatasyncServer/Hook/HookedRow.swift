import DatasyncModel
import DatasyncStorage

/// What a hook sees of an operation, and what becomes of that when the hook has changed it. A value.
struct HookedRow: Sendable {
  let operation: WriteOperation
  /// nil: there is none that the caller sees.
  let stored: TableRow?
  /// What the access rules fill in or keep, where the client leaves it out.
  let filled: TableRow

  var kind: WriteKind {
    switch operation {
    case .create: .create
    case .replace: .replace
    case .update: .update
    case .delete: .delete
    }
  }

  /// nil of a delete.
  var proposed: TableRow? {
    switch operation {
    case .delete: return nil
    case .create(let draft), .replace(let draft, _):
      return filled.merged(with: draft, at: draft.givenColumns)
    case .update(let draft, let columns, _):
      let base = stored ?? TableRow(table: draft.table.name, fields: [:])
      return base.merged(with: draft, at: [0] + columns)
    }
  }

  /// The operation with what a hook has made of the row.
  ///
  /// - Throws: PERMISSION_DENIED, reason FIELD_NOT_ALLOWED; INTERNAL, reason HOOK_FAILED, where that is no row
  ///   of the table.
  func applying(_ row: TableRow?) throws(DatasyncError) -> WriteOperation {
    guard let row, let proposed, row != proposed else { return operation }
    let names = Set(row.fields.keys).union(proposed.fields.keys).filter { row[$0] != proposed[$0] }
    switch operation {
    case .delete: return operation
    case .create(var draft):
      try change(&draft, names, to: row, mayName: true)
      return .create(draft)
    case .replace(var draft, let condition):
      try change(&draft, names, to: row)
      return .replace(draft, condition)
    case .update(var draft, var columns, let condition):
      for index in try change(&draft, names, to: row) {
        columns.removeAll { $0 == index }
        // Left out, it stays as it is.
        if row[draft.table.columns[index].name] != nil { columns.append(index) }
      }
      return .update(draft, columns: columns, condition)
    }
  }

  /// - Parameter mayName: Whether the row has no key yet.
  /// - Returns: The columns that differ.
  @discardableResult
  private func change(
    _ draft: inout RowDraft, _ names: Set<String>, to row: TableRow, mayName: Bool = false
  ) throws(DatasyncError) -> [Int] {
    let table = draft.table
    var changed: [Int] = []
    for name in names.sorted() {
      guard let index = table.columns.firstIndex(where: { $0.name == name }),
        (index >= SystemColumn.count && !table.columns[index].isGenerated)
          || (index == 0 && mayName && draft.values[0] == nil)
      else { throw .hookFailed(HookFault("no hook may write the field \(name) of \(table.name)")) }
      guard !table.hidden.contains(index) else { throw .fieldNotAllowed(index, of: table) }
      draft.values[index] = try row[name].map { value throws(DatasyncError) in
        try HookedRow.checked(value.value, table.columns[index], of: table)
      }
      changed.append(index)
    }
    return changed
  }

  /// A value in the column's own form.
  private static func checked(
    _ value: Value, _ column: Column, of table: Table
  ) throws(DatasyncError) -> Value {
    guard !value.isNull else { return .null }
    let fits =
      switch (column.type, value) {
      case (.bool, .bool), (.int64, .int64), (.double, .double), (.bytes, .bytes),
        (.timestamp, .timestamp):
        true
      case (.bool, _), (.int64, _), (.double, _), (.bytes, _), (.timestamp, _): false
      case (_, .string): true
      default: false
      }
    guard fits else {
      throw .hookFailed(HookFault("\(column.name) of \(table.name) takes no \(value)"))
    }
    var row = RowEncoder()
    row.append(value, to: column)
    let bytes = row.finish().bytes
    do {
      let draft = try bytes.withUnsafeBytes { bytes throws(DatasyncError) in
        try RowDecoder.draft(of: bytes, table: table)
      }
      return table.index(ofNumber: column.number).flatMap { draft.values[$0] } ?? value
    } catch {
      throw .hookFailed(error)
    }
  }
}

/// What is wrong with what a hook has made of a row; for the log.
struct HookFault: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

extension RowDraft {
  /// Those that have a value and may: the key's, and those that clients write.
  fileprivate var givenColumns: [Int] {
    values.indices.filter { values[$0] != nil && ($0 == 0 || $0 >= SystemColumn.count) }
  }
}

extension TableRow {
  fileprivate func merged(with draft: RowDraft, at columns: [Int]) -> TableRow {
    var row = self
    for index in columns {
      row[draft.table.columns[index].name] = FieldValue(draft.values[index] ?? .null)
    }
    return row
  }
}
