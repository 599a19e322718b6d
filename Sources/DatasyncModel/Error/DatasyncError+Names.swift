/// What a request names and is not there; one wording for the server and the store.
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
