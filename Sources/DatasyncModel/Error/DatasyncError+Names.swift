/// What a request names and is not there, or is as it must not be; one wording for the server and every
/// store.
extension DatasyncError {
  /// - Parameter tables: Those that are served; the message tells what was meant, or names them.
  package static func tableNotFound(_ name: String, among tables: [Table]) -> DatasyncError {
    DatasyncError(
      .notFound, reason: "TABLE_NOT_FOUND",
      "no table \"\(name.shortened)\" is served here"
        + NameSuggestion.clauseOrList(for: name, among: tables.map(\.name), kind: "tables"),
      metadata: ["table": name.shortened])
  }

  /// A table that was served when the request was read.
  package static func tableGone(_ table: Table) -> DatasyncError {
    DatasyncError(
      .notFound, reason: "TABLE_NOT_FOUND", "there is no table \(table.name) any more",
      metadata: ["table": table.name])
  }

  /// NOT_FOUND, reason ROW_NOT_FOUND; the key is whole in the metadata, shortened in the message.
  package static func rowNotFound(_ key: String, in table: Table) -> DatasyncError {
    DatasyncError(
      .notFound, reason: "ROW_NOT_FOUND", "\(table.name) has no row \"\(key.shortened)\"",
      metadata: ["table": table.name, "id": key])
  }

  /// NOT_FOUND, reason ROW_DELETED: soft-deleted, and the request does not say include_deleted.
  package static func rowDeleted(_ key: String, in table: Table) -> DatasyncError {
    DatasyncError(
      .notFound, reason: "ROW_DELETED",
      "the row \"\(key.shortened)\" of \(table.name) is deleted; include_deleted reaches it",
      metadata: ["table": table.name, "id": key])
  }

  /// INVALID_ARGUMENT, reason MISSING_ID: a request that is about one row names none.
  ///
  /// - Parameter field: Where the key belongs.
  package static func missingKey(_ field: String, of table: Table) -> DatasyncError {
    .badField(
      field, reason: "MISSING_ID", "the request names no row: give its key",
      metadata: ["table": table.name, "column": table.key.name])
  }

  /// INVALID_ARGUMENT, reason BAD_KEY: a key that no row may be made with.
  package static func badKey(_ fault: String, of table: Table) -> DatasyncError {
    .badField(
      table.key.name, reason: "BAD_KEY", fault,
      metadata: ["table": table.name, "column": table.key.name])
  }

  /// INVALID_ARGUMENT, reason BAD_CONDITION: `if_version` together with `allow_missing`.
  package static var contradictoryCondition: DatasyncError {
    .badField(
      "allow_missing", reason: "BAD_CONDITION",
      "if_version and allow_missing contradict each other: a missing row has no version")
  }

  /// FAILED_PRECONDITION, reason VERSION_MISMATCH.
  ///
  /// - Parameter shown: The row as it is, where it can be shown.
  package static func versionMismatch(
    _ row: StoredRow, ifVersion: Sequence, shown: StoredRow?
  ) -> DatasyncError {
    DatasyncError(
      .failedPrecondition, reason: "VERSION_MISMATCH",
      "the row \"\(row.key.shortened)\" of \(row.table.name) has version \(row.version), not "
        + "\(ifVersion)",
      metadata: [
        "table": row.table.name, "id": row.key, "if_version": String(ifVersion.rawValue),
        "version": String(row.version.rawValue),
      ], row: shown)
  }

  /// ALREADY_EXISTS, reason ROW_EXISTS.
  ///
  /// - Parameters:
  ///   - fields: Those whose values another row has.
  ///   - metadata: What else is known of the request.
  ///   - shown: That row, where it can be shown.
  package static func rowExists(
    in table: Table, fields: [String], metadata: [String: String], shown: StoredRow?,
    cause: (any Error)? = nil
  ) -> DatasyncError {
    DatasyncError(
      .alreadyExists, reason: "ROW_EXISTS",
      "\(table.name) already has a row with this \(fields.joined(separator: ", "))",
      metadata: metadata, row: shown, cause: cause)
  }

  /// A key that is no integer, where those of the table are.
  package static func integerKeyExpected(
    _ text: String, field: String, table: Table
  ) -> DatasyncError {
    .badField(
      field, reason: "BAD_KEY",
      "\"\(text.shortened)\" is no key of \(table.name): its keys are integers",
      metadata: ["table": table.name, "id": text, "column": table.key.name])
  }
}

extension Table {
  /// What is wrong with a name that is no column's, as messages go on after it.
  package func noField(_ name: String) -> String {
    "is no field of \(self.name)" + NameSuggestion.clause(for: name, among: visibleNames)
  }
}
