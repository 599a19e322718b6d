import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel

/// Asks SQLite for its plans. Confined to one call.
struct PlanReader {
  let connection: Connection

  /// The steps of the plan, those within others indented.
  func steps(of sql: SQLFragment) throws(SQLiteFailure) -> [String] {
    let statement = try connection.prepare("EXPLAIN QUERY PLAN \(sql.text)")
    for (index, value) in sql.bindings.enumerated() { statement.bind(Int32(index + 1), value) }
    var steps: [String] = []
    var depths: [Int64: Int] = [:]
    // Columns: id, parent, an unused one, detail. A parent comes before its children.
    while try statement.step() {
      let depth = depths[statement.int64(1)].map { $0 + 1 } ?? 0
      depths[statement.int64(0)] = depth
      steps.append(String(repeating: "  ", count: depth) + statement.text(3))
    }
    return steps
  }

  /// The plan if the index were there, on a copy of the table without its rows: the database itself
  /// stays untouched.
  ///
  /// - Parameter schema: The statements that make the table and its indexes.
  static func steps(
    of sql: SQLFragment, schema: [String], adding index: String
  ) throws(SQLiteFailure) -> [String] {
    let copy = try Connection(path: ":memory:", create: true)
    defer { copy.close() }
    try copy.registerFilterFunctions(.default)
    try ImageField.register(on: copy)
    for statement in schema { try copy.execute(statement) }
    try copy.execute(index)
    return try PlanReader(connection: copy).steps(of: sql)
  }

  /// The statements that made a table and its indexes, the table's first.
  func schema(of table: Table) throws(SQLiteFailure) -> [String] {
    let statement = try connection.prepare(
      """
      SELECT sql FROM sqlite_schema
      WHERE (tbl_name = ?1 COLLATE NOCASE OR tbl_name = 'datasync_rows')
      AND type IN ('table', 'index') AND sql IS NOT NULL
      ORDER BY type = 'index'
      """)
    statement.bind(1, table.name)
    var schema: [String] = []
    while try statement.step() { schema.append(statement.text(0)) }
    return schema
  }

  /// Names that a new index cannot have; lower case.
  func takenNames() throws(SQLiteFailure) -> Set<String> {
    let statement = try connection.prepare("SELECT name FROM sqlite_schema")
    var names: Set<String> = []
    while try statement.step() { names.insert(statement.text(0).asciiLowercased) }
    return names
  }
}
