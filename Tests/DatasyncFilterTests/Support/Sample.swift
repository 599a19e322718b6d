import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

/// A table with a column of every type, and rows of it in SQLite and as values.
struct Sample {
  static let table = Table(
    id: 1, name: "samples", messageName: "tables.Samples",
    columns: systemColumns(key: "key")
      + columns([
        ("title", .string), ("count", .int64), ("price", .double), ("done", .bool),
        ("data", .bytes), ("due", .timestamp), ("born", .date), ("wakes", .timeOfDay),
        ("amount", .decimal(asWritten: true)), ("rate", .decimal(asWritten: false)),
        ("owner", .uuid), ("extra", .json(asWritten: true)), ("loose", .json(asWritten: false)),
        ("rating", .enumeration(["U", "PG", "A", "X"])), ("and", .string), ("note", .string),
      ]))

  static func systemColumns(key: String, type: ColumnType = .string) -> [Column] {
    let types: [ColumnType] = [type, .timestamp, .timestamp, .int64, .bool]
    return zip([key] + SystemColumn.names.dropFirst(), types).enumerated().map { index, pair in
      Column(
        name: pair.0, type: pair.1, number: index + 1, isNullable: false, isSystem: true)
    }
  }

  static func columns(_ list: [(String, ColumnType)]) -> [Column] {
    list.enumerated().map { index, column in
      Column(
        name: column.0, type: column.1, number: SystemColumn.count + index + 1, isNullable: true)
    }
  }

  /// As a person would declare it.
  static func declaration(of table: Table) -> String {
    let columns = table.columns.map { column in
      let name = "\"\(column.name)\""
      return column.number == 1
        ? "\(name) \(declaredType(column.type)) PRIMARY KEY NOT NULL"
        : "\(name) \(declaredType(column.type))"
    }
    return "CREATE TABLE \"\(table.name)\" (\(columns.joined(separator: ", ")))"
  }

  static func declaredType(_ type: ColumnType) -> String {
    switch type {
    case .bool: "BOOLEAN"
    case .int64: "INTEGER"
    case .double: "REAL"
    case .string, .enumeration: "TEXT"
    case .bytes: "BLOB"
    case .timestamp: "TIMESTAMP"
    case .date: "DATE"
    case .timeOfDay: "TIME"
    case .decimal(let asWritten): asWritten ? "DECIMAL TEXT" : "DECIMAL"
    case .uuid: "UUID"
    case .json(let asWritten): asWritten ? "JSON TEXT" : "JSON"
    }
  }

  /// A row with the values named, null elsewhere.
  static func row(_ values: [String: Value] = [:]) -> [Value] {
    var row = [Value](repeating: .null, count: table.columns.count)
    row[0] = .string("k1")
    row[1] = .timestamp(0)
    row[2] = .timestamp(0)
    row[3] = .int64(1)
    row[4] = .bool(false)
    for (name, value) in values {
      guard let index = table.index(ofColumn: name) else {
        Issue.record("no column \(name)")
        continue
      }
      row[index] = value
    }
    return row
  }

  /// What both back ends say of a row; they must agree.
  static func judge(
    _ text: String, _ row: [Value], table: Table = table, now: Int64 = 0,
    at location: SourceLocation = #_sourceLocation
  ) throws -> Bool {
    let filter = try Filter(parsing: text, table: table)
    let database = try TestDatabase()
    try database.execute(declaration(of: table))
    let places = row.map { _ in "?" }.joined(separator: ", ")
    try database.run("INSERT INTO \"\(table.name)\" VALUES (\(places))", row)
    let sql = filter.sql(now: now)
    let found = try database.run(
      "SELECT 1 FROM \"\(table.name)\" WHERE \(sql.text)", sql.bindings)
    let matches = try filter.matches(row, now: now)
    #expect(
      !found.isEmpty == matches, "SQL and evaluator differ: \(text) as \(sql.text)",
      sourceLocation: location)
    return matches
  }
}
