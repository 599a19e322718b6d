import CDatasyncSQLite

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The owner's tables as they were at one reading, with the texts that they were read from. Immutable.
final class RawSchema: Sendable {
  /// In order of name; no views, virtual or shadow tables, none of SQLite's or ours.
  let tables: [RawTable]
  /// The rows of `sqlite_schema` that make tables, in order of rowid.
  let rows: [SchemaRow]
  /// Tables of which the reading before knew another text, or none, in small letters.
  let changed: Set<String>
  private let positions: [String: Int]

  init(tables: [RawTable], rows: [SchemaRow], changed: Set<String>) {
    positions = Dictionary(
      tables.enumerated().map { ($1.name.asciiLowercased, $0) },
      uniquingKeysWith: { first, _ in first })
    self.tables = positions.count == tables.count ? tables : RawSchema.tellingAlike(tables)
    self.rows = rows
    self.changed = changed
  }

  /// Two names that differ in nothing but how Unicode composes their letters are one to Swift, and to a
  /// person who reads them: the first in order is served.
  private static func tellingAlike(_ tables: [RawTable]) -> [RawTable] {
    var names: Set<String> = []
    return tables.map { table in
      var table = table
      table.isNamedAlike = !names.insert(table.name.asciiLowercased).inserted
      return table
    }
  }

  /// - Parameter name: In small letters.
  func table(_ name: String) -> RawTable? { positions[name].map { tables[$0] } }
}

extension RawSchema {
  /// The same once triggers were made and dropped, and nothing else.
  ///
  /// - Parameter altered: Those of which that is so; others whose rows are not as before are read with
  ///   the next load.
  func afterTriggers(
    of altered: [StoredTable], _ connection: Connection
  ) throws(SQLiteFailure) -> RawSchema {
    let known = Set(altered.map { $0.raw.name.asciiLowercased })
    let (rows, changed) = try SchemaRow.rows(connection, previous: rows)
    var parts: [String: [SchemaRow]] = [:]
    for row in rows where known.contains(row.table) { parts[row.table, default: []].append(row) }
    let tables = tables.compactMap { table -> RawTable? in
      let name = table.name.asciiLowercased
      guard changed.contains(name) else { return table }
      guard let part = parts[name], part.contains(where: { $0.sql == table.sql }) else {
        return nil
      }
      var table = table
      table.triggers = RawSchemaReader.triggers(in: part)
      return table
    }
    return RawSchema(tables: tables, rows: rows, changed: changed)
  }
}

/// A row of `sqlite_schema` that belongs to a table: its own, or that of an index or a trigger of it.
/// Immutable.
final class SchemaRow: Sendable {
  let rowID: Int64
  let type: String
  let name: String
  /// In small letters.
  let table: String
  /// Empty: of an index that a constraint makes.
  let sql: String
  /// As the row has it.
  private let tableName: String

  /// - Parameter statement: One of ``select``.
  fileprivate init(_ statement: Statement) {
    rowID = statement.int64(0)
    type = statement.text(1)
    name = statement.text(2)
    tableName = statement.text(3)
    table = tableName.asciiLowercased
    sql = statement.text(4)
  }

  fileprivate static let select = """
    SELECT rowid, type, name, tbl_name, sql FROM sqlite_schema
    WHERE type IN ('table', 'index', 'trigger')
    """

  /// Whether a statement stands at this row; makes no strings.
  fileprivate func isAt(_ statement: Statement) -> Bool {
    statement.int64(0) == rowID && SchemaRow.isSame(statement.bytes(4), sql)
      && SchemaRow.isSame(statement.bytes(2), name)
      && SchemaRow.isSame(statement.bytes(3), tableName)
      && SchemaRow.isSame(statement.bytes(1), type)
  }

  private static func isSame(_ bytes: UnsafeRawBufferPointer, _ text: String) -> Bool {
    var text = text
    return text.withUTF8 { known in
      guard known.count == bytes.count else { return false }
      guard let start = known.baseAddress, let other = bytes.baseAddress else { return true }
      return memcmp(start, other, bytes.count) == 0
    }
  }
}

extension SchemaRow {
  /// All of them; those that are as they were at an earlier reading are the same objects.
  ///
  /// - Returns: The tables, in small letters, that rows have come to or gone from, too.
  static func rows(
    _ connection: Connection, previous: [SchemaRow]
  ) throws(SQLiteFailure) -> (rows: [SchemaRow], changed: Set<String>) {
    let statement = try connection.cached("\(select) ORDER BY rowid")
    defer { statement.reset() }
    var rows: [SchemaRow] = []
    rows.reserveCapacity(previous.count)
    var changed: Set<String> = []
    var next = 0
    while try statement.step() {
      let rowID = statement.int64(0)
      while next < previous.count, previous[next].rowID < rowID {
        changed.insert(previous[next].table)
        next += 1
      }
      if next < previous.count, previous[next].isAt(statement) {
        rows.append(previous[next])
        next += 1
      } else {
        let row = SchemaRow(statement)
        changed.insert(row.table)
        rows.append(row)
      }
    }
    for row in previous[next...] { changed.insert(row.table) }
    return (rows, changed)
  }

  /// Those of one table.
  static func rows(
    _ connection: Connection, of table: String
  ) throws(SQLiteFailure) -> [SchemaRow] {
    let statement = try connection.cached("\(select) AND tbl_name = ?1 COLLATE NOCASE")
    defer { statement.reset() }
    statement.bind(1, table)
    var rows: [SchemaRow] = []
    while try statement.step() { rows.append(SchemaRow(statement)) }
    return rows
  }
}
