import CDatasyncSQLite
import DatasyncFilterSQLite
import DatasyncModel

/// Turns SQLite's refusal of a write into the error that its requester gets.
struct ConstraintExplainer {
  let stored: StoredTable
  let connection: Connection
  /// The key of the row that was to be written; empty where SQLite was to make it.
  let key: String
  /// Whether what the row holds is known in full: no value of it is unreadable.
  let isKnown: Bool
  /// Binds what is stored for a value of the column at a position.
  let bind: (_ value: Value, _ parameter: Int32, _ column: Int, _ statement: Statement) -> Void

  /// - Parameters:
  ///   - values: What was to be stored, one for each of ``Table/columns``.
  ///   - read: Reads the row whose columns have these values.
  func error(
    _ failure: SQLiteFailure, values: [Value],
    read: (_ columns: [String], _ values: [Value]) -> StoredRow?
  ) -> DatasyncError {
    switch failure.extendedCode {
    case ConstraintCode.primaryKey, ConstraintCode.unique, ConstraintCode.rowID:
      rowExists(failure, values: values, read: read)
    case ConstraintCode.notNull:
      violation(failure, column: columns(in: failure.message).first, "it must have a value")
        .joined(with: others(failure, values))
    case ConstraintCode.check:
      check(failure).joined(with: others(failure, values))
    case ConstraintCode.dataType:
      violation(
        failure, column: columns(in: failure.message).first, "its declared type cannot hold this")
    case ConstraintCode.foreignKey:
      foreignKey(failure, values: values)
    case ConstraintCode.trigger where failure.message == "FOREIGN KEY constraint failed":
      // ON DELETE RESTRICT is a trigger of SQLite's own.
      foreignKey(failure, values: values)
    case ConstraintCode.trigger:
      violation(failure, column: nil, failure.message)
    default:
      if failure.isConstraint || failure.code == SQLITE_MISMATCH {
        violation(failure, column: nil, failure.message)
      } else if failure.code == SQLITE_TOOBIG {
        violation(failure, column: nil, "a value is larger than SQLite can store")
      } else {
        DatasyncError(
          .failedPrecondition, reason: "WRITE_REFUSED",
          "the database refuses the write to \(stored.table.name): \(failure.message)",
          metadata: metadata(nil), cause: failure)
      }
    }
  }

  private func metadata(_ column: String?) -> [String: String] {
    var metadata = ["table": stored.table.name]
    if !key.isEmpty { metadata["id"] = key }
    if let column { metadata["column"] = column }
    return metadata
  }

  /// The columns that a message of the form `… failed: t.a, t.b` names.
  func columns(in message: String) -> [String] {
    guard let colon = message.lastIndex(of: ":") else { return [] }
    // "cannot store TEXT value in INTEGER column t.a" has none.
    let list = message[message.index(after: colon)...]
    return names(in: list)
  }

  private func names(in list: some StringProtocol) -> [String] {
    list.split(separator: ",").compactMap { part in
      guard let dot = part.lastIndex(of: ".") else { return nil }
      let name = String(part[part.index(after: dot)...]).trimmed
      return stored.field(ofColumn: name)
    }
  }

  private func violation(
    _ failure: SQLiteFailure, column: String?, _ description: String
  ) -> DatasyncError {
    let named = column ?? names(in: failure.message).first
    var error =
      if let named {
        DatasyncError.badField(named, reason: "CONSTRAINT_VIOLATION", description)
      } else {
        DatasyncError(
          .invalidArgument, reason: "CONSTRAINT_VIOLATION",
          "\(stored.table.name) refuses the row: \(description)")
      }
    error.metadata = metadata(named)
    error.cause = failure
    return error
  }

  /// SQLite names a failed CHECK by its name, or by its text.
  private func check(_ failure: SQLiteFailure) -> DatasyncError {
    let prefix = "CHECK constraint failed: "
    let text =
      failure.message.hasPrefix(prefix)
      ? String(failure.message.dropFirst(prefix.count)) : failure.message
    let check = stored.raw.text.checks.first { $0.name == text || $0.expression == text }
    let column = check?.column.flatMap { name in
      stored.field(ofColumn: name)
    }
    return violation(failure, column: column, "CHECK failed: \(text)")
  }

  private func rowExists(
    _ failure: SQLiteFailure, values: [Value],
    read: (_ columns: [String], _ values: [Value]) -> StoredRow?
  ) -> DatasyncError {
    var names = columns(in: failure.message)
    if names.isEmpty { names = [stored.table.key.name] }
    let wanted = names.compactMap { name in
      stored.table.index(ofColumn: name).map { values[$0] }
    }
    let row = wanted.count == names.count ? read(names, wanted) : nil
    return .rowExists(
      in: stored.table, fields: names, metadata: metadata(names.first), shown: row, cause: failure)
  }

  private func foreignKey(_ failure: SQLiteFailure, values: [Value]) -> DatasyncError {
    var error = DatasyncError(
      .failedPrecondition, reason: "FOREIGN_KEY_VIOLATION",
      "the write to \(stored.table.name) breaks a foreign key: rows that refer to it are still "
        + "there, or a row that it refers to is not",
      metadata: metadata(nil), cause: failure)
    if let (column, parent) = missingParent(values) {
      error.message =
        "\(column): there is no such row in \(parent), which \(stored.table.name) refers to"
      error.metadata = metadata(column)
      error.violations = [
        DatasyncError.FieldViolation(field: column, description: "no such row in \(parent)")
      ]
    }
    return error
  }

  /// The first column that refers to a row that is not there.
  private func missingParent(_ values: [Value]) -> (column: String, parent: String)? {
    guard values.count == stored.table.columns.count else { return nil }
    for foreign in stored.raw.foreignKeys {
      let fields = foreign.columns.compactMap { stored.field(ofColumn: $0) }
      let own = fields.compactMap { stored.table.index(ofColumn: $0) }.map { values[$0] }
      guard own.count == foreign.columns.count, !own.contains(where: \.isNull),
        let column = fields.first,
        let exists = parentExists(foreign, own), !exists
      else { continue }
      return (column, foreign.parent)
    }
    return nil
  }

  private func parentExists(_ foreign: RawTable.ForeignKey, _ values: [Value]) -> Bool? {
    var columns = foreign.parentColumns
    do {
      if columns.isEmpty {
        guard
          let key = try connection.text(
            "SELECT name FROM pragma_table_info(\(foreign.parent.quotedLiteral)) WHERE pk = 1")
        else { return nil }
        columns = [key]
      }
      let condition = columns.enumerated().map { "\($1.quotedIdentifier) = ?\($0 + 1)" }
      let statement = try connection.prepare(
        "SELECT 1 FROM \(foreign.parent.quotedIdentifier) "
          + "WHERE \(condition.joined(separator: " AND "))")
      for (index, value) in values.enumerated() { statement.bind(Int32(index + 1), value) }
      return try statement.step()
    } catch {
      return nil
    }
  }
}
