import CDatasyncSQLite
import DatasyncModel
import DatasyncStorage

/// Makes the catalog from the database, attaching what is to be attached. Within a transaction of
/// the writer, whose triggers are off.
struct SchemaLoader {
  let connection: Connection
  let options: StoreOptions
  /// Names of the tables to attach; nil: none but those that have everything already.
  var attaching: AttachSelection = .ready
  /// Whether the schema may be altered. While others change it nothing is: a table that needs it waits.
  var mayAlter = true
  let previous: Schema?
  /// Microseconds since 1970.
  let now: Int64

  enum AttachSelection {
    /// Only tables that have been served before.
    case ready
    case all
    case named(Set<String>)

    func includes(_ table: String) -> Bool {
      switch self {
      case .ready: false
      case .all: true
      case .named(let names): names.contains(table)
      }
    }
  }

  /// A table whose history begins with this load.
  struct Attached {
    let table: Table
    let sequence: Sequence
  }

  /// What a load made.
  struct Loaded {
    let schema: Schema
    let attached: [Attached]
    /// Whether there is something to be done once the schema may be altered.
    let isWaiting: Bool
  }

  private struct Found {
    var raw: RawTable
    var entry: TableEntry
    var isChanged: Bool
    /// Whether its history begins with this load.
    var isNew: Bool
    /// Whether what is known of its rows must be encoded anew.
    var isStale: Bool
  }

  private enum Decision {
    case serve(Found)
    case leave(reason: String)
    case wait
  }

  /// - Parameter nextSequence: Is advanced by one for each table attached.
  func load(nextSequence: inout Sequence) throws(SQLiteFailure) -> Loaded {
    let registry = TableRegistry(connection: connection)
    let isMadeForUs = try OwnTables.isMadeForUs(connection)
    var identity = try TableIdentity(registry: registry)
    var raws = try RawSchemaReader.tables(connection)
    let builder = StoredTableBuilder(
      connection: connection, options: options, previous: previous, all: raws)
    let attacher = TableAttacher(connection: connection, builder: builder, now: now)
    let survey = FormSurvey(connection: connection, options: options, all: raws)
    var unserved = try RawSchemaReader.untouchable(connection)
    var tables: [StoredTable] = []
    var attached: [Attached] = []
    var isWaiting = false
    var unclaimed: [TableEntry] = []
    let entries = identity.match(raws)
    if mayAlter {
      for index in raws.indices { try dropTriggersOfOthers(&raws[index], entries[index]) }
    }
    for (raw, entry) in zip(raws, entries) {
      switch try decide(raw, entry, attacher, survey, isMadeForUs: isMadeForUs) {
      case .leave(let reason):
        unserved.append(UnservedTable(name: raw.name, reason: reason))
        unclaimed.append(entry)
      case .wait:
        isWaiting = true
        unserved.append(UnservedTable(name: raw.name, reason: SchemaLoader.waiting))
        unclaimed.append(entry)
      case .serve(var found):
        let stored = try builder.build(found.raw, found.entry)
        if found.isNew {
          do {
            try attacher.beginHistory(of: stored, at: nextSequence)
          } catch  where error.isConstraint {
            unserved.append(
              UnservedTable(
                name: raw.name, reason: "its rows cannot get their versions: \(error.message)"))
            continue
          }
          found.entry.attached = Int64(clamping: nextSequence.rawValue)
          attached.append(Attached(table: stored.table, sequence: nextSequence))
          nextSequence = nextSequence.next
        } else if found.isStale {
          try KnownRowsFill(connection: connection, stored: stored).refresh()
        }
        if found.isChanged || found.isNew { try registry.save(found.entry) }
        if CaptureTriggers.triggers(of: stored) != stored.ownTriggers {
          if mayAlter { try attacher.ensureTriggers(stored) } else { isWaiting = true }
        }
        tables.append(stored)
      }
    }
    // Entries that nobody has saved are none; the others are remembered as absent.
    for var entry in identity.absent + unclaimed where entry.isPresent && entry.attached > 0 {
      entry.isPresent = false
      try registry.save(entry)
    }
    let schema = Schema(
      catalog: catalog(of: tables.map(\.table)),
      tables: Dictionary(uniqueKeysWithValues: tables.map { ($0.table.id, $0) }),
      unserved: unserved.sorted { $0.name < $1.name },
      hasDeferredKeys: raws.contains { $0.text.hasDeferredKey },
      version: try connection.integer("PRAGMA schema_version") ?? 0)
    return Loaded(schema: schema, attached: attached, isWaiting: isWaiting)
  }

  private static let waiting =
    "it has just appeared or changed: it is served once the schema has been at rest for attach_delay"

  /// The last catalog, where every table is still the same.
  private func catalog(of tables: [Table]) -> Catalog {
    if let old = previous?.catalog, old.tables.count == tables.count,
      tables.allSatisfy({ old.table(id: $0.id) === $0 })
    {
      return old
    }
    return Catalog(tables: tables, generation: (previous?.catalog.generation ?? 0) + 1)
  }

  // MARK: - One table

  private func decide(
    _ raw: RawTable, _ entry: TableEntry, _ attacher: TableAttacher, _ survey: FormSurvey,
    isMadeForUs: Bool
  ) throws(SQLiteFailure) -> Decision {
    if let obstacle = raw.obstacle { return .leave(reason: obstacle) }
    var entry = entry
    var raw = raw
    let before = entry
    let isKnown = entry.attached > 0
    let isWhole =
      isKnown && entry.isPresent && raw.hasAllTriggers(of: entry.id, entry.placement)
      // Rows may have gone unseen since: the table is read anew.
      && (entry.placement == .beside || raw.findsReplaceConflicts)
    guard isKnown || attaching.includes(raw.name) else {
      return .leave(reason: "it is not attached: run `datasync attach`, or serve with --attach")
    }
    guard isWhole || mayAlter else { return .wait }
    if !isKnown { entry.place(raw, options, isMadeForUs: isMadeForUs) }
    if mayAlter, isKnown, entry.placement == .within, options.besideTables.contains(raw.name) {
      raw = try attacher.moveBeside(raw, &entry)
    }
    if entry.placement == .within {
      if let obstacle = raw.withinObstacle { return .leave(reason: obstacle) }
      if let obstacle = raw.systemColumnObstacle(isOurs: isKnown && before.placement == .within) {
        return .leave(reason: obstacle)
      }
      if !isKnown, let obstacle = try attacher.contentObstacle(raw) {
        return .leave(reason: obstacle)
      }
      if !raw.missingSystemColumns.isEmpty {
        guard mayAlter else { return .wait }
        switch try attacher.addSystemColumns(to: raw) {
        case .failure(let obstacle): return .leave(reason: obstacle.reason)
        case .success(let added): entry.addedColumns += added
        }
        guard
          let whole = try RawSchemaReader.tables(connection).first(where: { $0.name == raw.name })
        else { return .leave(reason: "it is gone") }
        raw = whole
      }
    }
    if let obstacle = entry.choose(options, raw) { return .leave(reason: obstacle) }
    if entry.placement == .beside,
      let obstacle = try survey.survey(&entry, raw, anew: !isWhole || hasMoved(before, entry))
    {
      return .leave(reason: obstacle)
    }
    entry.isPresent = true
    entry.presentName = raw.name
    let renamed = raw.triggers.lazy.filter(\.isOurs)
      .map { CaptureTriggers.columns(in: $0.sql) }.first { !$0.isEmpty }
    let numbersChanged = entry.assignNumbers(to: raw, renamed: isWhole ? renamed ?? [:] : [:])
    let hasMoved = isKnown && hasMoved(before, entry)
    return .serve(
      Found(
        raw: raw, entry: entry,
        isChanged: numbersChanged || !isKnown || hasMoved || entry.differs(from: before),
        isNew: !isWhole,
        isStale: isWhole && entry.placement == .beside
          && (hasMoved || entry.needsNewImages(since: before, raw: raw))))
  }

  /// A table that was renamed has taken along the triggers of one that is there under the old name.
  private func dropTriggersOfOthers(
    _ raw: inout RawTable, _ entry: TableEntry
  ) throws(SQLiteFailure) {
    for trigger in raw.triggers
    where trigger.isOurs && CaptureTriggers.tableID(ofTrigger: trigger.name) != entry.id {
      try connection.execute("DROP TRIGGER \(trigger.name.quotedIdentifier)")
      raw.triggers.removeAll { $0.name == trigger.name }
    }
  }

  private func hasMoved(_ before: TableEntry, _ after: TableEntry) -> Bool {
    before.placement != after.placement
  }

  /// The table that an entry stands for, for those who only look.
  func table(of entry: TableEntry, _ raw: RawTable) throws(SQLiteFailure) -> StoredTable {
    try StoredTableBuilder(connection: connection, options: options, previous: previous, all: [])
      .build(raw, entry)
  }
}

extension TableEntry {
  func differs(from other: TableEntry) -> Bool {
    presentName != other.presentName || softDelete != other.softDelete
      || deleteColumn != other.deleteColumn || isPresent != other.isPresent
      || addedColumns != other.addedColumns || forms != other.forms
  }

  /// Whether images made before are not what rows are now: a column has become another, is gone, or has
  /// come with a value in every row.
  func needsNewImages(since old: TableEntry, raw: RawTable) -> Bool {
    let numbersBefore = Set(old.numbers.values)
    let numbersNow = Set(numbers.values)
    if !numbersBefore.isSubset(of: numbersNow) { return true }
    let hasChosen = raw.columns.contains { column in
      let storage = storage(of: column, in: raw)
      return storage?.isChosen == true
        && old.storage(of: column, in: raw).map { !$0.isChosen || $0.form != storage?.form } ?? true
    }
    if hasChosen { return true }
    return raw.columns.contains { column in
      guard let number = numbers[column.name] else { return false }
      return !numbersBefore.contains(number) && (column.defaultSQL != nil || column.isGenerated)
    }
  }
}

extension StoredTable {
  /// The triggers of ours that were found on it, in order of name.
  var ownTriggers: [RawTable.Trigger] {
    raw.triggers.filter(\.isOurs).sorted { $0.name < $1.name }
  }
}
