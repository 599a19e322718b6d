import DatasyncFilterSQLite
package import DatasyncModel

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What `datasync detach` would do, or did. A value.
package struct DetachPlan: Sendable, CustomStringConvertible {
  /// One table that is attached. A value.
  package struct Item: Sendable {
    /// As the database has it.
    package let table: String
    /// The columns that `attach` had added.
    package let droppedColumns: [String]
    /// Rows marked as deleted, which go: without the mark they would be back.
    package let removedRows: UInt64
    /// Why columns of ours stay; empty: none does.
    package var remaining: [String] = []
  }

  /// The database's file, as it was given.
  package let path: String
  /// In order of name; empty where no table is attached.
  package var items: [Item]

  /// Lines for people, one for each thing that is done.
  package var description: String {
    var lines: [String] = []
    for item in items {
      lines.append("\(item.table): drop the triggers")
      if item.removedRows > 0 {
        lines.append("  remove \(item.removedRows) rows that are marked as deleted")
      }
      for column in item.droppedColumns { lines.append("  drop column \(column)") }
      for reason in item.remaining { lines.append("  \(reason)") }
    }
    lines.append("drop the change log and all other tables named datasync_…")
    return lines.joined(separator: "\n")
  }
}

extension Store {
  /// What ``detach(path:)`` would do; changes nothing.
  package static func detachPlan(path: String) throws(DatasyncError) -> DetachPlan {
    try Detach(path: path).plan()
  }

  /// Takes out everything that datasync has put into a database, and leaves the owner's data.
  ///
  /// Columns that `attach` found there stay, with what they hold.
  ///
  /// - Throws: FAILED_PRECONDITION, DATABASE_IN_USE while a server runs on the database.
  package static func detach(path: String) throws(DatasyncError) -> DetachPlan {
    try Detach(path: path).run()
  }
}

/// One run of `datasync detach`.
private struct Detach {
  let path: String
  private let opening: StoreOpening

  init(path: String) {
    self.path = path
    opening = StoreOpening(path: path, options: StoreOptions())
  }

  func plan() throws(DatasyncError) -> DetachPlan {
    let connection = try look()
    return try explaining { () throws(SQLiteFailure) in try plan(connection) }
  }

  func run() throws(DatasyncError) -> DetachPlan {
    let lock = try opening.lock()
    try look().close()
    let connection = try opening.connect(busyWait: nil)
    let identity = try FileIdentity(database: path, lock: lock)
    let plan = try explaining { () throws(SQLiteFailure) in
      do throws(SQLiteFailure) {
        return try take(connection)
      } catch {
        if !connection.isAutocommit { try? connection.execute("ROLLBACK") }
        throw error
      }
    }
    connection.close()
    identity.remove()
    return plan
  }

  /// What a newer datasync has put in, only that one takes out.
  private func look() throws(DatasyncError) -> Connection {
    let connection = try opening.connect(busyWait: nil, isLooking: true)
    do {
      try OwnTables.checkFormat(connection)
      connection.forgetStatements()
      return connection
    } catch {
      connection.close()
      throw error.datasyncError(while: "reading \(path)")
    }
  }

  private func explaining<Result>(
    _ body: () throws(SQLiteFailure) -> Result
  ) throws(DatasyncError) -> Result {
    do {
      return try body()
    } catch {
      throw opening.explained(error)
    }
  }

  private func plan(_ connection: Connection) throws(SQLiteFailure) -> DetachPlan {
    var plan = DetachPlan(path: path, items: [])
    guard try OwnTables.exist(connection) else { return plan }
    let raws = try RawSchemaReader.tables(connection)
    // Where somebody has dropped them, nobody knows which columns were added: they stay.
    let isKnown = try !OwnTables.gone(connection).contains { OwnTables.registry.contains($0) }
    let entries = isKnown ? try TableRegistry(connection: connection).entries() : []
    for raw in raws {
      let id = raw.triggers.lazy.filter(\.isOurs)
        .compactMap { CaptureTriggers.tableID(ofTrigger: $0.name) }.first
      guard let entry = entries.first(where: { $0.id == id || $0.name == raw.name }) else {
        continue
      }
      let added = entry.addedColumns.filter { raw.column($0) != nil }
      var removed: Int64 = 0
      if added.contains("deleted") {
        removed =
          try connection.integer(
            "SELECT count(*) FROM \(raw.name.quotedIdentifier) WHERE deleted = 1") ?? 0
      }
      plan.items.append(
        DetachPlan.Item(
          table: raw.name, droppedColumns: added, removedRows: UInt64(clamping: removed)))
    }
    return plan
  }

  private func take(_ connection: Connection) throws(SQLiteFailure) -> DetachPlan {
    guard try OwnTables.exist(connection) else { return DetachPlan(path: path, items: []) }
    connection.setTriggersEnabled(false)
    // Rows that are deleted here were deleted long ago: nothing may cascade from them now.
    try connection.execute("PRAGMA foreign_keys = OFF")
    try connection.execute("BEGIN IMMEDIATE")
    var plan = try plan(connection)
    let mode = try connection.text(
      "SELECT value FROM datasync_settings WHERE name = 'journal_mode'")
    for raw in try RawSchemaReader.tables(connection) {
      for trigger in raw.triggers where trigger.isOurs {
        try connection.execute("DROP TRIGGER \(trigger.name.quotedIdentifier)")
      }
    }
    for index in plan.items.indices {
      let item = plan.items[index]
      if item.removedRows > 0 {
        try connection.execute("DELETE FROM \(item.table.quotedIdentifier) WHERE deleted = 1")
      }
      for column in item.droppedColumns {
        do {
          try connection.execute(
            "ALTER TABLE \(item.table.quotedIdentifier) DROP COLUMN \(column)")
        } catch  where error.concernsRequest && !connection.isAutocommit {
          // Something of the owner's needs it: a view, an index, a trigger.
          plan.items[index].remaining.append("column \(column) stays: \(error.message)")
        }
      }
    }
    for name in OwnTables.names { try connection.execute("DROP TABLE IF EXISTS \(name)") }
    try connection.execute("COMMIT")
    connection.forgetStatements()
    // With the mode goes the WAL; a reader elsewhere may keep it, which does no harm.
    if let mode, mode != "wal" { _ = try? connection.text("PRAGMA journal_mode = \(mode)") }
    return plan
  }
}
