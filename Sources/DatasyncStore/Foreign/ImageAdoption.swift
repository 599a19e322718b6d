import CDatasyncSQLite
import DatasyncModel

/// Gives what the capture triggers of tables within noted its place in the history: sequence, version,
/// time, before-image. Within the writer's transaction.
struct ImageAdoption {
  let transaction: WriteTransaction
  let schema: Schema

  init(transaction: WriteTransaction, schema: Schema? = nil) {
    self.transaction = transaction
    self.schema = schema ?? transaction.schema
  }

  private struct Note {
    let number: Int64
    let tableID: Int
    let key: Value
    let before: [UInt8]?
  }

  /// - Parameters:
  ///   - limit: Most notes at once.
  ///   - written: A row that its writer logs itself.
  /// - Returns: How many notes there were.
  @discardableResult
  func adopt(
    atMost limit: Int, except written: (tableID: Int, key: RowKey)? = nil
  ) throws(SQLiteFailure) -> Int {
    let notes = try self.notes(atMost: limit)
    guard let last = notes.last else { return 0 }
    let forget = try transaction.connection.cached("DELETE FROM datasync_foreign WHERE n <= ?1")
    forget.bind(1, last.number)
    try forget.run()
    let others = notes.filter { note in
      guard let written else { return true }
      return note.tableID != written.tableID || note.key != written.key.value
    }
    guard !others.isEmpty else { return notes.count }
    // The stamp is bookkeeping: neither our triggers nor the owner's have a part in it.
    transaction.connection.setTriggersEnabled(false)
    defer { transaction.connection.setTriggersEnabled(schema.hasSideEffects) }
    for note in others { try adopt(note) }
    return notes.count
  }

  private func notes(atMost limit: Int) throws(SQLiteFailure) -> [Note] {
    let statement = try transaction.connection.cached(
      "SELECT n, table_id, key, before FROM datasync_foreign ORDER BY n LIMIT ?1")
    defer { statement.reset() }
    statement.bind(1, Int64(limit))
    var notes: [Note] = []
    while try statement.step() {
      notes.append(
        Note(
          number: statement.int64(0), tableID: statement.int(1), key: statement.rawValue(2),
          before: statement.isNull(3) ? nil : statement.blob(3)))
    }
    return notes
  }

  private func adopt(_ note: Note) throws(SQLiteFailure) {
    guard let stored = schema.tables[note.tableID], stored.placement == .within else { return }
    let before = try note.before.map { packed throws(SQLiteFailure) in
      try image(packed, of: stored)
    }
    let current = try image(note.key, of: stored)
    guard before?.image != current?.image else { return }
    let key: String
    switch note.key {
    case .int64(let number): key = String(number)
    case .string(let text): key = text
    default: return
    }
    let sequence = transaction.takeSequence()
    var after: Image?
    if current != nil {
      try stamp(note.key, sequence, of: stored)
      after = try image(note.key, of: stored)
    }
    let faulty = FaultyImages(before: before?.isFaulty == true, after: after?.isFaulty == true)
    try transaction.append(
      Change(
        sequence: sequence, tableID: note.tableID, key: key,
        operation: before == nil ? .insert : after == nil ? .delete : .update,
        before: before?.image, after: after?.image, faulty: faulty))
  }

  private func stamp(
    _ key: Value, _ sequence: Sequence, of stored: StoredTable
  ) throws(SQLiteFailure) {
    let statement = try transaction.statements(for: stored).stamp()
    statement.bind(1, key)
    statement.bind(2, Int64(clamping: sequence.rawValue))
    statement.bind(3, transaction.now)
    do {
      try statement.run()
    } catch  where error.isConstraint {
      // A row that breaks its table's own rules (written with them switched off) keeps its version;
      // refusing to go on would stop every other write.
    }
  }

  private typealias Image = (image: RowImage, isFaulty: Bool)

  private func image(_ key: Value, of stored: StoredTable) throws(SQLiteFailure) -> Image? {
    let statement = try transaction.statements(for: stored).select()
    defer { statement.reset() }
    statement.bind(1, key)
    guard try statement.step() else { return nil }
    return image(statement, stored)
  }

  private func image(_ packed: [UInt8], of stored: StoredTable) throws(SQLiteFailure) -> Image {
    let values = PackedRow.values(of: packed)
    let statement = try transaction.statements(for: stored).echo()
    defer { statement.reset() }
    for (index, column) in stored.table.columns.enumerated() {
      statement.bind(Int32(index + 1), values[column.number] ?? .null)
    }
    _ = try statement.step()
    return image(statement, stored)
  }

  private func image(_ statement: Statement, _ stored: StoredTable) -> Image {
    let (row, faults) = RowReader.row(statement, stored)
    return (row.image, !faults.isEmpty)
  }
}
