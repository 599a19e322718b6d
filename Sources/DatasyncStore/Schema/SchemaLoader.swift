import CDatasyncSQLite
import DatasyncFilterSQLite
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
  /// How long tables may be attached; those that are left then wait for the next load. nil: to the end.
  var attachTime: Duration?
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
    /// Whether it might be in this load.
    let mightAlter: Bool
  }

  /// A table that was served by the last load as it is to be: there is nothing to do to it.
  struct Settled: Sendable {
    let entry: TableEntry
    let stored: StoredTable
  }

  private struct Found {
    var raw: RawTable
    var entry: TableEntry
    var isChanged: Bool
    /// Whether its history begins with this load.
    var isNew: Bool
    /// Whether what is known of its rows must be encoded anew.
    var isStale: Bool
    /// Whether its columns are others than they were read, by this load.
    var isAltered: Bool
  }

  private enum Decision {
    case serve(Found)
    case leave(reason: String)
    case wait
  }

  /// - Parameter nextSequence: Is advanced by one for each table attached.
  func load(nextSequence: inout Sequence) throws(SQLiteFailure) -> Loaded {
    let registry = TableRegistry(connection: connection)
    var identity = try TableIdentity(registry: registry)
    let source = try RawSchemaReader.read(connection, previous: previous?.source)
    let entries = identity.match(source.tables)
    var load = Load(
      self, source: source, isMadeForUs: try OwnTables.isMadeForUs(connection),
      isRowsGone: try OwnTables.gone(connection).contains(OwnTables.rows),
      unserved: try RawSchemaReader.untouchable(connection), nextSequence: nextSequence)
    let settled = zip(source.tables, entries).map { self.settled($0, $1, in: load) }
    var raws = source.tables
    if mayAlter {
      for index in raws.indices where settled[index] == nil {
        if try dropTriggersOfOthers(&raws[index], entries[index]) { load.hasAltered = true }
      }
    }
    for (index, raw) in raws.enumerated() {
      if let settled = settled[index] {
        load.keep(settled)
      } else {
        try take(raw, entries[index], &load)
      }
    }
    if !load.lacking.isEmpty {
      try load.attacher.ensureTriggers(load.lacking)
      load.hasAltered = true
    }
    // Entries that nobody has saved are none; the others are remembered as absent.
    for var entry in identity.absent + load.unclaimed where entry.isPresent && entry.attached > 0 {
      entry.isPresent = false
      try registry.save(entry)
    }
    nextSequence = load.nextSequence
    let schema = Schema(
      catalog: catalog(of: load.tables.map(\.table)), tables: load.tables,
      unserved: load.unserved.sorted { $0.name < $1.name },
      hasDeferredKeys: raws.contains { $0.text.hasDeferredKey },
      version: try connection.integer("PRAGMA schema_version") ?? 0,
      source: load.hasAltered ? try source.afterTriggers(of: load.lacking, connection) : source,
      settled: load.settled, left: mayAlter ? load.left : [:])
    return Loaded(
      schema: schema, attached: load.attached, isWaiting: load.isWaiting, mightAlter: mayAlter)
  }

  /// What a load makes, as far as it has come. Confined to one load.
  private struct Load {
    let builder: StoredTableBuilder
    let attacher: TableAttacher
    let survey: FormSurvey
    let isMadeForUs: Bool
    /// Whether another program has dropped what is known of rows of tables beside.
    let isRowsGone: Bool
    let source: RawSchema
    /// When no further table is begun, once one was.
    let deadline: Duration?
    var nextSequence: Sequence
    var unserved: [UnservedTable]
    var tables: [StoredTable] = []
    var attached: [Attached] = []
    var unclaimed: [TableEntry] = []
    var settled: [String: Settled] = [:]
    var left: [String: String] = [:]
    var isWaiting = false
    /// Whether a table was begun that may be altered.
    var hasBegun = false
    /// Whether the schema was altered.
    var hasAltered = false
    /// Tables that get their triggers in the end: it costs less for many at once.
    var lacking: [StoredTable] = []

    init(
      _ loader: SchemaLoader, source: RawSchema, isMadeForUs: Bool, isRowsGone: Bool,
      unserved: [UnservedTable], nextSequence: Sequence
    ) {
      builder = StoredTableBuilder(
        connection: loader.connection, options: loader.options, previous: loader.previous,
        all: source.tables)
      attacher = TableAttacher(
        connection: loader.connection, builder: builder, now: loader.now)
      survey = FormSurvey(
        connection: loader.connection, options: loader.options, all: source.tables)
      self.isMadeForUs = isMadeForUs
      self.isRowsGone = isRowsGone
      self.source = source
      self.unserved = unserved
      self.nextSequence = nextSequence
      deadline = loader.attachTime.map { MonotonicClock.now + $0 }
    }

    /// Whether another table may be altered in this load.
    var hasTime: Bool {
      guard let deadline, hasBegun else { return true }
      return MonotonicClock.now < deadline
    }

    mutating func keep(_ known: Settled) {
      tables.append(known.stored)
      settled[known.stored.raw.name] = known
    }

    mutating func leave(_ name: String, _ reason: String, _ entry: TableEntry) {
      unserved.append(UnservedTable(name: name, reason: reason))
      unclaimed.append(entry)
    }
  }

  /// What the last load has made of a table, where nothing about it is another since.
  private func settled(_ raw: RawTable, _ entry: TableEntry, in load: Load) -> Settled? {
    guard !load.source.changed.contains(raw.name.asciiLowercased),
      let known = previous?.settled[raw.name], known.entry == entry,
      !load.isRowsGone || entry.placement == .within,
      load.builder.isSameAmongOthers(known.stored)
    else { return nil }
    return known
  }

  private func take(
    _ raw: RawTable, _ entry: TableEntry, _ load: inout Load
  ) throws(SQLiteFailure) {
    // Of those that wait for their turn, some may have had it.
    if mayAlter, let reason = previous?.left[raw.name],
      !load.source.changed.contains(raw.name.asciiLowercased)
    {
      load.left[raw.name] = reason
      return load.leave(raw.name, reason, entry)
    }
    let mayAlter = mayAlter && load.hasTime
    load.hasBegun = mayAlter
    switch try decide(raw, entry, load, mayAlter: mayAlter) {
    case .leave(let reason):
      load.left[raw.name] = reason
      load.leave(raw.name, reason, entry)
    case .wait:
      load.isWaiting = true
      load.leave(raw.name, SchemaLoader.waiting, entry)
    case .serve(let found):
      try serve(found, &load, mayAlter: mayAlter)
    }
  }

  private func serve(
    _ found: Found, _ load: inout Load, mayAlter: Bool
  ) throws(SQLiteFailure) {
    var found = found
    let name = found.raw.name
    let stored = try load.builder.build(found.raw, found.entry)
    if found.isNew {
      do {
        try load.attacher.beginHistory(of: stored, at: load.nextSequence)
      } catch  where error.isConstraint {
        load.unserved.append(
          UnservedTable(
            name: name, reason: "its rows cannot get their versions: \(error.message)"))
        return
      }
      found.entry.attached = Int64(clamping: load.nextSequence.rawValue)
      load.attached.append(Attached(table: stored.table, sequence: load.nextSequence))
      load.nextSequence = load.nextSequence.next
    } else if found.isStale {
      try KnownRowsFill(connection: connection, stored: stored).refresh()
    }
    if found.isChanged || found.isNew {
      try TableRegistry(connection: connection).save(found.entry)
    }
    var isSettled = !found.isAltered
    if CaptureTriggers.triggers(of: stored) != stored.ownTriggers {
      if mayAlter {
        load.lacking.append(stored)
      } else {
        load.isWaiting = true
        isSettled = false
      }
    }
    if found.isAltered { load.hasAltered = true }
    load.tables.append(stored)
    if isSettled { load.settled[name] = Settled(entry: found.entry, stored: stored) }
  }

  private static let waiting =
    "it has just appeared or changed: it is served once the schema has been at rest for attach_delay"

  private static let rowsGone =
    "another program has dropped \(OwnTables.rows), where its rows' versions were: stop the server, run "
    + "`datasync check`, and restore a backup, or begin anew with `datasync detach` and `datasync attach`"

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
    _ raw: RawTable, _ entry: TableEntry, _ load: Load, mayAlter: Bool
  ) throws(SQLiteFailure) -> Decision {
    if let obstacle = raw.obstacle { return .leave(reason: obstacle) }
    let attacher = load.attacher
    var entry = entry
    var raw = raw
    var isAltered = false
    let before = entry
    let isKnown = entry.attached > 0
    if isKnown, entry.placement == .beside, load.isRowsGone {
      return .leave(reason: SchemaLoader.rowsGone)
    }
    let isWhole =
      isKnown && entry.isPresent && raw.hasAllTriggers(of: entry.id, entry.placement)
      // Rows may have gone unseen since: the table is read anew.
      && (entry.placement == .beside || raw.findsReplaceConflicts)
    guard isKnown || attaching.includes(raw.name) else {
      return .leave(reason: "it is not attached: run `datasync attach`, or serve with --attach")
    }
    guard isWhole || mayAlter else { return .wait }
    if !isKnown { entry.place(raw, options, isMadeForUs: load.isMadeForUs) }
    if mayAlter, isKnown, entry.placement == .within, options.besideTables.contains(raw.name) {
      raw = try attacher.moveBeside(raw, &entry)
      isAltered = true
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
        guard let whole = try RawSchemaReader.table(connection, named: raw.name) else {
          return .leave(reason: "it is gone")
        }
        raw = whole
        isAltered = true
      }
    }
    if let obstacle = entry.choose(options, raw) { return .leave(reason: obstacle) }
    if entry.placement == .beside,
      let obstacle = try load.survey.survey(&entry, raw, anew: !isWhole || hasMoved(before, entry))
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
          && (hasMoved || entry.needsNewImages(since: before, raw: raw)),
        isAltered: isAltered))
  }

  /// A table that was renamed has taken along the triggers of one that is there under the old name.
  ///
  /// - Returns: Whether there were any.
  private func dropTriggersOfOthers(
    _ raw: inout RawTable, _ entry: TableEntry
  ) throws(SQLiteFailure) -> Bool {
    let count = raw.triggers.count
    for trigger in raw.triggers
    where trigger.isOurs && CaptureTriggers.tableID(ofTrigger: trigger.name) != entry.id {
      try connection.execute("DROP TRIGGER \(trigger.name.quotedIdentifier)")
      raw.triggers.removeAll { $0.name == trigger.name }
    }
    return raw.triggers.count < count
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
