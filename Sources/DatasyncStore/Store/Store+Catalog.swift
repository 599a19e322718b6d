package import DatasyncModel

extension Store {
  /// Reads which tables a database serves, without opening it for service; changes nothing.
  ///
  /// - Throws: with a message that names the file and what to do; FAILED_PRECONDITION where no table
  ///   is attached.
  package static func catalog(
    path: String, options: StoreOptions
  ) throws(DatasyncError) -> Catalog {
    try schema(path: path, options: options).catalog
  }

  /// The same as the store sees it.
  static func schema(path: String, options: StoreOptions) throws(DatasyncError) -> Schema {
    let opening = StoreOpening(path: path, options: options)
    let connection = try opening.connect(busyWait: nil)
    let schema: Schema
    do {
      connection.setTriggersEnabled(false)
      // What the loader notes on its way, new field numbers for instance, is taken back.
      try connection.execute("BEGIN IMMEDIATE")
      defer { try? connection.execute("ROLLBACK") }
      try OwnTables.ensure(connection)
      var next = try ChangeLog.head(connection).next
      let loader = SchemaLoader(
        connection: connection, options: options, attaching: .ready, previous: nil,
        now: WallClock.now)
      schema = try loader.load(nextSequence: &next).schema
    } catch let failure as SQLiteFailure {
      throw opening.explained(failure)
    } catch {
      throw (error as? StoreFailure)?.datasyncError(while: "reading \(path)")
        ?? DatasyncError(.internal, "\(path) cannot be read", cause: error)
    }
    guard !schema.catalog.tables.isEmpty else {
      throw DatasyncError(
        .failedPrecondition, reason: "NO_TABLES",
        "no table of \(path) is attached; run datasync attach \(path) first")
    }
    return schema
  }
}
