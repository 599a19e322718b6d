import CDatasyncSQLite
import DatasyncModel

/// Gives what others wrote into tables beside its place in the history. Within the writer's
/// transaction; memory for one row and for what ``WriteTransaction/append(_:)`` keeps.
///
/// The triggers have noted keys in the order in which rows were written, a key as often as it was. For
/// each, what is known is compared with what is stored: the first time there is a difference, later none.
struct KeyAdoption {
  let transaction: WriteTransaction
  let schema: Schema

  private var connection: Connection { transaction.connection }

  /// - Parameter forgets: Whether the notes are removed.
  /// - Returns: How many notes there were.
  @discardableResult
  func adopt(forgets: Bool = true) throws(SQLiteFailure) -> Int {
    try adoptUnnotedFirst()
    let notes = try connection.cached(
      "SELECT table_id, key, created_at FROM datasync_written ORDER BY n")
    var count = 0
    var last: (tableID: Int, key: Value)?
    var written: Set<Int> = []
    while try notes.step() {
      count += 1
      let tableID = notes.int(0)
      let key = notes.rawValue(1)
      if let last, last.tableID == tableID, last.key == key, notes.isNull(2) { continue }
      last = (tableID, key)
      guard let stored = schema.tables[tableID], stored.placement == .beside else { continue }
      written.insert(tableID)
      try adopt(key, of: stored, createdAt: notes.isNull(2) ? nil : notes.int64(2))
    }
    notes.reset()
    guard count > 0 else { return 0 }
    for tableID in written.sorted() {
      guard let stored = schema.tables[tableID], stored.raw.hasHiddenConflicts else { continue }
      try adoptUnnoted(stored)
    }
    if forgets { try connection.cached("DELETE FROM datasync_written").run() }
    return count
  }

  /// - Parameter createdAt: Of a row that came from another key.
  private func adopt(
    _ key: Value, of stored: StoredTable, createdAt: Int64?
  ) throws(SQLiteFailure) {
    let statements = transaction.statements(for: stored)
    let select = try statements.select()
    defer { select.reset() }
    select.bind(1, key)
    let isThere = try select.step()
    guard !key.isNull else { return try tellUnnamed(of: stored) }
    // A number is no text, and yet finds one.
    let row = isThere && select.rawValue(0) == key ? OwnersRow(select, stored) : nil
    let rowKey = RowKey(noted: key, table: stored.table)
    if let strays = row?.strays, !strays.isEmpty { transaction.note(strays: strays, of: stored) }
    let source = AdoptedRow(key: key, rowKey: rowKey, stored: stored, noted: createdAt)
    if let row, statements.known.expectsNew, try insertNew(source, row, statements.known) { return }
    let known = try statements.known.row(key)
    statements.known.expectsNew = known == nil && row != nil
    switch (known, row) {
    case (nil, nil):
      return
    case (let known?, nil):
      try statements.known.remove(key)
      transaction.countRow(of: stored, -1)
      // What nothing can name is told of while it is there; its end is not.
      if let rowKey { try append(rowKey, stored, .delete, before: known, after: nil) }
    case (let known?, let row?) where row.isSame(as: known, key: key, table: stored.table):
      return
    case (let known?, let row?):
      let now = image(of: source, row, createdAt: known.createdAt)
      try statements.known.update(key, now)
      try append(rowKey, stored, .update, before: known, after: now)
    case (nil, let row?):
      _ = try insertNew(source, row, statements.known)
    }
  }

  /// What of a note stays the same whatever is known. A value.
  private struct AdoptedRow {
    let key: Value
    let rowKey: RowKey?
    let stored: StoredTable
    /// When it was made, where it came from another key.
    let noted: Int64?
  }

  private func image(of source: AdoptedRow, _ row: OwnersRow, createdAt: Int64?) -> KnownRow {
    let stamp = RowStamp(
      createdAt: createdAt ?? source.noted ?? transaction.now, updatedAt: transaction.now,
      version: transaction.next)
    return KnownRow(
      createdAt: stamp.createdAt, updatedAt: stamp.updatedAt, version: stamp.version,
      isFaulty: !row.faults.isEmpty,
      image: row.image(key: source.key, stamp, table: source.stored.table))
  }

  /// Most rows of a large transaction are new, and one search finds the place and that nothing is there.
  ///
  /// - Returns: False where the row is known; nothing has happened then.
  private func insertNew(
    _ source: AdoptedRow, _ row: OwnersRow, _ known: KnownRows
  ) throws(SQLiteFailure) -> Bool {
    let now = image(of: source, row, createdAt: nil)
    guard try known.insertNew(source.key, now) else { return false }
    transaction.countRow(of: source.stored, 1)
    try append(source.rowKey, source.stored, .insert, before: nil, after: now)
    return true
  }

  private func append(
    _ key: RowKey?, _ stored: StoredTable, _ operation: Change.Operation, before: KnownRow?,
    after: KnownRow?
  ) throws(SQLiteFailure) {
    let faulty = FaultyImages(before: before?.isFaulty == true, after: after?.isFaulty == true)
    try transaction.append(
      Change(
        sequence: transaction.takeSequence(), tableID: stored.table.id,
        key: key?.description ?? "", operation: operation, before: before?.image,
        after: after?.image, faulty: faulty))
  }

  /// Rows without any key: they are told of once, and nothing is known of them afterwards.
  private func tellUnnamed(of stored: StoredTable) throws(SQLiteFailure) {
    let rows = try connection.cached(
      """
      SELECT \(stored.storedColumnList) FROM \(stored.quotedName)
      WHERE \(stored.quotedKey) IS NULL LIMIT 1
      """)
    defer { rows.reset() }
    guard try rows.step() else { return }
    let row = OwnersRow(rows, stored)
    let stamp = RowStamp(
      createdAt: transaction.now, updatedAt: transaction.now, version: transaction.next)
    try transaction.append(
      Change(
        sequence: transaction.takeSequence(), tableID: stored.table.id, key: "",
        operation: .update, before: nil,
        after: row.image(key: .null, stamp, table: stored.table), faulty: .after))
  }

  // MARK: - What no trigger sees

  /// Of a small transaction, what a REPLACE removed comes before what replaced it, as whoever keeps a
  /// unique index over a copy would want it.
  private func adoptUnnotedFirst() throws(SQLiteFailure) {
    let tables = try connection.cached("SELECT DISTINCT table_id FROM datasync_written LIMIT 1000")
    var ids: [Int] = []
    while try tables.step() { ids.append(tables.int(0)) }
    tables.reset()
    for stored in ids.compactMap({ schema.tables[$0] })
    where stored.placement == .beside && stored.raw.hasHiddenConflicts {
      guard let noted = try self.noted(stored) else { continue }
      var expected = try knownCount(of: stored)
      let statements = transaction.statements(for: stored)
      for key in noted {
        let select = try statements.select()
        select.bind(1, key)
        if try select.step() { expected += 1 }
        select.reset()
        if try statements.known.row(key) != nil { expected -= 1 }
      }
      guard try storedCount(of: stored) != expected else { continue }
      for key in try goneKeys(of: stored) where !noted.contains(key) {
        try adopt(key, of: stored, createdAt: nil)
      }
    }
  }

  /// nil: too many.
  private func noted(_ stored: StoredTable) throws(SQLiteFailure) -> Set<Value>? {
    let statement = try connection.cached(
      "SELECT key FROM datasync_written WHERE table_id = ?1 LIMIT \(KeyAdoption.maxKeysAtOnce)")
    defer { statement.reset() }
    statement.bind(1, Int64(stored.table.id))
    var keys: Set<Value> = []
    var count = 0
    while try statement.step() {
      count += 1
      if !statement.isNull(0) { keys.insert(statement.rawValue(0)) }
    }
    return count == KeyAdoption.maxKeysAtOnce ? nil : keys
  }

  private func knownCount(of stored: StoredTable) throws(SQLiteFailure) -> Int64 {
    if let count = transaction.rowCounts[stored.table.id] { return count }
    let count =
      try connection.integer(
        "SELECT count(*) FROM datasync_rows WHERE table_id = \(stored.table.id)") ?? 0
    transaction.rowCounts[stored.table.id] = count
    return count
  }

  /// Rows without a key are known to nobody.
  private func storedCount(of stored: StoredTable) throws(SQLiteFailure) -> Int64 {
    var sql = "SELECT count(*) FROM \(stored.quotedName)"
    if stored.mayLackKeys {
      sql = "SELECT (\(sql)) - (\(sql) WHERE \(stored.quotedKey) IS NULL)"
    }
    return try connection.integer(sql) ?? 0
  }

  /// Keys that are known and not there, so many at once.
  private func goneKeys(of stored: StoredTable) throws(SQLiteFailure) -> [Value] {
    let gone = try connection.cached(
      """
      SELECT r.key FROM datasync_rows AS r WHERE r.table_id = \(stored.table.id)
      AND NOT EXISTS (SELECT 1 FROM \(stored.quotedName) AS t WHERE t.\(stored.quotedKey) = r.key)
      ORDER BY r.key LIMIT \(KeyAdoption.maxKeysAtOnce)
      """)
    defer { gone.reset() }
    var keys: [Value] = []
    while try gone.step() { keys.append(gone.rawValue(0)) }
    return keys
  }

  /// REPLACE removes rows of other keys without firing a trigger. Whether it has done so shows in the
  /// number of rows, which costs a look at each page of the table's smallest index; only then are the
  /// rows compared one by one.
  private func adoptUnnoted(_ stored: StoredTable) throws(SQLiteFailure) {
    guard try storedCount(of: stored) != knownCount(of: stored) else { return }
    var keys: [Value]
    repeat {
      keys = try goneKeys(of: stored)
      for key in keys { try adopt(key, of: stored, createdAt: nil) }
    } while keys.count == KeyAdoption.maxKeysAtOnce
    // Counted anew: what was counted may have been wrong.
    transaction.rowCounts[stored.table.id] = nil
  }

  private static let maxKeysAtOnce = 10_000
}

extension RowKey {
  /// The key that a trigger noted; nil where it is none by which a row could be named.
  init?(noted value: Value, table: Table) {
    switch value {
    case .int64(let number) where table.hasIntegerKey: self = .integer(number)
    case .string(let text) where !table.hasIntegerKey && !text.isEmpty && !text.utf8.contains(0):
      self = .text(text)
    default: return nil
    }
  }
}
