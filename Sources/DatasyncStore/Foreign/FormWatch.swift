import CDatasyncSQLite
import DatasyncModel

/// Learns of forms from what other programs write: the first value of an empty column tells its form,
/// and the first one in another form that the column is mixed. Within the writer's transaction.
struct FormWatch {
  let connection: Connection
  let schema: Schema

  /// Finds out the forms of columns that had no value, from rows that others have just written.
  ///
  /// - Returns: Whether anything is new: then the schema has to be loaded again.
  func settleOpenColumns() throws(SQLiteFailure) -> Bool {
    var hasNews = false
    for stored in try writtenTables() {
      var open = stored.storedPositions.filter { stored.storages[$0]?.isOpen == true }
      var found: [Int: ColumnStorage] = [:]
      let notes = try connection.cached("SELECT key FROM datasync_written WHERE table_id = ?1")
      let list = open.map { stored.quotedColumns[$0] }.joined(separator: ", ")
      let columns = open
      let known = KnownRows(tableID: stored.table.id, connection: connection)
      let row = try connection.prepare(
        "SELECT \(list) FROM \(stored.quotedName) WHERE \(stored.quotedKey) = ?1")
      notes.bind(1, Int64(stored.table.id))
      defer { notes.reset() }
      while !open.isEmpty, try notes.step() {
        let key = notes.rawValue(0)
        row.bind(1, key)
        if try row.step() {
          let last = try known.row(key)
          let image = last.map { RowDecoder.values(of: $0.image, table: stored.table) }
          for (index, position) in columns.enumerated() where open.contains(position) {
            let value = row.storedValue(Int32(index))
            guard let storage = stored.storages[position],
              !isOurs(value, known: image?[position] ?? .null, storage),
              let form = FormReader.form(
                of: value, type: storage.type, unit: storage.form),
              form.fits(storage.type)
            else { continue }
            found[position] = ColumnStorage(type: storage.type, form: form)
            open.removeAll { $0 == position }
          }
        }
        row.reset()
      }
      guard !found.isEmpty else { continue }
      hasNews = true
      for (position, storage) in found {
        var storage = storage
        // What we have written so far stands in the form of our own tables.
        storage.isMixed = try !isUniform(position, storage, of: stored)
        try save(storage, at: position, of: stored)
      }
    }
    return hasNews
  }

  /// Those that others have written since the last adoption; in order of their ids.
  private func writtenTables() throws(SQLiteFailure) -> [StoredTable] {
    guard schema.tables.values.contains(where: \.hasOpenForms) else { return [] }
    let list = try connection.cached("SELECT DISTINCT table_id FROM datasync_written ORDER BY 1")
    defer { list.reset() }
    var tables: [StoredTable] = []
    while try list.step() {
      guard let stored = schema.tables[list.int(0)], stored.hasOpenForms else { continue }
      tables.append(stored)
    }
    return tables
  }

  /// Whether a row that another program has written still has in a column what we wrote there.
  private func isOurs(_ value: StoredValue, known: Value, _ storage: ColumnStorage) -> Bool {
    !known.isNull && FormReader.isStored(value, as: storage.form, type: storage.type)
      && (try? FormReader.value(value, type: storage.type, form: storage.form)) == known
  }

  /// Notes that columns hold values in several forms.
  func note(strays: [Int: Set<Int>]) throws(SQLiteFailure) {
    for (tableID, positions) in strays {
      guard let stored = schema.tables[tableID] else { continue }
      for position in positions {
        guard var storage = stored.storages[position] else { continue }
        storage.isMixed = true
        try save(storage, at: position, of: stored)
      }
    }
  }

  private func isUniform(
    _ position: Int, _ storage: ColumnStorage, of stored: StoredTable
  ) throws(SQLiteFailure) -> Bool {
    let values = try connection.prepare(
      "SELECT \(stored.quotedColumns[position]) FROM \(stored.quotedName)")
    while try values.step() {
      guard
        FormReader.isStored(values.storedValue(0), as: storage.form, type: storage.type)
      else { return false }
    }
    return true
  }

  private func save(
    _ storage: ColumnStorage, at position: Int, of stored: StoredTable
  ) throws(SQLiteFailure) {
    let statement = try connection.cached(
      "UPDATE datasync_columns SET form = ?3 WHERE table_id = ?1 AND number = ?2")
    statement.bind(1, Int64(stored.table.id))
    statement.bind(2, Int64(stored.table.columns[position].number))
    statement.bind(3, storage.text)
    try statement.run()
  }
}
