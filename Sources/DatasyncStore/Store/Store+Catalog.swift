package import DatasyncModel

extension Store {
  /// Reads which tables a database serves, without opening it for service; changes nothing.
  ///
  /// - Throws: with a message that names the file and what to do; FAILED_PRECONDITION where no table
  ///   is attached.
  package static func catalog(
    path: String, options: StoreOptions
  ) throws(DatasyncError) -> Catalog {
    let opening = StoreOpening(path: path, options: options)
    let connection = try opening.connect(busyWait: nil)
    let catalog: Catalog
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
      catalog = try loader.load(nextSequence: &next).0.catalog
    } catch let failure as SQLiteFailure {
      throw opening.explained(failure)
    } catch {
      throw (error as? StoreFailure)?.datasyncError(while: "reading \(path)")
        ?? DatasyncError(.internal, "\(path) cannot be read", cause: error)
    }
    guard !catalog.tables.isEmpty else {
      throw DatasyncError(
        .failedPrecondition, reason: "NO_TABLES",
        "no table of \(path) is attached; run datasync attach \(path) first")
    }
    return catalog
  }
}
