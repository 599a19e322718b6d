package import DatasyncModel

/// What `datasync attach` would do, or did, to a database. A value.
package struct AttachPlan: Sendable, CustomStringConvertible {
  /// One table that can be served. A value.
  package struct Item: Sendable {
    package let table: String
    /// The system columns to be added, with their declared types.
    package let addedColumns: [String]
    package let rowCount: UInt64
    package let softDelete: Bool
    /// Whether its history has begun already.
    package let isAttached: Bool
  }

  package let path: String
  /// In order of name.
  package let items: [Item]
  /// Tables that cannot be attached, and why.
  package let skipped: [(table: String, reason: String)]

  /// Lines for people, one for each thing that is done.
  package var description: String {
    var lines: [String] = []
    for item in items {
      let delete = item.softDelete ? ", deletes softly" : ""
      if item.isAttached {
        lines.append("\(item.table): attached already\(delete)")
        continue
      }
      lines.append("\(item.table): \(item.rowCount) rows\(delete)")
      for column in item.addedColumns { lines.append("  add column \(column)") }
      lines.append("  number its columns, make 4 triggers that notice other programs' writes")
      lines.append(
        "  give every row its version; where they are missing, created_at and updated_at")
    }
    for (table, reason) in skipped { lines.append("\(table): not attached, because \(reason)") }
    if lines.isEmpty { lines.append("\(path) has no tables") }
    return lines.joined(separator: "\n")
  }
}

extension Store {
  /// What ``attach(path:tables:softDelete:)`` would do; changes nothing.
  ///
  /// - Parameters:
  ///   - tables: Empty: every table that can be.
  ///   - softDelete: Tables that are to delete softly; `*` for all.
  /// - Throws: NOT_FOUND, TABLE_NOT_FOUND where a named table does not exist.
  package static func attachPlan(
    path: String, tables: [String] = [], softDelete: Set<String> = []
  ) throws(DatasyncError) -> AttachPlan {
    let opening = StoreOpening(path: path, options: StoreOptions())
    let connection = try opening.connect(busyWait: nil, isLooking: true)
    return try attachPlan(opening, connection, tables: tables, softDelete: softDelete)
  }

  /// Adds what the tables lack to be served, and begins their history: one transaction.
  ///
  /// - Returns: What was done.
  /// - Throws: FAILED_PRECONDITION, DATABASE_IN_USE while a server runs on the database.
  package static func attach(
    path: String, tables: [String] = [], softDelete: Set<String> = []
  ) throws(DatasyncError) -> AttachPlan {
    var options = StoreOptions()
    options.softDeleteTables = softDelete
    let opening = StoreOpening(path: path, options: options)
    let lock = try opening.lock()
    let connection = try opening.connect(busyWait: nil)
    let identity = try FileIdentity(database: path, lock: lock)
    let plan = try attachPlan(opening, connection, tables: tables, softDelete: softDelete)
    let names = Set(plan.items.map(\.table))
    let prepared = try opening.prepare(connection, identity: identity, attaching: .named(names))
    identity.writeSynced(
      FileIdentity.Record(historyID: prepared.historyID, head: prepared.head.rawValue))
    let refused = prepared.schema.unserved.filter { names.contains($0.name) }
    return AttachPlan(
      path: path, items: plan.items.filter { item in !refused.contains { $0.name == item.table } },
      skipped: plan.skipped + refused.map { (table: $0.name, reason: $0.reason) })
  }

  private static func attachPlan(
    _ opening: StoreOpening, _ connection: Connection, tables: [String], softDelete: Set<String>
  ) throws(DatasyncError) -> AttachPlan {
    do {
      let raws = try RawSchemaReader.tables(connection)
      for name in tables + softDelete.sorted() where name != "*" {
        guard raws.contains(where: { $0.name == name }) else {
          throw DatasyncError(
            .notFound, reason: "TABLE_NOT_FOUND", "\(opening.path) has no table \(name)",
            metadata: ["table": name])
        }
      }
      let entries =
        try OwnTables.exist(connection) ? TableRegistry(connection: connection).entries() : []
      var items: [AttachPlan.Item] = []
      var skipped: [(table: String, reason: String)] = []
      for raw in raws where tables.isEmpty || tables.contains(raw.name) {
        if let obstacle = raw.obstacle {
          skipped.append((raw.name, obstacle))
          continue
        }
        let entry = entries.first { $0.name == raw.name && $0.isPresent }
        let added = raw.missingSystemColumns.map { column in
          "\(SystemColumn.names[column.rawValue]) "
            + SystemColumnDeclaration.declared(column, isStrict: raw.isStrict)
        }
        let count = try connection.integer("SELECT count(*) FROM \(raw.name.quotedIdentifier)")
        items.append(
          AttachPlan.Item(
            table: raw.name, addedColumns: added, rowCount: UInt64(clamping: count ?? 0),
            softDelete: entry?.softDelete == true || softDelete.contains("*")
              || softDelete.contains(raw.name),
            isAttached: entry?.attached ?? 0 > 0 && added.isEmpty))
      }
      return AttachPlan(path: opening.path, items: items, skipped: skipped)
    } catch let error as DatasyncError {
      throw error
    } catch let failure as SQLiteFailure {
      throw opening.explained(failure)
    } catch {
      throw DatasyncError(.internal, "\(opening.path) cannot be read", cause: error)
    }
  }
}
