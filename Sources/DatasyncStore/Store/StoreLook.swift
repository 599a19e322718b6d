import DatasyncFilter
package import DatasyncModel
package import DatasyncStorage

/// The rows of a database that is not opened for service; it may be served meanwhile, and is not changed. Of a
/// table beside they are as they were last known. Confined to the closure that it is lent to.
package final class StoreLook: RowSource {
  /// The tables that are served.
  package let catalog: Catalog
  /// Of no meaning here: nothing comes after what is looked at.
  package let sequence = Sequence.zero
  private let schema: Schema
  private let opening: StoreOpening
  private let connection: Connection

  fileprivate init(_ schema: Schema, _ opening: StoreOpening, _ connection: Connection) {
    catalog = schema.catalog
    self.schema = schema
    self.opening = opening
    self.connection = connection
  }

  /// - Throws: NOT_FOUND, reason TABLE_NOT_FOUND.
  package func table(named name: String) throws(DatasyncError) -> Table {
    guard let table = catalog.table(named: name) else {
      throw .tableNotFound(name, among: catalog.tables)
    }
    return table
  }

  /// - Returns: The row, deleted or not; nil where there is none.
  package func row(_ key: String, in table: Table) throws(DatasyncError) -> FoundRow? {
    let stored = try stored(table)
    let key = try RowKey(key, table: table)
    do throws(SQLiteFailure) {
      let statement = try connection.prepare(TableSource(table: table, current: stored).rowSQL)
      statement.bind(1, key.value)
      guard try statement.step() else { return nil }
      return Snapshot.foundRow(statement, key: key, in: table, stored)
    } catch {
      throw opening.explained(error)
    }
  }

  package func scan(_ request: ScanRequest) throws(DatasyncError) -> ScanPage {
    let source = TableSource(
      table: request.table, current: try stored(request.table), needed: request.neededColumns)
    do throws(ReadFailure) {
      return try Scan(request, source: source, connection: connection).page()
    } catch {
      switch error {
      case .error(let error): throw error
      case .sqlite(let failure): throw opening.explained(failure)
      }
    }
  }

  package func hasChanges(
    in tables: Set<Int>, after: Sequence
  ) throws(DatasyncError) -> Bool { false }

  private func stored(_ table: Table) throws(DatasyncError) -> StoredTable {
    guard let stored = schema.stored(table) else { throw .tableGone(table) }
    return stored
  }
}

extension Store {
  /// Lends the rows of a database as they are at one moment, without opening it for service.
  ///
  /// - Throws: with a message that names the file and what to do; what the body throws.
  package static func look<Result>(
    path: String, _ body: (StoreLook) throws(DatasyncError) -> Result
  ) throws(DatasyncError) -> Result {
    let options = StoreOptions()
    let schema = try schema(path: path, options: options)
    let opening = StoreOpening(path: path, options: options)
    let connection = try opening.connect(busyWait: nil, isLooking: true)
    defer { connection.close() }
    do throws(SQLiteFailure) {
      try connection.execute("PRAGMA query_only = ON")
      try connection.registerFilterFunctions(options.filterBudget)
      try ImageField.register(on: connection)
      try connection.execute("BEGIN")
    } catch {
      throw opening.explained(error)
    }
    return try body(StoreLook(schema, opening, connection))
  }
}
