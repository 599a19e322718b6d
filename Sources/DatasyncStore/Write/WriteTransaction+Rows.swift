import CDatasyncSQLite
import DatasyncModel
import DatasyncStorage

/// What each operation means.
extension WriteTransaction {
  func perform(_ operation: WriteOperation) throws(WriteFailure) -> WriteResult {
    defaultsWritten.removeAll(keepingCapacity: true)
    try prepareRules(for: operation)
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
    let draft = withValuesSet(draft)
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
    if mayBeTooLarge(values) {
      try checkSize(
        RowEncoder.image(of: values, table: stored.table), isFaulty: false, before: nil,
        key: key.isEmpty ? nil : try RowKey(value: values[0]), of: stored.table)
    }
    if rules != nil, !values[0].isNull {
      try checkResult(
        RowEncoder.image(of: values, table: stored.table), before: nil, key: key, of: stored.table)
    }
    try run(stored, key: key, values: values, expectsChange: true) { () throws(SQLiteFailure) in
      let statements = self.statements(for: stored)
      let statement = try statements.insert()
      for (position, column) in statements.writable.enumerated() {
        self.bind(values[column], to: Int32(position + 1), column: column, of: stored, statement)
      }
      try statement.run()
    }
    let isJudged = stored.isPredictable && !values[0].isNull
    if values[0].isNull { values[0] = .int64(connection.lastInsertRowID) }
    return try finish(
      stored, key: try RowKey(value: values[0]), Written(values: values, faults: []), before: nil,
      operation: .insert, sequence: sequence, isJudged: isJudged)
  }

  private func replace(
    _ draft: CurrentDraft, _ condition: WriteCondition
  ) throws(WriteFailure) -> WriteResult {
    let isDeleted = condition.includeDeleted && draft.values[4] == .bool(true)
    let (key, before) = try target(draft, condition, writesMark: isDeleted)
    guard let before else { return try create(draft, isDeleted: isDeleted) }
    let old = RowDecoder.values(of: before.row.image, table: draft.table)
    let kept = columnsKept(of: draft)
    var values = try complete(draft, keeping: kept, of: old)
    for system in SystemColumn.allCases { values[system.rawValue] = old[system.rawValue] }
    for (index, column) in draft.table.columns.enumerated() where column.isGenerated {
      values[index] = old[index]
    }
    if condition.includeDeleted { values[SystemColumn.deleted.rawValue] = .bool(isDeleted) }
    var columns = draft.table.columns.indices.filter {
      $0 >= SystemColumn.count && !draft.table.columns[$0].isGenerated && !kept.contains($0)
    }
    if condition.includeDeleted { columns.append(SystemColumn.deleted.rawValue) }
    return try write(draft.stored, key, before: before, values: values, columns: columns)
  }

  private func update(
    _ draft: CurrentDraft, _ named: [Int], _ condition: WriteCondition
  ) throws(WriteFailure) -> WriteResult {
    let deleted = SystemColumn.deleted.rawValue
    let (key, before) = try target(
      draft, condition,
      writesMark: condition.includeDeleted && named.contains(deleted)
        && draft.values[deleted] == .bool(true))
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
      do {
        values[index] = try prepared(draft.values[index] ?? .null, index, of: draft.stored)
      } catch {
        var written = [Value?].absent(values.count)
        for column in columns { written[column] = draft.values[column] ?? .null }
        throw whole(error, at: index, of: written, in: draft.stored, isWhole: false)
      }
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
    guard let found = try row(key, in: stored), try isVisible(found) else {
      throw .request(.rowNotFound(keyText, in: stored.table))
    }
    let before = found.row
    try check(found, ifVersion: ifVersion, includeDeleted: false) {
      () throws(WriteFailure) in try mayDelete(before)
    }
    if stored.table.softDelete {
      var values = RowDecoder.values(of: before.image, table: stored.table)
      values[SystemColumn.deleted.rawValue] = .bool(true)
      return try write(
        stored, key, before: found, values: values, columns: [SystemColumn.deleted.rawValue],
        isDelete: true)
    }
    let sequence = takeSequence()
    let values = RowDecoder.values(of: before.image, table: stored.table)
    try run(stored, key: keyText, values: values, expectsChange: true) { () throws(SQLiteFailure) in
      let statement = try self.statements(for: stored).delete()
      statement.bind(1, key.value)
      try statement.run()
      if stored.placement == .beside { try self.statements(for: stored).known.remove(key.value) }
    }
    try note(
      Change(
        sequence: sequence, tableID: stored.table.id, key: before.key, operation: .delete,
        before: before.image, after: nil,
        faulty: FaultyImages(before: !found.faults.isEmpty, after: false)))
    countRow(of: stored, -1)
    try adoptSideEffects(of: stored, except: key)
    return WriteResult(
      messageName: stored.table.messageName, image: readableImage(of: found), sequence: sequence)
  }

  /// Writes columns of a row that exists; nothing where they already are so.
  private func write(
    _ stored: StoredTable, _ key: RowKey, before found: FoundRow, values: [Value], columns: [Int],
    isDelete: Bool = false
  ) throws(WriteFailure) -> WriteResult {
    let before = found.row
    let table = stored.table
    let numbers = Set(columns.map { table.columns[$0].number })
    // A value that cannot be read stays as it is where it is not written.
    let rest = Written(
      values: values, faults: found.faults.filter { !numbers.contains($0.number) })
    let proposed = rest.image(of: table)
    if !isDelete { try checkResult(proposed, before: found, key: before.key, of: table) }
    let changed = Set(
      RowDecoder.changedNumbers(from: before.image, to: proposed)
    ).union(found.faults.map(\.number))
    // What is equal is left as it is stored, in whatever form.
    var written = columns.filter { changed.contains(table.columns[$0].number) }
    guard !written.isEmpty else {
      return WriteResult(
        messageName: table.messageName, image: readableImage(of: found), sequence: before.version)
    }
    var values = values
    let sequence = takeSequence()
    values[SystemColumn.updatedAt.rawValue] = .timestamp(now)
    values[SystemColumn.version.rawValue] = .int64(Int64(clamping: sequence.rawValue))
    if stored.placement == .within {
      written += [SystemColumn.updatedAt.rawValue, SystemColumn.version.rawValue]
      if values[SystemColumn.createdAt.rawValue].isNull {
        values[SystemColumn.createdAt.rawValue] = .timestamp(now)
        written.append(SystemColumn.createdAt.rawValue)
      }
      if found.isFaulty(.deleted), !columns.contains(SystemColumn.deleted.rawValue) {
        values[SystemColumn.deleted.rawValue] = .bool(before.isDeleted)
        written.append(SystemColumn.deleted.rawValue)
      }
    }
    if mayBeTooLarge(values) {
      try checkSize(
        rest.image(of: table), isFaulty: !rest.faults.isEmpty, before: found, key: key, of: table)
    }
    let columnsWritten = written
    let valuesWritten = values
    try run(
      stored, key: before.key, values: values, unreadable: found.faults, expectsChange: true
    ) {
      () throws(SQLiteFailure) in
      let update = try self.statements(for: stored).update(columnsWritten)
      update.bind(columnsWritten) { column, position in
        self.bind(
          valuesWritten[column], to: position, column: column, of: stored, update.statement)
      }
      update.statement.bind(update.keyPosition, key.value)
      try update.statement.run()
    }
    let mended = Set(written.map { table.columns[$0].number })
    return try finish(
      stored, key: key,
      Written(values: values, faults: found.faults.filter { !mended.contains($0.number) }),
      before: found, operation: .update, sequence: sequence,
      isJudged: isDelete || stored.isPredictable)
  }

  /// A row as it was written. A value.
  private struct Written {
    var values: [Value]
    /// What is still unreadable in it.
    var faults: [RowFault]

    func stamp(version: Sequence) -> RowStamp {
      func moment(_ column: SystemColumn) -> Int64 {
        if case .timestamp(let moment) = values[column.rawValue] { moment } else { 0 }
      }
      return RowStamp(
        createdAt: moment(.createdAt), updatedAt: moment(.updatedAt), version: version)
    }

    func image(of table: Table) -> RowImage {
      guard !faults.isEmpty else { return RowEncoder.image(of: values, table: table) }
      var encoder = RowEncoder()
      for (column, value) in zip(table.columns, values) { encoder.append(value, to: column) }
      RowFaults.append(faults, to: &encoder)
      return encoder.finish()
    }
  }

  /// Notes the change, and answers with the row as it is now stored.
  ///
  /// - Parameter isJudged: Whether the caller's rules have been asked of the row as it is stored.
  private func finish(
    _ stored: StoredTable, key: RowKey, _ written: Written, before: FoundRow?,
    operation: Change.Operation, sequence: Sequence, isJudged: Bool
  ) throws(WriteFailure) -> WriteResult {
    let table = stored.table
    let after: (image: RowImage, isFaulty: Bool)
    if stored.isPredictable {
      after = (written.image(of: table), !written.faults.isEmpty)
    } else {
      after = try reread(stored, key: key, written, sequence: sequence)
    }
    if !isJudged { try checkResult(after.image, before: before, key: key.description, of: table) }
    try checkSize(after.image, isFaulty: after.isFaulty, before: before, key: key, of: table)
    if stored.placement == .beside {
      try keep(
        after, of: stored, key: key, written.stamp(version: sequence), isNew: before == nil)
    }
    let faulty = FaultyImages(
      before: before.map { !$0.faults.isEmpty } ?? false, after: after.isFaulty)
    try note(
      Change(
        sequence: sequence, tableID: table.id, key: key.description, operation: operation,
        before: before?.row.image, after: after.image, faulty: faulty))
    if before == nil { countRow(of: stored, 1) }
    try adoptSideEffects(of: stored, except: key)
    return WriteResult(
      messageName: table.messageName,
      image: after.isFaulty || after.image.bytes.count > maxRowBytes ? nil : after.image,
      sequence: sequence)
  }

  /// An upper bound is compared: few rows have to be encoded for this.
  private func mayBeTooLarge(_ values: [Value]) -> Bool {
    guard maxRowBytes < .max else { return false }
    var bytes = 0
    for value in values {
      switch value {
      case .string(let text): bytes += text.utf8.count + 16
      case .bytes(let blob): bytes += blob.count + 16
      case .null, .bool, .int64, .double, .timestamp: bytes += 24
      }
    }
    return bytes > maxRowBytes
  }

  /// Refuses a row that no message would hold; one that was so before may be written otherwise.
  private func checkSize(
    _ image: RowImage, isFaulty: Bool, before: FoundRow?, key: RowKey?, of table: Table
  ) throws(WriteFailure) {
    guard image.bytes.count > maxRowBytes, !isFaulty,
      before.map({ $0.row.image.bytes.count <= maxRowBytes }) ?? true
    else { return }
    throw .request(.rowTooLarge(image, key: key, table: table, limit: maxRowBytes))
  }

  /// The row as it came out: SQLite, or a trigger of the owner's, may have made something else of it.
  private func reread(
    _ stored: StoredTable, key: RowKey, _ written: Written, sequence: Sequence
  ) throws(WriteFailure) -> (image: RowImage, isFaulty: Bool) {
    switch stored.placement {
    case .within:
      if let found = try row(key, in: stored), found.row.version == sequence {
        return (found.row.image, !found.faults.isEmpty)
      }
    case .beside:
      if let row = try ownersRow(key, in: stored) {
        let image = row.image(
          key: key.value, written.stamp(version: sequence), table: stored.table)
        return (image, !row.faults.isEmpty)
      }
    }
    throw .request(
      DatasyncError(
        .failedPrecondition, reason: "WRITE_REFUSED",
        stored.placement == .within
          ? "a trigger of \(stored.table.name) removes the row, or writes its version, which is the "
            + "server's: change the trigger"
          : "a trigger of \(stored.table.name) removes the row",
        metadata: ["table": stored.table.name, "id": key.description]))
  }

  private func keep(
    _ after: (image: RowImage, isFaulty: Bool), of stored: StoredTable, key: RowKey,
    _ stamp: RowStamp, isNew: Bool
  ) throws(WriteFailure) {
    let row = KnownRow(
      createdAt: stamp.createdAt, updatedAt: stamp.updatedAt, version: stamp.version,
      isFaulty: after.isFaulty, image: after.image)
    do throws(SQLiteFailure) {
      let known = statements(for: stored).known
      if isNew { try known.insert(key.value, row) } else { try known.update(key.value, row) }
    } catch {
      throw failure(error)
    }
  }

  // MARK: - Conditions

  private func target(
    _ draft: CurrentDraft, _ condition: WriteCondition, writesMark: Bool
  ) throws(WriteFailure) -> (RowKey, FoundRow?) {
    let table = draft.table
    guard !isAbsent(draft.values[0]), let value = draft.values[0] else {
      throw .request(.missingKey(table.key.name, of: table))
    }
    guard !condition.allowMissing || condition.ifVersion == .zero else {
      throw .request(.contradictoryCondition)
    }
    let key = try RowKey(value: value)
    guard let before = try row(key, in: draft.stored), try isVisible(before) else {
      guard condition.allowMissing else {
        throw .request(.rowNotFound(key.description, in: draft.table))
      }
      return (key, nil)
    }
    try check(before, ifVersion: condition.ifVersion, includeDeleted: condition.includeDeleted) {
      () throws(WriteFailure) in try mayUpdate(before.row, writesMark: writesMark)
    }
    return (key, before)
  }

  private func check(
    _ found: FoundRow, ifVersion: Sequence, includeDeleted: Bool,
    isAllowed: () throws(WriteFailure) -> Bool
  ) throws(WriteFailure) {
    let row = found.row
    guard !row.isDeleted || includeDeleted else {
      throw .request(.rowDeleted(row.key, in: row.table))
    }
    guard try isAllowed() else { throw .request(.rowNotAllowed(row.key, in: row.table)) }
    guard ifVersion == .zero || ifVersion == row.version else {
      throw .request(
        .versionMismatch(
          row, ifVersion: ifVersion, shown: readableImage(of: found) == nil ? nil : row))
    }
  }
}

extension DatasyncError {
  /// A write that would make a row which no message holds.
  fileprivate static func rowTooLarge(
    _ image: RowImage, key: RowKey?, table: Table, limit: Int
  ) -> DatasyncError {
    let fault = RowFault.size(of: image.bytes, count: image.bytes.count, limit: limit)
    let column = table.index(ofNumber: fault.number).map { table.columns[$0].name } ?? ""
    var metadata = ["limit": RowFault.sizeLimit, "table": table.name, "column": column]
    if let key { metadata["id"] = key.description }
    return DatasyncError(
      .resourceExhausted, reason: "ROW_TOO_LARGE", "\(column): \(fault.description)",
      metadata: metadata)
  }
}

extension WriteTransaction {
  /// nil where the row cannot be shown: it cannot be read, or no message holds it.
  fileprivate func readableImage(of found: FoundRow) -> RowImage? {
    found.row.image.bytes.count <= maxRowBytes ? found.readableImage : nil
  }
}
