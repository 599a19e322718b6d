import DatasyncMessages
import DatasyncModel

/// A change on its way to the subscriptions of one loop: decoded once, encoded once for all that see
/// the same. Loop-bound.
final class JudgedChange {
  let change: Change
  let table: Table
  let origin: String
  let committedAt: Int64

  /// What a view makes of the change.
  enum Verdict: Hashable {
    case add
    case update
    case delete(leftView: Bool)
  }

  /// What subscribers must have in common to share bytes. Compared by reference for views.
  private struct Encoding {
    let verdict: Verdict
    let selected: Set<Int>?
    let wantsPrevious: Bool
    let isTyped: Bool
    let bytes: [UInt8]
  }

  private var encodings: [Encoding] = []
  private(set) lazy var before: [Value]? = change.before.map {
    RowDecoder.values(of: $0, table: table)
  }
  private(set) lazy var after: [Value]? = change.after.map {
    RowDecoder.values(of: $0, table: table)
  }
  /// Numbers of the fields whose stored value differs, without version and updated_at.
  private lazy var changedNumbers: [Int] = {
    guard let before = change.before, let after = change.after else { return [] }
    return RowDecoder.changedNumbers(from: before, to: after).filter {
      $0 != SystemColumn.version.rawValue + 1 && $0 != SystemColumn.updatedAt.rawValue + 1
    }
  }()

  init(change: Change, table: Table, commit: Commit) {
    self.change = change
    self.table = table
    origin = commit.origin
    committedAt = commit.committedAt
  }

  /// For net changes of an interval: the first state and the last.
  init(folding first: Change, into last: Change, table: Table, commit: Commit) {
    change = Change(
      sequence: last.sequence, tableID: last.tableID, key: last.key, operation: last.operation,
      before: first.before, after: last.after)
    self.table = table
    origin = commit.origin
    committedAt = commit.committedAt
  }

  /// What the view sees; nil: nothing.
  func verdict(in view: View) -> Verdict? {
    let wasIn = before.map { view.contains($0) } ?? false
    let isIn = after.map { view.contains($0) } ?? false
    switch (wasIn, isIn) {
    case (false, false): return nil
    case (false, true): return .add
    case (true, true): return touchesSelection(of: view) ? .update : nil
    case (true, false):
      let stillExists = after.map { $0[SystemColumn.deleted.rawValue] != .bool(true) } ?? false
      if FaultSwitch.isOn(.staleView), stillExists { return nil }
      return .delete(leftView: stillExists)
    }
  }

  private func touchesSelection(of view: View) -> Bool {
    guard let selected = view.selected, !view.sendsEveryUpdate else { return true }
    return changedNumbers.contains { selected.contains($0) }
  }

  /// The event's bytes, without `own` and `more`.
  func encoded(
    _ verdict: Verdict, view: View, wantsPrevious: Bool, isTyped: Bool
  ) -> [UInt8] {
    for encoding in encodings
    where encoding.verdict == verdict && encoding.wantsPrevious == wantsPrevious
      && encoding.isTyped == isTyped && encoding.selected == view.selected
    {
      return encoding.bytes
    }
    let event = event(verdict, view: view, wantsPrevious: wantsPrevious)
    let bytes = isTyped ? event.encodedRowEvent() : event.encodedChange()
    encodings.append(
      Encoding(
        verdict: verdict, selected: view.selected, wantsPrevious: wantsPrevious,
        isTyped: isTyped, bytes: bytes))
    return bytes
  }

  private func event(_ verdict: Verdict, view: View, wantsPrevious: Bool) -> ChangeEvent {
    var event = ChangeEvent(
      operation: verdict.operation, table: table, id: change.key, sequence: change.sequence,
      image: nil)
    event.origin = origin
    event.committedAt = committedAt
    switch verdict {
    case .add:
      event.image = change.after.map { view.project($0) }
    case .update:
      event.image = change.after.map { view.project($0) }
      if wantsPrevious { event.previous = change.before.map { view.project($0) } }
      event.changedFields = changedNumbers.compactMap { number in
        table.index(ofNumber: number).map { table.columns[$0].name }
      }
    case .delete(let leftView):
      if wantsPrevious { event.previous = change.before.map { view.project($0) } }
      event.leftView = leftView
    }
    return event
  }
}

extension JudgedChange.Verdict {
  fileprivate var operation: ChangeEvent.Operation {
    switch self {
    case .add: .add
    case .update: .update
    case .delete: .delete
    }
  }
}
