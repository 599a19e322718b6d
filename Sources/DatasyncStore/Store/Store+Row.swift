package import DatasyncModel
package import DatasyncStorage

extension Store {
  /// Reads one row without opening the database for service; changes nothing. Of a table beside it is
  /// the row as it was last known.
  ///
  /// - Returns: The row, deleted or not, nil where there is none; and the tables that are served.
  /// - Throws: with a message that names the file and what to do; NOT_FOUND, reason TABLE_NOT_FOUND.
  package static func row(
    _ key: String, ofTable name: String, path: String
  ) throws(DatasyncError) -> (catalog: Catalog, table: Table, row: FoundRow?) {
    let options = StoreOptions()
    let schema = try schema(path: path, options: options)
    let catalog = schema.catalog
    guard let table = catalog.table(named: name), let stored = schema.stored(table) else {
      throw .tableNotFound(name, among: catalog.tables)
    }
    let key = try RowKey(key, table: table)
    let opening = StoreOpening(path: path, options: options)
    let connection = try opening.connect(busyWait: nil, isLooking: true)
    defer { connection.close() }
    do throws(SQLiteFailure) {
      try connection.execute("PRAGMA query_only = ON")
      try ImageField.register(on: connection)
      let statement = try connection.prepare(TableSource(table: table, current: stored).rowSQL)
      statement.bind(1, key.value)
      guard try statement.step() else { return (catalog, table, nil) }
      return (catalog, table, Snapshot.foundRow(statement, key: key, in: table, stored))
    } catch {
      throw opening.explained(error)
    }
  }
}
