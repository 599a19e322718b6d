import DatasyncModel
import DatasyncStorage

/// Rows as they were at a sequence, read from a later snapshot. Confined to the snapshot's thread.
final class PastRows: RowSource {
  private let snapshot: any StorageSnapshot
  let sequence: Sequence

  /// - Parameter sequence: Of the snapshot, or before it.
  init(_ snapshot: any StorageSnapshot, at sequence: Sequence) {
    self.snapshot = snapshot
    self.sequence = sequence
  }

  func scan(_ request: ScanRequest) throws(DatasyncError) -> ScanPage {
    sequence < snapshot.sequence
      ? try snapshot.scan(request, asOf: sequence) : try snapshot.scan(request)
  }

  /// True also where they have changed since.
  func hasChanges(in tables: Set<Int>, after: Sequence) throws(DatasyncError) -> Bool {
    try snapshot.hasChanges(in: tables, after: after)
  }
}
