package import DatasyncModel

/// One consistent view of the database, lent on one of the store's threads; it is not kept.
package protocol StorageSnapshot: RowSource {
  /// The sequence that the snapshot stands at.
  var sequence: Sequence { get }
  /// The lowest position from which the log can still be replayed: a replay after `oldest` or later misses
  /// nothing.
  var oldest: Sequence { get }

  /// - Returns: The row, deleted or not; nil where there is none.
  /// - Throws: INVALID_ARGUMENT where no key of the table can be that; NOT_FOUND where the table is gone.
  func row(_ key: String, in table: Table) throws(DatasyncError) -> FoundRow?

  /// A page of the rows that fulfil the request, in its order, and where that leaves rows equal, in that of
  /// their keys.
  func scan(_ request: ScanRequest) throws(DatasyncError) -> ScanPage

  /// The same as ``scan(_:)``, for one who sends the rows on as they are.
  func scanPacked(_ request: ScanRequest) throws(DatasyncError) -> PackedPage

  /// The rows in key order as they were at an earlier sequence; `order` and `skip` of the request do not
  /// count.
  ///
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED where the log no longer reaches back that far.
  func scan(_ request: ScanRequest, asOf sequence: Sequence) throws(DatasyncError) -> ScanPage

  /// How many rows match the request's filter; its page bounds do not count.
  func count(_ request: ScanRequest) throws(DatasyncError) -> UInt64

  /// Whole commits after a sequence, oldest first; at least one where there is any.
  ///
  /// - Parameters:
  ///   - after: Exclusive; the end of a commit.
  ///   - through: Inclusive; the end of a commit.
  ///   - maxBytes: The page ends with the commit that passes it.
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED, metadata `oldest`.
  func changes(
    after: Sequence, through: Sequence, maxBytes: Int
  ) throws(DatasyncError) -> LogPage

  /// Lends the log's entries after a sequence, in order, until the closure says false.
  ///
  /// - Parameters:
  ///   - after: Exclusive.
  ///   - through: Inclusive.
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED, metadata `oldest`.
  func forEachLogEntry(
    after: Sequence, through: Sequence, _ body: (LogEntry) -> Bool
  ) throws(DatasyncError)

  /// When the commit whose first change has this sequence (no other one will do) happened, in microseconds since 1970, and its
  /// writer's client id.
  ///
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED, metadata `oldest`.
  func commitHead(at sequence: Sequence) throws(DatasyncError) -> CommitHead
}
