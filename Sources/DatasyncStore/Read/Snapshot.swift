package import DatasyncModel

/// One consistent view of the database, confined to the reader thread that made it.
package final class Snapshot {
  /// The sequence that the snapshot stands at.
  package var sequence: Sequence { fatalError() }
  /// The lowest position from which the log can still be replayed: a replay after `oldest` or later
  /// misses nothing.
  package var oldest: Sequence { fatalError() }

  init() {}

  /// - Returns: The row, deleted or not; nil where there is none.
  /// - Throws: DATA_LOSS naming table, id and column where a value does not fit its column.
  package func row(_ key: String, in table: Table) throws(DatasyncError) -> StoredRow? {
    fatalError()
  }

  package func scan(_ request: ScanRequest) throws(DatasyncError) -> ScanPage { fatalError() }

  /// How many rows match the request's filter; its page bounds do not count.
  package func count(_ request: ScanRequest) throws(DatasyncError) -> UInt64 { fatalError() }

  /// The rows in key order as they were at an earlier sequence, `request.order` nil: what has changed
  /// since is taken back with the log's before-images.
  ///
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED where the log no longer reaches back that far.
  package func scan(_ request: ScanRequest, asOf sequence: Sequence) throws(DatasyncError)
    -> ScanPage
  { fatalError() }

  /// Whole commits after a sequence, oldest first; at least one where there is any.
  ///
  /// - Parameters:
  ///   - after: Exclusive.
  ///   - through: Inclusive; the end of a commit.
  ///   - maxBytes: The page ends with the commit that passes it.
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED, metadata `oldest`.
  package func changes(
    after: Sequence, through: Sequence, maxBytes: Int
  ) throws(DatasyncError) -> LogPage { fatalError() }
}
