import CDatasyncSQLite
import DatasyncModel

/// Reads whole rows.
enum RowReader {
  /// A row of a table within, whose statement selects all of ``Table/columns``. Values that cannot be
  /// read are left out, and the image says so.
  static func row(
    _ statement: Statement, _ stored: StoredTable
  ) -> (row: StoredRow, faults: [RowFault]) {
    row(statement, columns: stored.table)
  }

  /// The same for one who knows an older state of the table.
  static func row(
    _ statement: Statement, columns table: Table
  ) -> (row: StoredRow, faults: [RowFault]) {
    var encoder = RowEncoder()
    var faults: [RowFault] = []
    for (index, column) in table.columns.enumerated() {
      do {
        try ColumnReader.append(
          statement, Int32(index), FieldPlan(column), column: column, to: &encoder)
      } catch {
        faults.append(RowFault(number: column.number, description: error.description))
      }
    }
    RowFaults.append(faults, to: &encoder)
    let row = StoredRow(
      table: table, key: keyText(statement, 0), image: encoder.finish(),
      version: Sequence(UInt64(clamping: statement.int64(Int32(SystemColumn.version.rawValue)))),
      isDeleted: statement.int64(Int32(SystemColumn.deleted.rawValue)) != 0)
    return (row, faults)
  }

  static func keyText(_ statement: Statement, _ index: Int32) -> String {
    switch statement.type(index) {
    case SQLITE_INTEGER: String(statement.int64(index))
    default: statement.text(index)
    }
  }
}
