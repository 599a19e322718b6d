import DatasyncFilter
import DatasyncModel

/// Random rows in a database, and as a filter sees them.
enum RandomRows {
  struct Row {
    let rowid: Value
    let values: [Value]
    let naive: [NaiveValue]
    let stored: [Value]

    /// A value as the store keeps it to continue a page: as it is stored where it does not fit.
    func place(of column: Int) -> Value {
      guard values[column] == .null else { return values[column] }
      guard case .bytes(let bytes) = stored[column] else { return stored[column] }
      // Text with a NUL is no text to us.
      return OrderBy.place(ofUnreadable: bytes, isText: bytes.contains(0))
    }
  }

  static func insert(
    _ count: Int, into table: Table, isLoose: Bool, _ database: TestDatabase,
    _ random: inout RandomSource
  ) throws -> [Row] {
    let places = table.columns.map { _ in "?" }.joined(separator: ", ")
    var cells: [[GeneratedCell]] = []
    for number in 0..<count {
      cells.append(
        RowGenerator.row(table, number: number + 1, isLoose: isLoose, &random))
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
    if cell.isUnfit { return (.null, .null) }
    switch (column.type, cell.naive) {
    case (.timestamp, .moment(let moment)): return (.timestamp(moment), .moment(moment))
    case (.json, nil):
      guard case .string(let text) = text, stored != .double(.infinity) else {
        return (.null, .null)
      }
      return (.string(text), .text(text))
    case (_, nil):
      let decimal: NaiveDecimal? =
        switch stored {
        case .int64(let value): NaiveDecimal(value)
        // A decimal has at most 34 digits.
        case .double(let value): abs(value) < 1e34 ? NaiveDecimal(value.description) : nil
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
