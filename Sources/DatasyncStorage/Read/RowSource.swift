package import DatasyncModel

/// What rows are read from where others are judged by them: a snapshot, or the transaction of a write, with
/// what that has written so far. Confined to the thread that it is lent on.
package protocol RowSource: AnyObject {
  /// The last change that it shows.
  var sequence: Sequence { get }

  /// A page of the rows that fulfil the request; see ``StorageSnapshot/scan(_:)``.
  func scan(_ request: ScanRequest) throws(DatasyncError) -> ScanPage

  /// Whether rows of the tables, by id, have changed after a sequence; true also where that cannot be told, or
  /// would take long to tell.
  func hasChanges(in tables: Set<Int>, after: Sequence) throws(DatasyncError) -> Bool
}

extension StorageSnapshot {
  /// Looks at a bounded stretch of the log.
  package func hasChanges(
    in tables: Set<Int>, after: Sequence
  ) throws(DatasyncError) -> Bool {
    let maxEntries: UInt64 = 4096
    guard after < sequence else { return false }
    guard after >= oldest, sequence.rawValue - after.rawValue <= maxEntries else { return true }
    var isFound = false
    try forEachLogEntry(after: after, through: sequence) { entry in
      isFound = tables.contains(entry.tableID)
      return !isFound
    }
    return isFound
  }
}
