import CDatasyncSQLite
import DatasyncModel

/// What each operation means; SEMANTICS "Writes".
extension WriteTransaction {
  func perform(_ operation: WriteOperation) throws(WriteFailure) -> WriteResult {
    switch operation {
    case .create(let draft):
      return try create(try current(draft), isDeleted: false)
    case .replace(let draft, let condition):
      return try replace(try current(draft), condition)
    case .update(let draft, let columns, let condition):
      let mapped = try current(draft)
      let columns = try map(columns, from: draft.table, to: mapped.stored.table)
      return try update(mapped, columns, condition)
    case .delete(let table, let key, let ifVersion):
      return try delete(key, in: table, ifVersion: ifVersion)
    }
  }

  /// A draft against the table as it is now.
  struct CurrentDraft {
    let stored: StoredTable
    var values: [Value?]

    var table: Table { stored.table }
  }

  // MARK: - Operations

  private func create(_ draft: CurrentDraft, isDeleted: Bool) throws(WriteFailure) -> WriteResult {
    let stored = draft.stored
    var values = try complete(draft)
    let needsKey = isAbsent(draft.values[0])
    if needsKey {
      values[0] = try newKey(stored)
    } else {
      try checkKey(values[0], of: stored.table)
    }
    let sequence = takeSequence()
    let moment = Value.timestamp(now)
    values[SystemColumn.createdAt.rawValue] = moment
    values[SystemColumn.updatedAt.rawValue] = moment
    values[SystemColumn.version.rawValue] = .int64(Int64(clamping: sequence.rawValue))
    values[SystemColumn.deleted.rawValue] = .bool(isDeleted)
    let key = keyText(values[0])
    try run(stored, key: key, values: values, expectsChange: true) { () throws(SQLiteFailure) in
      let statements = self.statements(for: stored)
      let statement = try statements.insert()
      for (position, column) in statements.writable.enumerated() {
        self.bind(values[column], to: Int32(position + 1), column: column, of: stored, statement)
      }
      try statement.run()
    }
    if values[0].isNull { values[0] = .int64(connection.lastInsertRowID) }
    return try finish(
      stored, key: try RowKey(value: values[0]), values: values, before: nil, operation: .insert,
      sequence: sequence)
  }

  private func replace(
    _ draft: CurrentDraft, _ condition: WriteCondition
  ) throws(WriteFailure) -> WriteResult {
    let (key, before) = try target(draft, condition)
    let isDeleted = condition.includeDeleted && draft.values[4] == .bool(true)
    guard let before else { return try create(draft, isDeleted: isDeleted) }
    var values = try complete(draft)
    let old = RowDecoder.values(of: before.row.image, table: draft.table)
    for system in SystemColumn.allCases { values[system.rawValue] = old[system.rawValue] }
    for (index, column) in draft.table.columns.enumerated() where column.isGenerated {
      values[index] = old[index]
    }
    if condition.includeDeleted { values[SystemColumn.deleted.rawValue] = .bool(isDeleted) }
    var columns = draft.table.columns.indices.filter {
      $0 >= SystemColumn.count && !draft.table.columns[$0].isGenerated
    }
    if condition.includeDeleted { columns.append(SystemColumn.deleted.rawValue) }
    return try write(draft.stored, key, before: before, values: values, columns: columns)
  }

  private func update(
    _ draft: CurrentDraft, _ named: [Int], _ condition: WriteCondition
  ) throws(WriteFailure) -> WriteResult {
    let (key, before) = try target(draft, condition)
    let deleted = SystemColumn.deleted.rawValue
    let columns = named.filter {
      ($0 >= SystemColumn.count && !draft.table.columns[$0].isGenerated)
        || ($0 == deleted && condition.includeDeleted)
    }
    guard let before else {
      var created = draft
      // Named but absent is NULL; not named at all is the default.
      for index in draft.values.indices where index >= SystemColumn.count {
        created.values[index] = columns.contains(index) ? draft.values[index] ?? .null : nil
      }
      let isDeleted = columns.contains(deleted) && draft.values[deleted] == .bool(true)
      return try create(created, isDeleted: isDeleted)
    }
    var values = RowDecoder.values(of: before.row.image, table: draft.table)
    for index in columns {
      values[index] = try prepared(draft.values[index] ?? .null, index, of: draft.stored)
    }
    if values[deleted].isNull { values[deleted] = .bool(false) }
    return try write(draft.stored, key, before: before, values: values, columns: columns)
  }

  private func delete(
    _ keyText: String, in table: Table, ifVersion: Sequence
  ) throws(WriteFailure) -> WriteResult {
    let stored: StoredTable
    let key: RowKey
    do {
      stored = try self.stored(table)
      key = try RowKey(keyText, table: stored.table)
    } catch {
      throw .request(error)
    }
    guard let found = try row(key, in: stored) else { throw .request(notFound(keyText, stored)) }
    let before = found.row
    try check(before, ifVersion: ifVersion, includeDeleted: false)
    if stored.table.softDelete {
      var values = RowDecoder.values(of: before.image, table: stored.table)
      values[SystemColumn.deleted.rawValue] = .bool(true)
      return try write(
        stored, key, before: found, values: values, columns: [SystemColumn.deleted.rawValue])
    }
    let sequence = takeSequence()
    let values = RowDecoder.values(of: before.image, table: stored.table)
    try run(stored, key: keyText, values: values, expectsChange: true) { () throws(SQLiteFailure) in
      let statement = try self.statements(for: stored).delete()
      statement.bind(1, key.value)
      try statement.run()
    }
    append(
      Change(
        sequence: sequence, tableID: stored.table.id, key: before.key, operation: .delete,
        before: before.image, after: nil))
    try adoptSideEffects(of: stored, except: key)
    return WriteResult(
      messageName: stored.table.messageName, image: before.image, sequence: sequence)
  }

  /// Writes columns of a row that exists; nothing where they already are so.
  private func write(
    _ stored: StoredTable, _ key: RowKey, before found: FoundRow, values: [Value], columns: [Int]
  ) throws(WriteFailure) -> WriteResult {
    let before = found.row
    try found.checkMended(by: columns)
    guard
      !found.unreadable.isEmpty || RowEncoder.image(of: values, table: stored.table) != before.image
    else {
      return WriteResult(
        messageName: stored.table.messageName, image: before.image, sequence: before.version)
    }
    var values = values
    let sequence = takeSequence()
    values[SystemColumn.updatedAt.rawValue] = .timestamp(now)
    values[SystemColumn.version.rawValue] = .int64(Int64(clamping: sequence.rawValue))
    var written = columns + [SystemColumn.updatedAt.rawValue, SystemColumn.version.rawValue]
    if found.unreadable[SystemColumn.createdAt.rawValue] != nil {
      values[SystemColumn.createdAt.rawValue] = .timestamp(now)
      written.append(SystemColumn.createdAt.rawValue)
    }
    if found.unreadable[SystemColumn.deleted.rawValue] != nil,
      !columns.contains(SystemColumn.deleted.rawValue)
    {
      values[SystemColumn.deleted.rawValue] = .bool(before.isDeleted)
      written.append(SystemColumn.deleted.rawValue)
    }
    try run(stored, key: before.key, values: values, expectsChange: true) {
      () throws(SQLiteFailure) in
      let statement = try self.statements(for: stored).update(written)
      for (position, column) in written.enumerated() {
        self.bind(values[column], to: Int32(position + 1), column: column, of: stored, statement)
      }
      statement.bind(Int32(written.count + 1), key.value)
      try statement.run()
    }
    return try finish(
      stored, key: key, values: values, before: before.image, operation: .update,
      sequence: sequence)
  }

  /// Notes the change, and answers with the row as it is now stored.
  private func finish(
    _ stored: StoredTable, key: RowKey, values: [Value], before: RowImage?,
    operation: Change.Operation, sequence: Sequence
  ) throws(WriteFailure) -> WriteResult {
    let table = stored.table
    let image: RowImage
    if stored.isPredictable {
      image = RowEncoder.image(of: values, table: table)
    } else {
      guard let found = try row(key, in: stored), found.row.version == sequence else {
        throw .request(
          DatasyncError(
            .failedPrecondition, reason: "WRITE_REFUSED",
            "a trigger of \(table.name) removes the row, or writes its version, which is the "
              + "server's: change the trigger",
            metadata: ["table": table.name, "id": key.description]))
      }
      if let first = found.unreadable.min(by: { $0.key < $1.key }) { throw .request(first.value) }
      image = found.row.image
    }
    append(
      Change(
        sequence: sequence, tableID: table.id, key: key.description, operation: operation,
        before: before, after: image))
    try adoptSideEffects(of: stored, except: key)
    return WriteResult(messageName: table.messageName, image: image, sequence: sequence)
  }

  // MARK: - Conditions

  private func target(
    _ draft: CurrentDraft, _ condition: WriteCondition
  ) throws(WriteFailure) -> (RowKey, FoundRow?) {
    let table = draft.table
    guard !isAbsent(draft.values[0]), let value = draft.values[0] else {
      throw .request(
        .badField(
          table.key.name, reason: "MISSING_KEY", "the row to write must be named by its key",
          metadata: ["table": table.name, "column": table.key.name]))
    }
    guard !condition.allowMissing || condition.ifVersion == .zero else {
      throw .request(
        .badField(
          "if_version", reason: "BAD_CONDITION",
          "a row that may be missing has no version: give if_version or allow_missing, not both",
          metadata: ["table": table.name]))
    }
    let key = try RowKey(value: value)
    guard let before = try row(key, in: draft.stored) else {
      guard condition.allowMissing else {
        throw .request(notFound(key.description, draft.stored))
      }
      return (key, nil)
    }
    try check(before.row, ifVersion: condition.ifVersion, includeDeleted: condition.includeDeleted)
    return (key, before)
  }

  private func check(
    _ row: StoredRow, ifVersion: Sequence, includeDeleted: Bool
  ) throws(WriteFailure) {
    let metadata = ["table": row.table.name, "id": row.key]
    guard !row.isDeleted || includeDeleted else {
      throw .request(
        DatasyncError(
          .notFound, reason: "ROW_DELETED",
          "the row \"\(row.key.shortened)\" of \(row.table.name) is deleted; include_deleted "
            + "reaches it",
          metadata: metadata))
    }
    guard ifVersion == .zero || ifVersion == row.version else {
      throw .request(
        DatasyncError(
          .failedPrecondition, reason: "VERSION_MISMATCH",
          "the row \"\(row.key.shortened)\" of \(row.table.name) has version \(row.version), not "
            + "\(ifVersion)",
          metadata: metadata, row: row))
    }
  }

  private func notFound(_ key: String, _ stored: StoredTable) -> DatasyncError {
    DatasyncError(
      .notFound, reason: "ROW_NOT_FOUND",
      "there is no row \"\(key.shortened)\" in \(stored.table.name)",
      metadata: ["table": stored.table.name, "id": key])
  }
}
