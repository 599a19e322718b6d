package import DatasyncModel

/// One entry of the change log as a person reads it. A value.
package struct LoggedChange: Hashable, Sendable {
  package let sequence: Sequence
  /// Of its commit, in microseconds since 1970 UTC.
  package let time: Int64
  package let operation: Change.Operation
  /// What the table is called now; its number where nobody knows that any more.
  package let table: String
  /// Empty of `tableAttached`.
  package let id: String
  package let author: Author
  /// Names of the fields whose value an update has changed, without what the server writes; a field whose
  /// column is gone is named by its number.
  package let changedFields: [String]
}

/// Which entries of the change log are listed. A value.
package struct LogSelection: Sendable {
  /// nil: those of every table.
  package var table: String?
  /// nil: those of every row.
  package var id: String?
  /// nil: from the oldest that is kept.
  package var after: Sequence?
  /// Those of commits from this time on, in microseconds since 1970 UTC.
  package var since: Int64?

  package init(
    table: String? = nil, id: String? = nil, after: Sequence? = nil, since: Int64? = nil
  ) {
    self.table = table
    self.id = id
    self.after = after
    self.since = since
  }
}
