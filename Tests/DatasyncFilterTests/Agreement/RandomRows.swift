import DatasyncFilter
import DatasyncModel

/// Random rows in a database, and as a filter sees them.
enum RandomRows {
  struct Row {
    let rowid: Value
    let values: [Value]
    let naive: [NaiveValue]
    let stored: [Value]
  }

  static func insert(
    _ count: Int, into table: Table, _ database: TestDatabase, _ random: inout RandomSource
  ) throws -> [Row] {
    let places = table.columns.map { _ in "?" }.joined(separator: ", ")
    var cells: [[GeneratedCell]] = []
    for number in 0..<count {
      cells.append(RowGenerator.row(table, number: number + 1, &random))
      try database.run("INSERT INTO t VALUES (\(places))", cells[number].map(\.stored))
    }
    let rowids = try database.run("SELECT rowid FROM t ORDER BY rowid")
    let stored = try database.run("SELECT * FROM t ORDER BY rowid")
    let casts = table.columns.map { "CAST(\"\($0.name)\" AS TEXT)" }.joined(separator: ", ")
    let texts = try database.run("SELECT \(casts) FROM t ORDER BY rowid")
    return cells.indices.map { row in
      let read = table.columns.indices.map { column in
        RandomRows.read(
          cells[row][column], table.columns[column], stored: stored[row][column],
          text: texts[row][column])
      }
      return Row(
        rowid: rowids[row][0], values: read.map(\.value), naive: read.map(\.naive),
        stored: stored[row])
    }
  }

  /// As a filter sees a cell: what SQLite made of loosely typed columns read back.
  private static func read(
    _ cell: GeneratedCell, _ column: Column, stored: Value, text: Value
  ) -> (value: Value, naive: NaiveValue) {
    switch (column.type, cell.naive) {
    case (.timestamp, .moment(let moment)): return (.timestamp(moment), .moment(moment))
    case (.json, nil):
      guard case .string(let text) = text else { return (.null, .null) }
      return (.string(text), .text(text))
    case (_, nil):
      let decimal: NaiveDecimal? =
        switch stored {
        case .int64(let value): NaiveDecimal(value)
        case .double(let value): NaiveDecimal(value.description)
        case .string(let value): NaiveDecimal(value)
        default: nil
        }
      return decimal.map { (.string($0.text), .decimal($0)) } ?? (.null, .null)
    case (.timeOfDay, .time(let time)): return (.string(NaiveValue.timeText(time)), .time(time))
    case (.bytes, .bytes(let bytes)): return (.bytes(bytes), .bytes(bytes))
    case (.bool, .bool(let flag)): return (.bool(flag), .bool(flag))
    case (.uuid, .text(let scalars)):
      let uuid = String(String.UnicodeScalarView(scalars.compactMap(Unicode.Scalar.init)))
      return (.string(uuid), .text(scalars))
    case (_, let naive?): return (cell.stored, naive)
    }
  }
}
