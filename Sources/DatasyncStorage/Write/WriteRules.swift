package import DatasyncModel

/// What a caller may do with rows, asked by the store within the write's own transaction, so that what is
/// judged is what is written. Sendable.
///
/// Every answer is about one row as it is stored or would be, values that cannot be read left out; a store
/// asks in this order, and refuses with the first that is false:
///
/// 1. ``mayRead(_:in:)`` of the row before: false: as if it was not there.
/// 2. ``mayUpdate(_:in:)`` or ``mayDelete(_:in:)`` of the row before, a write of the mark `deleted` both:
///    PERMISSION_DENIED, reason ROW_NOT_ALLOWED.
/// 3. After the write's own conditions, ``mayCreate(_:in:)`` or ``mayUpdate(_:to:in:)`` of the row that it
///    makes, before what the database itself has against that: PERMISSION_DENIED, reason RESULT_NOT_ALLOWED.
///
/// What a cascade of the database does is not judged.
package protocol WriteRules: Sendable {
  func mayRead(_ row: RowImage, in table: Table) -> Bool
  func mayCreate(_ row: RowImage, in table: Table) -> Bool
  func mayUpdate(_ row: RowImage, in table: Table) -> Bool
  func mayUpdate(_ row: RowImage, to after: RowImage, in table: Table) -> Bool
  func mayDelete(_ row: RowImage, in table: Table) -> Bool

  /// What a row that is created has in columns that the write leaves out, by position in ``Table/columns``.
  func valuesSet(in table: Table) -> [Int: Value]
  /// The columns that a replace leaves as they are where it does not name them, by position in
  /// ``Table/columns``: those that the caller does not see, and those of ``valuesSet(in:)``.
  func columnsKept(in table: Table) -> Set<Int>
}

extension DatasyncError {
  /// The row as it is forbids the write.
  package static func rowNotAllowed(_ key: String, in table: Table) -> DatasyncError {
    notAllowed(
      "ROW_NOT_ALLOWED",
      "the row \"\(key.shortened)\" of \(table.name) is none that you may write so",
      key, table)
  }

  /// The row as it would become forbids it.
  package static func resultNotAllowed(_ key: String, in table: Table) -> DatasyncError {
    notAllowed(
      "RESULT_NOT_ALLOWED",
      "the write would make of the row of \(table.name) one that you may not make", key, table)
  }

  private static func notAllowed(
    _ reason: String, _ message: String, _ key: String, _ table: Table
  ) -> DatasyncError {
    var metadata = ["table": table.name]
    if !key.isEmpty { metadata["id"] = key }
    return DatasyncError(.permissionDenied, reason: reason, message, metadata: metadata)
  }
}
