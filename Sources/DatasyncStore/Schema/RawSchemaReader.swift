import DatasyncStorage

/// Reads a database's tables through SQLite's own descriptions.
enum RawSchemaReader {
  /// The owner's tables in order of name; no views, virtual or shadow tables, none of SQLite's or
  /// ours.
  static func tables(_ connection: Connection) throws(SQLiteFailure) -> [RawTable] {
    let triggers = try self.triggers(connection)
    let list = try connection.cached(
      """
      SELECT l.name, l.wr, l.strict, s.sql FROM pragma_table_list AS l
      JOIN sqlite_schema AS s ON s.type = 'table' AND s.name = l.name
      WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite!_%' ESCAPE '!'
        AND l.name NOT LIKE 'datasync!_%' ESCAPE '!' ORDER BY l.name
      """)
    defer { list.reset() }
    var heads: [(name: String, isWithoutRowID: Bool, isStrict: Bool, sql: String)] = []
    while try list.step() {
      heads.append((list.text(0), list.int(1) != 0, list.int(2) != 0, list.text(3)))
    }
    var tables: [RawTable] = []
    for head in heads {
      let columns = try self.columns(connection, of: head.name)
      let indexes = try self.indexes(connection, of: head.name)
      let key = columns.first { $0.keyPosition == 1 }
      let text = CreateTableText(parsing: head.sql, columns: columns.map(\.name))
      let conflicts = ReplaceConflicts(indexes.others, columns: columns, text: text)
      tables.append(
        RawTable(
          name: head.name, sql: head.sql, isWithoutRowID: head.isWithoutRowID,
          isStrict: head.isStrict, columns: columns, uniqueKeys: indexes.keys,
          hasKeyIndex: indexes.hasKeyIndex,
          foreignKeys: try foreignKeys(connection, of: head.name),
          triggers: triggers[head.name.asciiLowercased] ?? [],
          hasHiddenConflicts: !indexes.others.isEmpty
            || (!head.isWithoutRowID && indexes.hasKeyIndex),
          replaceConflicts: try tried(conflicts, connection, of: head.name),
          keyCollation: key.map { connection.collation(of: $0.name, in: head.name) } ?? "BINARY",
          text: text))
    }
    return tables
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

  private static func triggers(
    _ connection: Connection
  ) throws(SQLiteFailure) -> [String: [RawTable.Trigger]] {
    let list = try connection.cached(
      "SELECT tbl_name, name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
    defer { list.reset() }
    var triggers: [String: [RawTable.Trigger]] = [:]
    while try list.step() {
      triggers[list.text(0).asciiLowercased, default: []].append(
        RawTable.Trigger(name: list.text(1), sql: list.text(2)))
    }
    return triggers
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
    _ connection: Connection, of table: String
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
      let sql = try connection.cached(
        "SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?1")
      defer { sql.reset() }
      sql.bind(1, name)
      others.append(
        ReplaceConflicts.Index(
          name: name, columns: columns, collations: collations,
          text: CreateIndexText(parsing: try sql.step() ? sql.text(0) : "")))
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
