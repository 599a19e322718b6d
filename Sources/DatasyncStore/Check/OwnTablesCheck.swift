import CDatasyncSQLite
import DatasyncModel

/// Whether our own tables hold only what we write into them, row by row: what is left of a file that
/// was damaged, or edited by hand.
extension IntegrityCheck {
  mutating func checkOwnTables() throws(SQLiteFailure) {
    try checkSettings()
    try checkState()
    let tables = try tableIDs()
    try checkLogEntries(tables)
    try checkMutations()
    try checkNotes(tables)
    try checkConsumers()
  }

  private mutating func checkSettings() throws(SQLiteFailure) {
    let statement = try connection.prepare("SELECT name, value FROM datasync_settings")
    while try statement.step() {
      let isSound =
        switch (statement.text(0), statement.rawValue(1)) {
        case ("format", .int64(let number)): (1...OwnTables.format).contains(number)
        case ("history_id", .string(let id)): !id.isEmpty
        case ("token_key", .bytes(let key)): key.count == OwnTables.tokenKeyBytes
        case ("inode", .int64), ("clock", .int64), ("journal_mode", .string): true
        case ("format", _), ("history_id", _), ("token_key", _), ("inode", _), ("clock", _),
          ("journal_mode", _):
          false
        default: true
        }
      if !isSound { addOwn("its value is none that was set", "settings", statement.text(0)) }
    }
  }

  private mutating func checkState() throws(SQLiteFailure) {
    let statement = try connection.prepare(
      """
      SELECT typeof(oldest) || typeof(log_bytes) || typeof(log_through), oldest, log_bytes,
        log_through FROM datasync_state
      """)
    var count = 0
    while try statement.step() {
      count += 1
      let isSound =
        statement.text(0) == "integerintegerinteger"
        && [1, 3].allSatisfy { column in
          statement.int64(column) >= 0
            && UInt64(clamping: statement.int64(column)) <= report.head.rawValue
        } && statement.int64(2) >= 0
      if !isSound { addOwn("the bounds of the log are none that it can have", "state", "") }
    }
    if count != 1 { addOwn("it has \(count) rows, and must have one", "state", "") }
  }

  private func tableIDs() throws(SQLiteFailure) -> Set<Int> {
    let statement = try connection.prepare("SELECT id FROM datasync_tables")
    var ids: Set<Int> = []
    while try statement.step() { ids.insert(statement.int(0)) }
    return ids
  }

  private mutating func checkLogEntries(_ tables: Set<Int>) throws(SQLiteFailure) {
    let principal = try OwnTables.hasPrincipals(connection) ? "principal" : "NULL"
    let statement = try connection.prepare(
      """
      SELECT sequence, table_id, operation, key, time, origin, before, after, \(principal)
      FROM datasync_log ORDER BY sequence
      """)
    while try statement.step() {
      let operation = LogOperation(rawValue: statement.int(2))
      let hasImage = !statement.isNull(6) || !statement.isNull(7)
      let isSound =
        statement.int64(0) > 0
        && (tables.contains(statement.int(1)) || operation.operation == .tableAttached)
        && operation.isKnown && (operation.operation == .tableAttached) != hasImage
        && statement.type(3) == SQLITE_TEXT && isText(statement, 3)
        && [SQLITE_INTEGER, SQLITE_NULL].contains(statement.type(4))
        && [5, 8].allSatisfy {
          [SQLITE_TEXT, SQLITE_NULL].contains(statement.type($0)) && isText(statement, $0)
        }
        && [6, 7].allSatisfy { isImage(statement, $0) }
      if !isSound { addOwn("the change is none that was logged", "log", statement.text(0)) }
    }
  }

  private func isText(_ statement: Statement, _ index: Int32) -> Bool {
    String(utf8: statement.bytes(index)) != nil
  }

  private func isImage(_ statement: Statement, _ index: Int32) -> Bool {
    switch statement.type(index) {
    case SQLITE_NULL: true
    case SQLITE_BLOB: RowDecoder.isWhole(statement.bytes(index))
    default: false
    }
  }

  private mutating func checkMutations() throws(SQLiteFailure) {
    let statement = try connection.prepare(
      "SELECT id, typeof(fingerprint), typeof(time), results FROM datasync_mutations")
    while try statement.step() {
      let isSound =
        statement.text(1) == "blob" && statement.text(2) == "integer"
        && statement.type(3) == SQLITE_BLOB && StoredResults.decode(statement.bytes(3)) != nil
      if !isSound {
        addOwn("what was answered cannot be read", "mutations", statement.text(0))
      }
    }
  }

  private mutating func checkNotes(_ tables: Set<Int>) throws(SQLiteFailure) {
    let statement = try connection.prepare("SELECT n, table_id, key, before FROM datasync_foreign")
    while try statement.step() {
      let isSound =
        tables.contains(statement.int(1))
        && [SQLITE_INTEGER, SQLITE_TEXT].contains(statement.type(2))
        && (statement.isNull(3) || PackedRow.isWhole(statement.blob(3)))
      if !isSound { addOwn("the note of a write is none of ours", "foreign", statement.text(0)) }
    }
  }

  private mutating func checkConsumers() throws(SQLiteFailure) {
    guard try OwnTables.hasPrincipals(connection) else { return }
    let statement = try connection.prepare(
      "SELECT name, history, position, typeof(position) || typeof(moved_at) FROM datasync_consumers"
    )
    while try statement.step() {
      let isSound =
        [0, 1].allSatisfy { statement.type($0) == SQLITE_TEXT && isText(statement, $0) }
        && statement.text(3) == "integerinteger" && statement.int64(2) >= 0
      if !isSound {
        addOwn("its position is none that was written", "consumers", statement.text(0))
      }
    }
  }

  private mutating func addOwn(_ message: String, _ table: String, _ id: String) {
    report.add(message, table: "datasync_\(table)", id: id)
  }
}
