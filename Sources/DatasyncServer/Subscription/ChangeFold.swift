import DatasyncModel

/// Folds the changes of an interval into one per row: the state before the first, the state after
/// the last. A value; bounded by the chunk of the log that it is given.
struct ChangeFold {
  private struct RowKey: Hashable {
    let table: Int
    let key: String
  }

  private struct Net {
    let first: Change
    var last: JudgedChange
    var lastCommit: Commit
    var isOwnOnly: Bool
  }

  private var rows: [RowKey: Net] = [:]

  var isEmpty: Bool { rows.isEmpty }

  /// Changes come in commit order.
  mutating func append(_ change: JudgedChange, commit: Commit, isOwn: Bool) {
    let key = RowKey(table: change.change.tableID, key: change.change.key)
    if var net = rows[key] {
      net.last = change
      net.lastCommit = commit
      net.isOwnOnly = net.isOwnOnly && isOwn
      rows[key] = net
    } else {
      rows[key] = Net(
        first: change.change, last: change, lastCommit: commit, isOwnOnly: isOwn)
    }
  }

  /// By the sequence of each row's last change.
  func netChanges(excludingOwn: Bool) -> [JudgedChange] {
    rows.values
      .filter { !(excludingOwn && $0.isOwnOnly) }
      .filter { !FaultSwitch.isOn(.foldHidesDelete) || $0.last.change.after != nil }
      .sorted { $0.last.change.sequence < $1.last.change.sequence }
      .map { net in
        JudgedChange(folding: net.first, into: net.last, commit: net.lastCommit)
      }
  }
}
