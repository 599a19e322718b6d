import DatasyncModel

/// Where the rows of a table come from in SQL: the table itself, or, for one who knows an older
/// state of it, a view of the present table in the old names. A value.
struct TableSource {
  let table: Table
  /// After FROM.
  let sql: String

  init(table: Table, current: Table) {
    self.table = table
    if table === current {
      sql = table.name.quotedIdentifier
      return
    }
    let columns = table.columns.map { column in
      let name = column.name.quotedIdentifier
      guard let index = current.index(ofNumber: column.number) else { return "NULL AS \(name)" }
      return "\(current.columns[index].name.quotedIdentifier) AS \(name)"
    }
    sql = "(SELECT \(columns.joined(separator: ", ")) FROM \(current.name.quotedIdentifier))"
  }

  var key: String { table.key.name.quotedIdentifier }

  var notDeleted: String {
    let deleted = table.columns[SystemColumn.deleted.rawValue].name.quotedIdentifier
    return "coalesce(\(deleted), 0) = 0"
  }

  /// All columns of the row whose key is ?1.
  func rowStatement(_ connection: Connection) throws(StoreFailure) -> Statement {
    let columns = table.columns.map(\.name.quotedIdentifier).joined(separator: ", ")
    let text = "SELECT \(columns) FROM \(sql) WHERE \(key) = ?1"
    return try StoreFailure.wrap { () throws(SQLiteFailure) in try connection.cached(text) }
  }
}
