import CDatasyncSQLite
package import DatasyncModel

extension Store {
  /// Verifies that a database is whole, and that its log, versions and rows agree. Reads one
  /// snapshot; a server may go on beside it.
  ///
  /// - Throws: where the file cannot be read at all; what is wrong inside it is in the report.
  package static func check(path: String) throws(DatasyncError) -> CheckReport {
    let opening = StoreOpening(path: path, options: StoreOptions())
    let connection = try opening.connect(busyWait: nil, isLooking: true)
    do {
      try connection.execute("PRAGMA query_only = ON; BEGIN")
      var check = IntegrityCheck(connection: connection)
      try check.run()
      return check.report
    } catch {
      throw opening.explained(error)
    }
  }
}

/// One run of `datasync check`, in a snapshot.
struct IntegrityCheck {
  let connection: Connection
  var report = CheckReport()

  init(connection: Connection) {
    self.connection = connection
  }

  mutating func run() throws(SQLiteFailure) {
    try checkFile()
    guard try OwnTables.exist(connection) else {
      report.add("datasync has never served this database")
      return
    }
    var gone = try OwnTables.gone(connection)
    // Older formats have fewer.
    let hasPlacements = try OwnTables.hasPlacements(connection)
    if !hasPlacements, !gone.contains("datasync_tables") { gone = [] }
    if try !OwnTables.hasPrincipals(connection) { gone.removeAll { $0 == "datasync_consumers" } }
    guard gone.isEmpty else {
      for name in gone {
        report.add(
          "\(name) is gone: another program has dropped it; restore a backup, or begin anew with "
            + "`datasync detach` and `datasync attach`")
      }
      return
    }
    try checkLog()
    try checkOwnTables()
    let raws = try RawSchemaReader.tables(connection)
    var identity: TableIdentity
    do {
      identity = try TableIdentity(registry: TableRegistry(connection: connection))
    } catch  where error.code == SQLITE_CORRUPT {
      report.add("damaged: \(error.message)")
      return
    }
    // A table that was renamed has taken its identity along, noticed or not.
    for (raw, entry) in zip(raws, identity.match(raws)) where entry.isServed {
      try check(entry, raw)
    }
    for entry in identity.absent where entry.isServed {
      report.add("the table is gone; the server will notice", table: entry.presentName)
    }
  }

  private mutating func checkFile() throws(SQLiteFailure) {
    let integrity = try connection.prepare("PRAGMA integrity_check(100)")
    while try integrity.step() {
      let message = integrity.text(0)
      if message != "ok" { report.add("damaged: \(message)") }
    }
    let foreign = try connection.prepare("PRAGMA foreign_key_check")
    while try foreign.step() {
      report.add(
        "a foreign key to \(foreign.text(2)) is unfulfilled", table: foreign.text(0),
        id: "rowid \(foreign.text(1))")
    }
    if try OwnTables.exist(connection), try !OwnTables.gone(connection).contains("datasync_state"),
      try connection.integer("SELECT writing FROM datasync_state") != 0
    {
      report.add("writes of other programs are not noticed: datasync_state.writing is set")
    }
  }

  private mutating func checkLog() throws(SQLiteFailure) {
    report.head = try ChangeLog.head(connection)
    let oldest = try connection.integer("SELECT oldest FROM datasync_state") ?? 0
    report.oldest = Sequence(UInt64(clamping: oldest))
    let statement = try connection.prepare(
      "SELECT sequence, time FROM datasync_log WHERE sequence > ?1 ORDER BY sequence")
    statement.bind(1, oldest)
    var expected = oldest.addingClamped(1)
    while try statement.step() {
      report.changeCount += 1
      let sequence = statement.int64(0)
      if sequence != expected {
        report.add("the log lacks the changes \(expected) to \(sequence.subtractingClamped(1))")
      }
      if expected == oldest.addingClamped(1), statement.isNull(1) {
        report.add("the log begins within a commit, at \(sequence)")
      }
      expected = sequence.addingClamped(1)
    }
  }

  private mutating func check(_ entry: TableEntry, _ raw: RawTable) throws(SQLiteFailure) {
    report.tableCount += 1
    let names = Set(raw.triggers.map(\.name))
    for kind in CaptureTriggers.kinds(entry.placement)
    where !names.contains("datasync_\(entry.id)_\(kind)") {
      report.add(
        "its trigger datasync_\(entry.id)_\(kind) is missing: other programs' writes since then "
          + "are unknown", table: raw.name)
    }
    let loader = SchemaLoader(
      connection: connection, options: StoreOptions(), previous: nil, now: 0)
    let stored = try loader.table(of: entry, raw)
    try checkRows(stored)
    if stored.placement == .beside { try checkKnownRows(stored) }
    try checkLastChanges(stored)
  }

  /// What is known of rows that are not there.
  private mutating func checkKnownRows(_ stored: StoredTable) throws(SQLiteFailure) {
    // Rows that a REPLACE has removed are noted by nobody: the adoption finds them.
    if stored.raw.hasHiddenConflicts {
      let pending = try connection.integer(
        "SELECT 1 FROM datasync_written WHERE table_id = \(stored.table.id) LIMIT 1")
      guard pending == nil else { return }
    }
    let gone = try connection.prepare(
      """
      SELECT r.key FROM datasync_rows AS r WHERE r.table_id = \(stored.table.id)
      AND NOT EXISTS (SELECT 1 FROM \(stored.quotedName) AS t WHERE t.\(stored.quotedKey) = r.key)
      """)
    while try gone.step() {
      guard try !isPending(gone.rawValue(0), stored.table) else { continue }
      report.add(
        "it is known, and not there", table: stored.table.name, id: RowReader.keyText(gone, 0))
    }
  }

  /// Each row against the change that its version names.
  private mutating func checkRows(_ stored: StoredTable) throws(SQLiteFailure) {
    let table = stored.table
    let rows = try connection.prepare(
      "SELECT \(stored.storedColumnList) FROM \(stored.quotedName)")
    let known = KnownRows(tableID: table.id, connection: connection)
    let change = try connection.prepare(
      "SELECT key, after FROM datasync_log WHERE sequence = ?1 AND table_id = ?2")
    while try rows.step() {
      report.rowCount += 1
      let key = RowReader.keyText(rows, 0)
      guard try !isPending(rows.rawValue(0), table) else { continue }
      guard let (row, faults) = try self.row(rows, stored, known) else { continue }
      if let fault = faults.first {
        report.add(
          DatasyncError.unreadable(fault, key: key, table: table).message, table: table.name,
          id: key)
        continue
      }
      if row.version == .zero || row.version > report.head {
        report.add(
          "its version \(row.version) is none that was given", table: table.name, id: key)
        continue
      }
      guard row.version > report.oldest else { continue }
      change.bind(1, Int64(clamping: row.version.rawValue))
      change.bind(2, Int64(table.id))
      defer { change.reset() }
      if try !change.step() {
        report.add("the log has no change \(row.version) for it", table: table.name, id: key)
      } else if change.text(0).isEmpty, change.isNull(1) {
        continue  // As it was when the table was attached.
      } else if change.text(0) != key || change.isNull(1)
        || differs(RowImage(bytes: change.blob(1)), row.image, stored)
      {
        report.add(
          "the row differs from what the log says of version \(row.version)", table: table.name,
          id: key)
      }
    }
  }

  /// A row as it is stored, and as it is known where that is apart; nil where the two differ, which is
  /// reported, or where the key can name no row.
  private mutating func row(
    _ statement: Statement, _ stored: StoredTable, _ known: KnownRows
  ) throws(SQLiteFailure) -> (row: StoredRow, faults: [RowFault])? {
    guard stored.placement == .beside else { return RowReader.row(statement, stored) }
    guard let key = RowKey(stored: statement, 0, table: stored.table) else {
      report.add(
        "its key is one by which no row can be named", table: stored.table.name,
        id: RowReader.keyText(statement, 0))
      return nil
    }
    let row = OwnersRow(statement, stored)
    guard let last = try known.row(key.value) else {
      report.add("nothing is known of it", table: stored.table.name, id: key.description)
      return nil
    }
    guard row.isSame(as: last, key: key.value, table: stored.table) else {
      report.add(
        "it differs from what is known of it", table: stored.table.name, id: key.description)
      return nil
    }
    let found = StoredRow(
      table: stored.table, key: key.description, image: last.image, version: last.version,
      isDeleted: row.isDeleted)
    return (found, row.faults)
  }

  /// Whether a logged image says something else than the row, as far as the schema has not changed
  /// since: columns dropped later are in the log alone, columns added later in the row.
  private func differs(_ logged: RowImage, _ row: RowImage, _ stored: StoredTable) -> Bool {
    let table = stored.table
    let old = RowDecoder.values(of: logged, table: table)
    let new = RowDecoder.values(of: row, table: table)
    return old.indices.contains { index in
      guard old[index] != new[index] else { return false }
      return !(old[index].isNull && stored.defaults[index] == .literal(new[index]))
    }
  }

  /// The last change of each key against the row that is there.
  private mutating func checkLastChanges(_ stored: StoredTable) throws(SQLiteFailure) {
    let table = stored.table
    let last = try connection.prepare(
      """
      SELECT key, max(sequence), after IS NULL FROM datasync_log
      WHERE table_id = ?1 AND sequence > ?2 AND operation & 15 <> 4 AND key <> '' GROUP BY key
      """)
    last.bind(1, Int64(table.id))
    last.bind(2, Int64(clamping: report.oldest.rawValue))
    let row = try connection.prepare(
      stored.placement == .beside
        ? "SELECT version FROM datasync_rows WHERE table_id = \(table.id) AND key = ?1"
        : "SELECT \(stored.quotedColumns[3]) FROM \(stored.quotedName) "
          + "WHERE \(stored.quotedKey) = ?1")
    while try last.step() {
      let key = last.text(0)
      let value = table.hasIntegerKey ? Value.int64(Int64(key) ?? 0) : .string(key)
      guard try !isPending(value, table) else { continue }
      row.bind(1, value)
      defer { row.reset() }
      let isThere = try row.step()
      if last.int(2) != 0 {
        if isThere {
          report.add("the log says that it was deleted", table: table.name, id: key)
        }
      } else if !isThere {
        report.add("the log says that it is there", table: table.name, id: key)
      } else if row.int64(0) < last.int64(1) {
        report.add(
          "its version is \(row.int64(0)), its last change \(last.int64(1))", table: table.name,
          id: key)
      }
    }
  }

  /// Whether another program has just written the row, and the server has not yet adopted it.
  private func isPending(_ key: Value, _ table: Table) throws(SQLiteFailure) -> Bool {
    let statement = try connection.cached(
      """
      SELECT 1 FROM datasync_foreign WHERE table_id = ?1 AND key IS ?2
      UNION ALL SELECT 1 FROM datasync_written WHERE table_id = ?1 AND key IS ?2
      """)
    defer { statement.reset() }
    statement.bind(1, Int64(table.id))
    statement.bind(2, key)
    return try statement.step()
  }
}
