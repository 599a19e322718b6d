import CDatasyncSQLite
import DatasyncFilterSQLite
import DatasyncModel

/// SQLite names the first constraint that a row breaks; here are the others.
extension ConstraintExplainer {
  /// The constraints that the row breaks besides the one that SQLite has named; none where that cannot
  /// be told for certain.
  func others(_ failure: SQLiteFailure, _ values: [Value]) -> [DatasyncError.FieldViolation] {
    guard isKnown, values.count == stored.table.columns.count, !stored.raw.text.hasConflictClause
    else { return [] }
    let named = columns(in: failure.message).first
    let missing = zip(stored.table.columns, values).filter { column, value in
      column.needsValue && value.isNull && column.name != named
    }
    return missing.map { DatasyncError.valueMissing($0.0) } + failedChecks(failure, values)
  }

  private func failedChecks(
    _ failure: SQLiteFailure, _ values: [Value]
  ) -> [DatasyncError.FieldViolation] {
    let checks = stored.raw.text.checks.filter { check in
      ![check.name, check.expression].contains { name in
        name.map { failure.message == "CHECK constraint failed: \($0)" } ?? false
      }
    }
    guard !checks.isEmpty, let row = try? rowSQL(values) else { return [] }
    return checks.prefix(ConstraintExplainer.maxChecks).compactMap { check in
      guard let column = check.column.flatMap({ stored.field(ofColumn: $0) }),
        (try? fails(check, row, values)) == true
      else { return nil }
      return .init(field: column, description: "CHECK failed: \(check.name ?? check.expression)")
    }
  }

  private func fails(
    _ check: CreateTableText.Check, _ row: String, _ values: [Value]
  ) throws(SQLiteFailure) -> Bool {
    let statement = try connection.prepare(
      "SELECT 1 FROM (\(row)) AS \(stored.raw.name.quotedIdentifier) WHERE NOT (\(check.expression))"
    )
    bindAll(values, statement)
    return try statement.step()
  }

  /// A SELECT of the row as it would have been stored, of columns with the table's own names and
  /// affinities; nil where a column of the table is not among those that are written.
  private func rowSQL(_ values: [Value]) throws(SQLiteFailure) -> String? {
    let columns = writtenColumns
    guard columns.count == stored.raw.columns.count,
      !stored.raw.sql.uppercased().contains("COLLATE")
    else { return nil }
    let types = try connection.prepare(
      "SELECT " + columns.indices.map { "typeof(?\($0 + 1))" }.joined(separator: ", "))
    bindAll(values, types)
    guard try types.step() else { return nil }
    var terms: [String] = []
    for (position, column) in columns.enumerated() {
      let type = types.text(Int32(position))
      guard
        let term = ConstraintExplainer.term(
          "?\(position + 1)", of: type, as: stored.affinities[column])
      else { return nil }
      let name = stored.table.columns[column].storedName
      terms.append("\(term) AS \(name.quotedIdentifier)")
    }
    return "SELECT " + terms.joined(separator: ", ")
  }

  private var writtenColumns: [Int] {
    stored.table.columns.indices.filter { index in
      index == SystemColumn.key.rawValue || stored.placement == .within
        || index >= SystemColumn.count && !stored.table.columns[index].isGenerated
    }
  }

  private func bindAll(_ values: [Value], _ statement: Statement) {
    for (position, column) in writtenColumns.enumerated() {
      bind(values[column], Int32(position + 1), column, statement)
    }
  }

  /// A cast to the type that a value has already gives it the affinity, and changes nothing; nil where
  /// storing the value would convert it in a way that no cast does.
  private static func term(
    _ parameter: String, of type: String, as affinity: Affinity
  ) -> String? {
    switch (affinity, type) {
    case (_, "null"), (.blob, _), (_, "blob"): parameter
    case (.text, "text"): "CAST(\(parameter) AS TEXT)"
    case (.integer, "integer"): "CAST(\(parameter) AS INTEGER)"
    case (.real, "real"), (.real, "integer"): "CAST(\(parameter) AS REAL)"
    case (.numeric, "integer"), (.numeric, "real"): "CAST(\(parameter) AS NUMERIC)"
    default: nil
    }
  }

  private static let maxChecks = 20
}
