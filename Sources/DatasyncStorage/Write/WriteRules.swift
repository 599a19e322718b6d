package import DatasyncModel

/// What a caller may do with rows, asked by the store within the write's own transaction, so that what is
/// judged is what is written. Sendable.
package protocol WriteRules: AnyObject, Sendable {
  /// The judge of one request.
  ///
  /// - Parameter rows: Those of the write's transaction, as they are whenever they are asked for; lent until the
  ///   request is done.
  func judge(in rows: any RowSource) -> any WriteJudge
}

/// Says what one request may do. Confined to the thread that the request is carried out on.
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
/// What a cascade of the database does is not judged. Rows that an answer or an error carries are those that
/// ``mayRead(_:in:)`` shows once the request is done; so it is when the answer of a ``Mutation`` comes again.
package protocol WriteJudge: AnyObject {
  /// Comes before every operation, when nothing of that has been written: a row is not judged by itself.
  ///
  /// - Throws: Why no row of the table can be judged; the other questions, likewise.
  func prepare(for table: Table) throws(DatasyncError)
  /// Comes after every change within the request, cascades of the database among them.
  func rowsChanged(in tableID: Int)

  func mayRead(_ row: RowImage, in table: Table) throws(DatasyncError) -> Bool
  func mayCreate(_ row: RowImage, in table: Table) throws(DatasyncError) -> Bool
  func mayUpdate(_ row: RowImage, in table: Table) throws(DatasyncError) -> Bool
  func mayUpdate(
    _ row: RowImage, to after: RowImage, in table: Table
  ) throws(DatasyncError) -> Bool
  func mayDelete(_ row: RowImage, in table: Table) throws(DatasyncError) -> Bool

  /// What a row that is created has in columns that the write leaves out, by position in ``Table/columns``.
  func valuesSet(in table: Table) -> [Int: Value]
  /// The columns that a replace leaves as they are where it does not name them, by position in
  /// ``Table/columns``: those that the caller does not see, and those of ``valuesSet(in:)``.
  func columnsKept(in table: Table) -> Set<Int>
}

extension WriteRules where Self: WriteJudge {
  /// Itself: of rules that need no rows but the one that is judged.
  package func judge(in rows: any RowSource) -> any WriteJudge { self }
}

extension WriteJudge {
  /// Nothing: where no rows are needed but the one that is judged.
  package func prepare(for table: Table) throws(DatasyncError) {}
  /// The same.
  package func rowsChanged(in tableID: Int) {}

  /// What the caller may see of an answer, which has one result for each operation.
  package func shown(
    _ results: [WriteResult], of tables: [Table?]
  ) throws(DatasyncError) -> [WriteResult] {
    var shown = results
    for (index, result) in results.enumerated() {
      guard let image = result.image else { continue }
      if let table = tables[index] {
        try prepare(for: table)
        if try mayRead(image, in: table) { continue }
      }
      shown[index] = WriteResult(
        messageName: result.messageName, image: nil, sequence: result.sequence)
    }
    return shown
  }

  /// An error without the row that it carries, where the caller may not see that.
  package func shown(_ error: DatasyncError) -> DatasyncError {
    guard let row = error.row, (try? mayRead(row.image, in: row.table)) != true else {
      return error
    }
    var error = error
    error.row = nil
    return error
  }
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
