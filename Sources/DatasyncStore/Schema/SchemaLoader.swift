import CDatasyncSQLite
import DatasyncModel

/// Makes the catalog from the database, attaching what is to be attached. Within a transaction of
/// the writer, whose triggers are off.
struct SchemaLoader {
  let connection: Connection
  let options: StoreOptions
  /// Names of the tables to attach; nil: none but those that have everything already.
  var attaching: AttachSelection = .ready
  let previous: Schema?
  /// Microseconds since 1970.
  let now: Int64

  enum AttachSelection {
    /// Only tables that have the system columns.
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

  private struct Found {
    var raw: RawTable
    var entry: TableEntry
    var isChanged: Bool
  }

  /// - Parameter nextSequence: Is advanced by one for each table attached.
  func load(nextSequence: inout Sequence) throws(SQLiteFailure) -> (Schema, [Attached]) {
    let registry = TableRegistry(connection: connection)
    var entries = try registry.entries()
    var messages = MessageNames(known: entries.map(\.message))
    var unserved: [(name: String, reason: String)] = []
    var found: [Found] = []
    var attachedNow: [(index: Int, sequence: Sequence)] = []
    var claimed: Set<Int> = []
    let raws = try RawSchemaReader.tables(connection)
    for raw in raws {
      let lacking = raw.missingSystemColumns.map { SystemColumn.names[$0.rawValue] }
      guard let raw = try servable(raw, &unserved) else { continue }
      var match = try entry(
        of: raw, entries: &entries, messages: &messages, claimed: &claimed, registry: registry)
      if !lacking.isEmpty {
        match.entry.addedColumns.append(contentsOf: lacking)
        match.isChanged = true
      }
      let isBroken = !match.entry.isPresent || !hasAllTriggers(raw, id: match.entry.id)
      match.entry.isPresent = true
      if softDeletes(raw.name), !match.entry.softDelete {
        match.entry.softDelete = true
        match.isChanged = true
      }
      if match.entry.attached == 0 || isBroken {
        do {
          try fill(raw, version: nextSequence)
        } catch  where error.isConstraint {
          unserved.append((raw.name, "its rows cannot get their versions: \(error.message)"))
          continue
        }
        match.entry.attached = Int64(clamping: nextSequence.rawValue)
        match.isChanged = true
        attachedNow.append((found.count, nextSequence))
        nextSequence = nextSequence.next
      }
      found.append(match)
    }
    for match in found where match.isChanged { try registry.save(match.entry) }
    for var entry in entries where !claimed.contains(entry.id) && entry.isPresent {
      entry.isPresent = false
      try registry.save(entry)
    }
    let tables = try build(found, all: raws)
    for stored in tables { try ensureTriggers(stored) }
    let served = Dictionary(uniqueKeysWithValues: tables.map { ($0.table.id, $0) })
    let schema = Schema(
      catalog: catalog(of: tables.map(\.table)), tables: served, unserved: unserved,
      hasDeferredKeys: raws.contains { $0.text.hasDeferredKey },
      version: try connection.integer("PRAGMA schema_version") ?? 0)
    return (
      schema, attachedNow.map { Attached(table: tables[$0.index].table, sequence: $0.sequence) }
    )
  }

  /// The last catalog, where every table is still the same.
  private func catalog(of tables: [Table]) -> Catalog {
    if let old = previous?.catalog, old.tables.count == tables.count,
      tables.allSatisfy({ old.table(id: $0.id) === $0 })
    {
      return old
    }
    return Catalog(tables: tables, generation: (previous?.catalog.generation ?? 0) + 1)
  }

  private func softDeletes(_ table: String) -> Bool {
    options.softDeleteTables.contains("*") || options.softDeleteTables.contains(table)
  }

  /// The table with its system columns; nil and a reason where it cannot be served.
  private func servable(
    _ raw: RawTable, _ unserved: inout [(name: String, reason: String)]
  ) throws(SQLiteFailure) -> RawTable? {
    if let obstacle = raw.obstacle {
      unserved.append((raw.name, obstacle))
      return nil
    }
    let missing = raw.missingSystemColumns
    guard !missing.isEmpty else { return raw }
    guard attaching.includes(raw.name) else {
      let names = missing.map { SystemColumn.names[$0.rawValue] }.joined(separator: ", ")
      unserved.append((raw.name, "it lacks \(names): run `datasync attach`"))
      return nil
    }
    do {
      try connection.execute("SAVEPOINT attach")
      for column in missing {
        let name = SystemColumn.names[column.rawValue]
        let type = SystemColumnDeclaration.declared(column, isStrict: raw.isStrict)
        try connection.execute(
          "ALTER TABLE \(raw.name.quotedIdentifier) ADD COLUMN \(name) \(type)")
      }
      try connection.execute("RELEASE attach")
    } catch  where error.concernsRequest {
      // Something in the schema stands against it; the other tables must be served all the same.
      try connection.execute("ROLLBACK TO attach; RELEASE attach")
      unserved.append((raw.name, "its system columns cannot be added: \(error.message)"))
      return nil
    }
    return try RawSchemaReader.tables(connection).first { $0.name == raw.name }
  }

  private func entry(
    of raw: RawTable, entries: inout [TableEntry], messages: inout MessageNames,
    claimed: inout Set<Int>, registry: TableRegistry
  ) throws(SQLiteFailure) -> Found {
    let ours = raw.triggers.filter(\.isOurs)
    let idByTrigger = ours.lazy.compactMap { CaptureTriggers.tableID(ofTrigger: $0.name) }.first
    var index = entries.firstIndex { $0.id == idByTrigger && !claimed.contains($0.id) }
    for (position, entry) in entries.enumerated()
    where index == nil && entry.name == raw.name && !claimed.contains(entry.id) {
      if try !isElsewhere(entry) { index = position }
    }
    var isChanged = false
    let position: Int
    if let index {
      position = index
    } else {
      let id = max(try registry.nextID(), (entries.map(\.id).max() ?? 0) + 1)
      entries.append(
        TableEntry(
          id: id, name: raw.name,
          message: messages.name(ofTable: raw.name, id: id),
          softDelete: false, attached: 0, nextNumber: SystemColumn.count + 1,
          addedColumns: [], isPresent: true))
      position = entries.count - 1
      isChanged = true
    }
    claimed.insert(entries[position].id)
    var entry = entries[position]
    if entry.name != raw.name {
      entry.name = raw.name
      isChanged = true
    }
    let renamed = ours.lazy.map { CaptureTriggers.columns(in: $0.sql) }.first { !$0.isEmpty }
    if entry.assignNumbers(to: raw, renamed: renamed ?? [:]) { isChanged = true }
    return Found(raw: raw, entry: entry, isChanged: isChanged || !entry.isPresent)
  }

  /// Whether the entry's table still exists under another name, to which its triggers moved.
  private func isElsewhere(_ entry: TableEntry) throws(SQLiteFailure) -> Bool {
    let sql = """
      SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'
      AND name = 'datasync_\(entry.id)_update' AND tbl_name <> \(entry.name.quotedLiteral)
      """
    return try connection.integer(sql) ?? 0 != 0
  }

  private func hasAllTriggers(_ raw: RawTable, id: Int) -> Bool {
    let names = Set(raw.triggers.map(\.name))
    return ["delete", "insert_after", "insert_before", "update"].allSatisfy {
      names.contains("datasync_\(id)_\($0)")
    }
  }

  /// Begins the history of a table's rows.
  private func fill(_ raw: RawTable, version: Sequence) throws(SQLiteFailure) {
    let statement = try connection.prepare(
      """
      UPDATE \(raw.name.quotedIdentifier) SET version = ?1, created_at = coalesce(created_at, ?2),
      updated_at = coalesce(updated_at, ?2), deleted = coalesce(deleted, 0)
      """)
    statement.bind(1, Int64(clamping: version.rawValue))
    statement.bind(2, now)
    try statement.run()
  }

  // MARK: - Tables

  /// - Parameter all: The tables that are not served, too: their keys may point at those that are.
  private func build(_ found: [Found], all: [RawTable]) throws(SQLiteFailure) -> [StoredTable] {
    var parentsWithActions: Set<String> = []
    var inDeferredKeys: Set<String> = []
    for raw in all {
      for key in raw.foreignKeys {
        if key.hasAction { parentsWithActions.insert(key.parent.asciiLowercased) }
        if raw.text.hasDeferredKey {
          inDeferredKeys.insert(key.parent.asciiLowercased)
          inDeferredKeys.insert(raw.name.asciiLowercased)
        }
      }
    }
    var tables: [StoredTable] = []
    for match in found {
      let name = match.raw.name.asciiLowercased
      tables.append(
        try build(
          match, isParentWithActions: parentsWithActions.contains(name),
          isInDeferredKey: inDeferredKeys.contains(name)))
    }
    return tables
  }

  private func build(
    _ match: Found, isParentWithActions: Bool, isInDeferredKey: Bool
  ) throws(SQLiteFailure) -> StoredTable {
    let raw = match.raw
    var parts: [(column: Column, affinity: Affinity, defaultSQL: String?)] = []
    for column in raw.columns {
      let number = match.entry.numbers[column.name] ?? 0
      let declared = raw.declaredType(of: column)
      let type =
        switch number {
        case 1:
          declared.type == .int64 ? ColumnType.int64 : declared.type == .uuid ? .uuid : .string
        case 2, 3: ColumnType.timestamp
        case 4: ColumnType.int64
        case 5: ColumnType.bool
        default: declared.type
        }
      let model = Column(
        name: column.name, type: type, number: number,
        isNullable: number > SystemColumn.count && !column.isNotNull,
        hasDefault: column.defaultSQL != nil, isSystem: number <= SystemColumn.count,
        isGenerated: column.isGenerated)
      parts.append((model, declared.affinity, column.defaultSQL))
    }
    parts.sort { $0.column.number < $1.column.number }
    let table = Table(
      id: match.entry.id, name: raw.name,
      messageName: options.messagePackage.isEmpty
        ? match.entry.message : "\(options.messagePackage).\(match.entry.message)",
      columns: parts.map(\.column), softDelete: match.entry.softDelete,
      defaultPageSize: options.defaultPageSize, maxPageSize: options.maxPageSize,
      generation: (previous?.catalog.generation ?? 0) + 1, comment: raw.text.comment,
      columnComments: comments(raw))
    var defaults: [StoredTable.Default] = []
    for part in parts {
      defaults.append(
        try DefaultReader(connection: connection).value(
          of: part.defaultSQL, column: part.column, affinity: part.affinity))
    }
    return StoredTable(
      table: kept(table) ?? table, raw: raw, affinities: parts.map(\.affinity), defaults: defaults,
      isParentWithActions: isParentWithActions, isInDeferredKey: isInDeferredKey)
  }

  /// The table that an entry stands for, for those who only look.
  func table(of entry: TableEntry, _ raw: RawTable) throws(SQLiteFailure) -> StoredTable {
    try build(
      Found(raw: raw, entry: entry, isChanged: false), isParentWithActions: false,
      isInDeferredKey: false)
  }

  private func comments(_ raw: RawTable) -> [String: String] {
    var comments: [String: String] = [:]
    for column in raw.columns {
      comments[column.name] = raw.text.columnComments[column.name.asciiLowercased]
    }
    return comments
  }

  /// The table of the last catalog, where nothing about it has changed.
  private func kept(_ table: Table) -> Table? {
    guard let old = previous?.catalog.table(id: table.id) else { return nil }
    let isSame =
      old.name == table.name && old.messageName == table.messageName && old.columns == table.columns
      && old.softDelete == table.softDelete && old.comment == table.comment
      && old.columnComments == table.columnComments
    return isSame ? old : nil
  }

  private func ensureTriggers(_ stored: StoredTable) throws(SQLiteFailure) {
    let wanted = CaptureTriggers(table: stored.table, raw: stored.raw).triggers
    let present = stored.raw.triggers.filter(\.isOurs)
    guard wanted != present.sorted(by: { $0.name < $1.name }) else { return }
    for trigger in present {
      try connection.execute("DROP TRIGGER \(trigger.name.quotedIdentifier)")
    }
    for trigger in wanted { try connection.execute(trigger.sql) }
  }
}
