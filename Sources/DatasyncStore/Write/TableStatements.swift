import DatasyncModel

/// The writer's prepared statements of one table, at one state of the schema. Thread-confined.
final class TableStatements {
  let stored: StoredTable
  private let connection: Connection
  private var updates: [[Int]: Statement] = [:]
  /// Most different sets of columns that are kept.
  private let maxUpdates = 64
  /// So many have statements of their own where one statement may serve all others.
  private let ownUpdates: Int
  private let onConflict: String

  init(_ stored: StoredTable, connection: Connection) {
    self.stored = stored
    self.connection = connection
    // A constraint declared ON CONFLICT REPLACE would remove rows unseen.
    onConflict = stored.raw.text.hasConflictClause ? " OR ABORT" : ""
    // The more columns, the longer it takes to prepare one.
    ownUpdates = max(2, 1024 / max(16, stored.quotedColumns.count))
    writable = stored.storedPositions.filter { !stored.table.columns[$0].isGenerated }
    known = KnownRows(tableID: stored.table.id, connection: connection)
  }

  /// Of a table beside.
  let known: KnownRows

  /// Positions of the columns that an INSERT binds, in order.
  let writable: [Int]

  private var selectStatement: Statement?
  private var insertStatement: Statement?
  private var deleteStatement: Statement?
  private var updateAnyStatement: Statement?
  private var stampStatement: Statement?
  private var echoStatement: Statement?

  /// ``StoredTable/storedPositions`` of the row whose key is ?1.
  func select() throws(SQLiteFailure) -> Statement {
    if let selectStatement { return selectStatement }
    let statement = try connection.prepare(
      "SELECT \(stored.storedColumnList) FROM \(stored.quotedName) "
        + "WHERE \(stored.quotedKey) = ?1")
    selectStatement = statement
    return statement
  }

  /// One row, from the values of ``writable`` in order.
  func insert() throws(SQLiteFailure) -> Statement {
    if let insertStatement { return insertStatement }
    let names = writable.map { stored.quotedColumns[$0] }.joined(separator: ", ")
    let marks = writable.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
    let statement = try connection.prepare(
      "INSERT\(onConflict) INTO \(stored.quotedName) (\(names)) VALUES (\(marks))")
    insertStatement = statement
    return statement
  }

  /// Writes the columns given of one row; whoever asks binds them, and the key, where it says.
  func update(_ columns: [Int]) throws(SQLiteFailure) -> UpdateStatement {
    if let statement = updates[columns] { return UpdateStatement(statement, columns: columns) }
    if updates.count >= ownUpdates, stored.raw.mayUpdateUnchanged {
      let columns = writable.filter { $0 != SystemColumn.key.rawValue }
      return UpdateStatement(try updateAny(columns), choosingFrom: columns)
    }
    let assignments = columns.enumerated().map { position, column in
      "\(stored.quotedColumns[column]) = ?\(position + 1)"
    }
    let statement = try connection.prepare(
      "UPDATE\(onConflict) \(stored.quotedName) SET \(assignments.joined(separator: ", ")) "
        + "WHERE \(stored.quotedKey) = ?\(columns.count + 1)")
    if updates.count >= maxUpdates { updates.removeAll() }
    updates[columns] = statement
    return UpdateStatement(statement, columns: columns)
  }

  /// Of each column in turn, whether it is written and with what, then the key. A statement takes long to
  /// prepare where there are hundreds of columns, and a client may name any of them.
  private func updateAny(_ columns: [Int]) throws(SQLiteFailure) -> Statement {
    if let updateAnyStatement { return updateAnyStatement }
    let assignments = columns.enumerated().map { position, column in
      let name = stored.quotedColumns[column]
      return "\(name) = CASE WHEN ?\(2 * position + 1) THEN ?\(2 * position + 2) ELSE \(name) END"
    }
    let statement = try connection.prepare(
      "UPDATE\(onConflict) \(stored.quotedName) SET \(assignments.joined(separator: ", ")) "
        + "WHERE \(stored.quotedKey) = ?\(2 * columns.count + 1)")
    updateAnyStatement = statement
    return statement
  }

  func delete() throws(SQLiteFailure) -> Statement {
    if let deleteStatement { return deleteStatement }
    let statement = try connection.prepare(
      "DELETE FROM \(stored.quotedName) WHERE \(stored.quotedKey) = ?1")
    deleteStatement = statement
    return statement
  }

  /// Gives a row that another program wrote its version ?2 and time ?3.
  func stamp() throws(SQLiteFailure) -> Statement {
    if let stampStatement { return stampStatement }
    let columns = stored.quotedColumns
    let (created, updated) = (columns[1], columns[2])
    let (version, deleted) = (columns[3], columns[4])
    let statement = try connection.prepare(
      """
      UPDATE \(stored.quotedName) SET \(version) = ?2, \(updated) = ?3,
      \(created) = coalesce(\(created), ?3), \(deleted) = coalesce(\(deleted), 0)
      WHERE \(stored.quotedKey) = ?1
      """)
    stampStatement = statement
    return statement
  }

  /// Gives back what is bound, one value a column: reads values that lie outside of the table.
  func echo() throws(SQLiteFailure) -> Statement {
    if let echoStatement { return echoStatement }
    let marks = stored.table.columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
    let statement = try connection.prepare("SELECT \(marks)")
    echoStatement = statement
    return statement
  }
}
