import DatasyncFilterSQLite
import DatasyncStorage

/// Reads a database's tables through SQLite's own descriptions.
enum RawSchemaReader {
  /// The owner's tables in order of name; no views, virtual or shadow tables, none of SQLite's or
  /// ours.
  static func tables(_ connection: Connection) throws(SQLiteFailure) -> [RawTable] {
    try read(connection, previous: nil).tables
  }

  /// The same with what they were read from. What SQLite says of a table follows from the rows of
  /// `sqlite_schema` that belong to it: where those are as before, it is not asked again.
  static func read(
    _ connection: Connection, previous: RawSchema?
  ) throws(SQLiteFailure) -> RawSchema {
    var (rows, changed) = try SchemaRow.rows(connection, previous: previous?.rows ?? [])
    let heads = try self.heads(connection)
    for head in heads where previous?.table(head.name.asciiLowercased) == nil {
      changed.insert(head.name.asciiLowercased)
    }
    var parts: [String: [SchemaRow]] = [:]
    for row in rows where changed.contains(row.table) { parts[row.table, default: []].append(row) }
    var tables: [RawTable] = []
    tables.reserveCapacity(heads.count)
    for head in heads {
      let name = head.name.asciiLowercased
      if !changed.contains(name), let known = previous?.table(name) {
        tables.append(known)
      } else if let table = try table(head, of: parts[name] ?? [], connection) {
        tables.append(table)
      }
    }
    return RawSchema(tables: tables, rows: rows, changed: changed)
  }

  /// One of the owner's tables; nil: it is not there.
  static func table(
    _ connection: Connection, named name: String
  ) throws(SQLiteFailure) -> RawTable? {
    guard let head = try heads(connection, of: name).first else { return nil }
    return try table(head, of: try SchemaRow.rows(connection, of: head.name), connection)
  }

  /// What SQLite's list of tables says of one.
  private struct Head {
    let name: String
    let isWithoutRowID: Bool
    let isStrict: Bool
  }

  /// - Parameter table: nil: of all.
  private static func heads(
    _ connection: Connection, of table: String? = nil
  ) throws(SQLiteFailure) -> [Head] {
    let list = try connection.cached(
      """
      SELECT name, wr, strict FROM pragma_table_list\(table == nil ? "" : "(?1)")
      WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
        AND name NOT LIKE 'datasync!_%' ESCAPE '!' ORDER BY name
      """)
    defer { list.reset() }
    if let table { list.bind(1, table) }
    var heads: [Head] = []
    while try list.step() {
      heads.append(
        Head(name: list.text(0), isWithoutRowID: list.int(1) != 0, isStrict: list.int(2) != 0))
    }
    return heads
  }

  /// - Parameter rows: Those of `sqlite_schema` that belong to it.
  private static func table(
    _ head: Head, of rows: [SchemaRow], _ connection: Connection
  ) throws(SQLiteFailure) -> RawTable? {
    guard let sql = rows.first(where: { $0.type == "table" })?.sql else { return nil }
    let columns = try self.columns(connection, of: head.name)
    let indexes = try self.indexes(connection, of: head.name, rows)
    let key = columns.first { $0.keyPosition == 1 }
    let text = CreateTableText(parsing: sql, columns: columns.map(\.name))
    let conflicts = ReplaceConflicts(indexes.others, columns: columns, text: text)
    return RawTable(
      name: head.name, sql: sql, isWithoutRowID: head.isWithoutRowID,
      isStrict: head.isStrict, columns: columns, uniqueKeys: indexes.keys,
      hasKeyIndex: indexes.hasKeyIndex,
      foreignKeys: try foreignKeys(connection, of: head.name), triggers: triggers(in: rows),
      hasHiddenConflicts: !indexes.others.isEmpty || (!head.isWithoutRowID && indexes.hasKeyIndex),
      replaceConflicts: try tried(conflicts, connection, of: head.name),
      keyCollation: key.map { connection.collation(of: $0.name, in: head.name) } ?? "BINARY",
      text: text)
  }

  /// Tables of the owner's that are never served, and why.
  static func untouchable(
    _ connection: Connection
  ) throws(SQLiteFailure) -> [UnservedTable] {
    let list = try connection.cached(
      """
      SELECT name FROM sqlite_schema WHERE type = 'table'
      AND name LIKE 'datasync!_%' ESCAPE '!' ORDER BY name
      """)
    defer { list.reset() }
    let ours = Set(OwnTables.names)
    var tables: [UnservedTable] = []
    while try list.step() {
      guard !ours.contains(list.text(0)) else { continue }
      tables.append(
        UnservedTable(
          name: list.text(0), reason: "names that begin with datasync_ are the server's: rename it")
      )
    }
    return tables
  }

  /// In order of name.
  static func triggers(in rows: [SchemaRow]) -> [RawTable.Trigger] {
    rows.filter { $0.type == "trigger" }.sorted { $0.name < $1.name }
      .map { RawTable.Trigger(name: $0.name, sql: $0.sql) }
  }

  private static func columns(
    _ connection: Connection, of table: String
  ) throws(SQLiteFailure) -> [RawTable.Column] {
    let list = try connection.cached(
      "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1, 'main')")
    defer { list.reset() }
    list.bind(1, table)
    var columns: [RawTable.Column] = []
    while try list.step() {
      let hidden = list.int(5)
      guard hidden != 1 else { continue }
      columns.append(
        RawTable.Column(
          name: list.text(0), declaredType: list.text(1), isNotNull: list.int(2) != 0,
          defaultSQL: list.isNull(3) ? nil : list.text(3), keyPosition: list.int(4),
          isGenerated: hidden != 0))
    }
    return columns
  }

  private static func indexes(
    _ connection: Connection, of table: String, _ rows: [SchemaRow]
  ) throws(SQLiteFailure) -> (
    keys: [RawTable.UniqueKey], hasKeyIndex: Bool, others: [ReplaceConflicts.Index]
  ) {
    let list = try connection.cached(
      "SELECT name, origin FROM pragma_index_list(?1, 'main') WHERE \"unique\" ORDER BY seq")
    list.bind(1, table)
    var names: [String] = []
    var hasKeyIndex = false
    while try list.step() {
      if list.text(1) == "pk" { hasKeyIndex = true } else { names.append(list.text(0)) }
    }
    list.reset()
    var keys: [RawTable.UniqueKey] = []
    var others: [ReplaceConflicts.Index] = []
    for name in names {
      let parts = try connection.cached(
        "SELECT name, coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno")
      parts.bind(1, name)
      defer { parts.reset() }
      var columns: [String?] = []
      var collations: [String] = []
      while try parts.step() {
        columns.append(parts.isNull(0) ? nil : parts.text(0))
        collations.append(parts.text(1))
      }
      let named = columns.compactMap { $0 }
      if named.count == columns.count, !columns.isEmpty {
        keys.append(RawTable.UniqueKey(columns: named, collations: collations))
      }
      let sql = rows.first { $0.type == "index" && $0.name == name }?.sql ?? ""
      others.append(
        ReplaceConflicts.Index(
          name: name, columns: columns, collations: collations,
          text: CreateIndexText(parsing: sql)))
    }
    return (keys, hasKeyIndex, others)
  }

  /// What triggers look for is tried before any is made: one that fails would fail every write.
  private static func tried(
    _ conflicts: ReplaceConflicts, _ connection: Connection, of table: String
  ) throws(SQLiteFailure) -> ReplaceConflicts {
    guard conflicts.hasExpressions else { return conflicts }
    var conflicts = conflicts
    let name = table.quotedIdentifier
    for condition in conflicts.conditions {
      do {
        _ = try connection.prepare(
          "SELECT (SELECT 1 FROM \(name) WHERE \(condition)) FROM \(name) AS NEW")
      } catch  where error.concernsRequest {
        conflicts.refuse(
          "the rows that a REPLACE removes by a unique index of it cannot be found "
            + "(\(error.message))")
        break
      }
    }
    return conflicts
  }

  private static func foreignKeys(
    _ connection: Connection, of table: String
  ) throws(SQLiteFailure) -> [RawTable.ForeignKey] {
    let list = try connection.cached(
      """
      SELECT id, "table", "from", "to", on_update, on_delete
      FROM pragma_foreign_key_list(?1, 'main') ORDER BY id, seq
      """)
    defer { list.reset() }
    list.bind(1, table)
    var keys: [RawTable.ForeignKey] = []
    var lastID: Int?
    while try list.step() {
      var columns = [list.text(2)]
      var parentColumns = list.isNull(3) ? [] : [list.text(3)]
      if lastID == list.int(0), let previous = keys.popLast() {
        columns = previous.columns + columns
        parentColumns = previous.parentColumns + parentColumns
      }
      lastID = list.int(0)
      keys.append(
        RawTable.ForeignKey(
          parent: list.text(1), columns: columns, parentColumns: parentColumns,
          onUpdate: list.text(4), onDelete: list.text(5)))
    }
    return keys
  }
}
