/// Makes the triggers of many tables at once. Within a transaction of the writer, whose triggers are off.
///
/// After each CREATE TRIGGER SQLite looks through all of `sqlite_schema` for the row that it has just
/// written, so that the triggers of a thousand tables cost a thousand times a thousand rows. Here the rows
/// are written as CREATE TRIGGER writes them, and SQLite reads its schema once, which checks each of them,
/// before anything is committed; what it does not take is undone, and made by CREATE TRIGGER.
/// Source: sqlite.org/pragma.html#pragma_writable_schema, sqlite.org/lang_altertable.html §7.
struct TriggerBatch {
  let connection: Connection

  /// A trigger and the name of its table.
  typealias Wanted = (table: String, trigger: RawTable.Trigger)

  func make(_ wanted: [Wanted]) throws(SQLiteFailure) {
    guard wanted.count > TriggerBatch.few, let last = wanted.last else {
      return try create(wanted)
    }
    try connection.execute("SAVEPOINT triggers")
    do {
      try write(wanted.dropLast())
      // With this one other connections learn, as ever, that the schema has changed.
      try create([last])
      try connection.execute("RELEASE triggers")
    } catch {
      try connection.execute(
        "ROLLBACK TO triggers; RELEASE triggers; PRAGMA writable_schema = RESET")
      try create(wanted)
    }
  }

  /// So many are made faster one by one than the schema of a small database is read.
  static let few = 50

  private func create(_ wanted: [Wanted]) throws(SQLiteFailure) {
    for (_, trigger) in wanted { try connection.execute(trigger.sql) }
  }

  private func write(_ wanted: ArraySlice<Wanted>) throws(SQLiteFailure) {
    connection.setDefended(false)
    defer { connection.setDefended(true) }
    try connection.execute("PRAGMA writable_schema = ON")
    do {
      let insert = try connection.prepare(
        "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('trigger', ?1, ?2, 0, ?3)"
      )
      for (table, trigger) in wanted {
        insert.bind(1, trigger.name)
        insert.bind(2, table)
        insert.bind(3, trigger.sql)
        try insert.run()
      }
    } catch {
      try connection.execute("PRAGMA writable_schema = OFF")
      throw error
    }
    // Forgets the schema; the statement after it reads it, and fails where it cannot be read.
    try connection.execute("PRAGMA writable_schema = RESET")
    _ = try connection.integer("SELECT 1 FROM sqlite_schema LIMIT 1")
  }
}
