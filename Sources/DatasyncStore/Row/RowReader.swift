import CDatasyncSQLite
import DatasyncModel

/// Reads whole rows. The statement's first columns are the ones given, in order.
enum RowReader {
  /// A row whose statement selects all of ``Table/columns``.
  static func row(_ statement: Statement, table: Table) throws(DatasyncError) -> StoredRow {
    var encoder = RowEncoder()
    for (index, column) in table.columns.enumerated() {
      do {
        try ColumnReader.append(
          statement, Int32(index), FieldPlan(column), column: column, to: &encoder)
      } catch {
        throw misfit(error, column: column, key: keyText(statement, 0), table: table)
      }
    }
    return StoredRow(
      table: table, key: keyText(statement, 0), image: encoder.finish(),
      version: Sequence(UInt64(clamping: statement.int64(Int32(SystemColumn.version.rawValue)))),
      isDeleted: statement.int64(Int32(SystemColumn.deleted.rawValue)) != 0)
  }

  /// A row as ``row(_:table:)``, whose unreadable values are left out, as if they were NULL.
  ///
  /// - Returns: The row, and what is wrong with each column left out, by the column's index.
  static func rowLeavingOut(
    _ statement: Statement, table: Table
  ) -> (row: StoredRow, unreadable: [Int: DatasyncError]) {
    var encoder = RowEncoder()
    var unreadable: [Int: DatasyncError] = [:]
    let key = keyText(statement, 0)
    for (index, column) in table.columns.enumerated() {
      do {
        try ColumnReader.append(
          statement, Int32(index), FieldPlan(column), column: column, to: &encoder)
      } catch {
        unreadable[index] = misfit(error, column: column, key: key, table: table)
      }
    }
    let row = StoredRow(
      table: table, key: key, image: encoder.finish(),
      version: Sequence(UInt64(clamping: statement.int64(Int32(SystemColumn.version.rawValue)))),
      isDeleted: statement.int64(Int32(SystemColumn.deleted.rawValue)) != 0)
    return (row, unreadable)
  }

  static func keyText(_ statement: Statement, _ index: Int32) -> String {
    switch statement.type(index) {
    case SQLITE_INTEGER: String(statement.int64(index))
    default: statement.text(index)
    }
  }

  static func misfit(
    _ misfit: Misfit, column: Column, key: String, table: Table
  ) -> DatasyncError {
    DatasyncError(
      .dataLoss, reason: "BAD_STORED_VALUE",
      "the row \"\(key.shortened)\" of \(table.name) cannot be read, because of its column "
        + "\(column.name): \(misfit.description)",
      metadata: ["table": table.name, "id": key, "column": column.name])
  }
}
