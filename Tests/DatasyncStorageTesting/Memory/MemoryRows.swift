import DatasyncModel
import DatasyncStorage

/// The rows of a request at work, for its rules. Confined to the request.
final class MemoryRows: RowSource {
  /// As the request has made it so far.
  var state: MemoryState
  /// Of the request.
  var changes: [Change] = []
  private let start: Sequence

  init(_ state: MemoryState) {
    self.state = state
    start = state.head
  }

  var sequence: Sequence { state.head }

  func scan(_ request: ScanRequest) throws(DatasyncError) -> ScanPage {
    let state = state
    return try MemorySnapshot(state, fault: nil) { state }.scan(request)
  }

  func hasChanges(in tables: Set<Int>, after: Sequence) throws(DatasyncError) -> Bool {
    guard after >= start else { return true }
    return changes.contains { $0.sequence > after && tables.contains($0.tableID) }
  }
}
