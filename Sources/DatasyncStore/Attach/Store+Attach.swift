import DatasyncFilterSQLite
package import DatasyncModel
import DatasyncStorage

extension Store {
  /// What ``attach(path:choices:)`` would do; changes nothing.
  ///
  /// - Throws: NOT_FOUND, TABLE_NOT_FOUND where a named table does not exist.
  package static func attachPlan(
    path: String, choices: AttachChoices = AttachChoices()
  ) throws(DatasyncError) -> AttachPlan {
    let opening = StoreOpening(path: path, options: choices.applied(to: StoreOptions()))
    let connection = try opening.connect(busyWait: nil, isLooking: true)
    defer { connection.close() }
    return try AttachPlanner(opening: opening, connection: connection, choices: choices).plan()
  }

  /// Does what the tables need to be served, and begins their history: one transaction.
  ///
  /// - Returns: What was done: nothing where a table that was named cannot be attached.
  /// - Throws: FAILED_PRECONDITION, DATABASE_IN_USE while a server runs on the database; NOT_FOUND,
  ///   TABLE_NOT_FOUND.
  package static func attach(
    path: String, choices: AttachChoices = AttachChoices()
  ) throws(DatasyncError) -> AttachPlan {
    let opening = StoreOpening(path: path, options: choices.applied(to: StoreOptions()))
    let lock = try opening.lock()
    // A refusal leaves no trace, in the journal mode neither.
    let plan = try attachPlan(path: path, choices: choices)
    if plan.skipped.contains(where: { choices.namedTables.contains($0.table) }) {
      return AttachPlan(path: path, items: [], skipped: plan.skipped)
    }
    let connection = try opening.connect(busyWait: nil)
    let identity = try FileIdentity(database: path, lock: lock)
    // Rows that go with the mark were deleted long ago: nothing may cascade from them now.
    do { try connection.execute("PRAGMA foreign_keys = OFF") } catch {
      throw opening.explained(error)
    }
    let names = Set(plan.items.map(\.table))
    let prepared = try opening.prepare(connection, identity: identity, attaching: .named(names))
    identity.writeSynced(
      FileIdentity.Record(historyID: prepared.historyID, head: prepared.head.rawValue))
    let refused = prepared.schema.unserved.filter { names.contains($0.name) }
    let refusedNames = Set(refused.map(\.name))
    return AttachPlan(
      path: path, items: plan.items.filter { !refusedNames.contains($0.table) },
      skipped: plan.skipped + refused.map { (table: $0.name, reason: $0.reason) })
  }
}

/// Finds out what an attach would do. Confined to one call.
private struct AttachPlanner {
  let opening: StoreOpening
  let connection: Connection
  let choices: AttachChoices

  func plan() throws(DatasyncError) -> AttachPlan {
    do {
      try OwnTables.checkFormat(connection)
      let raws = try RawSchemaReader.tables(connection)
      let present = Set(raws.map(\.name))
      for name in choices.namedTables where !present.contains(name) {
        throw DatasyncError(
          .notFound, reason: "TABLE_NOT_FOUND",
          "\(opening.path) has no table \(name)"
            + NameSuggestion.clauseOrList(for: name, among: raws.map(\.name), kind: "tables"),
          metadata: ["table": name])
      }
      let options = opening.options
      let builder = StoredTableBuilder(
        connection: connection, options: options, previous: nil, all: raws)
      let entries = try knownEntries(raws)
      var items: [AttachPlan.Item] = []
      var skipped = try RawSchemaReader.untouchable(connection).map {
        (table: $0.name, reason: $0.reason)
      }
      let chosen = Set(choices.tables)
      for (raw, entry) in zip(raws, entries) where chosen.isEmpty || chosen.contains(raw.name) {
        switch try item(raw, entry, builder, all: raws) {
        case .success(let item): items.append(item)
        case .failure(let obstacle): skipped.append((raw.name, obstacle.reason))
        }
      }
      return AttachPlan(path: opening.path, items: items, skipped: skipped)
    } catch let error as DatasyncError {
      throw error
    } catch let failure as SQLiteFailure {
      throw opening.explained(failure)
    } catch let failure as StoreFailure {
      throw failure.datasyncError(while: "reading \(opening.path)")
    } catch {
      throw DatasyncError(.internal, "\(opening.path) cannot be read", cause: error)
    }
  }

  private func knownEntries(_ raws: [RawTable]) throws(SQLiteFailure) -> [TableEntry] {
    guard try OwnTables.exist(connection) else {
      return raws.enumerated().map { TableEntry(new: $1.name, id: $0 + 1) }
    }
    guard try OwnTables.hasPlacements(connection) else {
      // From before tables could be beside: what is attached is within, and stays so.
      let known = try TableRegistry.names(connection)
      return raws.enumerated().map { index, raw in
        var entry = TableEntry(new: raw.name, id: index + 1)
        if known.contains(raw.name) {
          entry.placement = .within
          entry.attached = 1
        }
        return entry
      }
    }
    var identity = try TableIdentity(registry: TableRegistry(connection: connection))
    return identity.match(raws)
  }

  private func item(
    _ raw: RawTable, _ known: TableEntry, _ builder: StoredTableBuilder, all: [RawTable]
  ) throws(SQLiteFailure) -> Result<AttachPlan.Item, TableAttacher.Obstacle> {
    if let obstacle = raw.obstacle { return .failure(TableAttacher.Obstacle(obstacle)) }
    var entry = known
    let isKnown = entry.attached > 0
    let isMoved =
      isKnown && entry.placement == .within && opening.options.besideTables.contains(raw.name)
    if !isKnown { entry.place(raw, opening.options) }
    if isMoved { entry.placement = .beside }
    if entry.placement == .within, let obstacle = raw.withinObstacle {
      return .failure(TableAttacher.Obstacle(obstacle))
    }
    if let obstacle = entry.choose(opening.options, raw) {
      return .failure(TableAttacher.Obstacle(obstacle))
    }
    var added: [String] = []
    if entry.placement == .within, !isKnown {
      let attacher = TableAttacher(connection: connection, builder: builder, now: 0)
      var obstacle = raw.systemColumnObstacle(isOurs: false)
      if obstacle == nil { obstacle = try attacher.contentObstacle(raw) }
      if let obstacle { return .failure(TableAttacher.Obstacle(obstacle)) }
      if let fault = try WithinTrial(connection: connection).fault(raw) {
        return .failure(TableAttacher.Obstacle(fault))
      }
      added = raw.missingSystemColumns.map { column in
        "\(SystemColumn.names[column.rawValue]) "
          + SystemColumnDeclaration.declared(column, isStrict: raw.isStrict)
      }
    }
    if entry.placement == .beside,
      let obstacle = try FormSurvey(
        connection: connection, options: opening.options, all: all
      ).survey(&entry, raw, anew: !isKnown)
    {
      return .failure(TableAttacher.Obstacle(obstacle))
    }
    _ = entry.assignNumbers(to: raw, renamed: [:])
    let stored = try builder.build(raw, entry)
    let count = try connection.integer("SELECT count(*) FROM \(raw.name.quotedIdentifier)") ?? 0
    return .success(
      AttachPlan.Item(
        table: raw.name, isBeside: entry.placement == .beside,
        notWithin: !isKnown && entry.placement == .beside && opening.options.isWithin(raw.name)
          ? raw.withinObstacle : nil,
        columns: stored.plannedColumns,
        addedColumns: added, rowCount: UInt64(clamping: count),
        deletes: entry.softDelete ? .mark(column: entry.deleteColumn ?? "deleted") : .remove,
        isAttached: isKnown, isMoved: isMoved))
  }
}

extension StoredTable {
  fileprivate var plannedColumns: [AttachPlan.PlannedColumn] {
    storedPositions.map { position in
      let column = table.columns[position]
      return AttachPlan.PlannedColumn(
        field: column.name, storedName: column.storedName, type: column.type.plainName,
        form: storages[position].flatMap { $0.form == .declared ? nil : $0.planned },
        isKey: position == SystemColumn.key.rawValue, isGenerated: column.isGenerated)
    }
  }
}

extension ColumnType {
  /// As Describe names it.
  fileprivate var plainName: String {
    switch self {
    case .bool: "BOOL"
    case .int64: "INT64"
    case .double: "DOUBLE"
    case .string: "STRING"
    case .bytes: "BYTES"
    case .timestamp: "TIMESTAMP"
    case .date: "DATE"
    case .timeOfDay: "TIME_OF_DAY"
    case .decimal: "DECIMAL"
    case .uuid: "UUID"
    case .json: "JSON"
    case .enumeration: "ENUM"
    }
  }
}

extension ColumnStorage {
  /// As a plan says it.
  fileprivate var planned: String {
    if isOpen { return "\(form.description), until a value tells another form" }
    return isMixed ? "\(form.description), mixed with others" : form.description
  }
}
