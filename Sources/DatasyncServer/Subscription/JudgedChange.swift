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
  private var before = DecodedRow()
  private var after = DecodedRow()
  private lazy var wasDeleted = change.before.map { RowDecoder.isDeleted($0) } ?? false
  private lazy var isDeleted = change.after.map { RowDecoder.isDeleted($0) } ?? false
  /// Numbers of the fields whose stored value differs, without version and updated_at.
  private lazy var changedNumbers: [Int] = {
    guard let before = change.before, let after = change.after else { return [] }
    return before.bytes.withUnsafeBytes { before in
      after.bytes.withUnsafeBytes { JudgedChange.changedNumbers(from: before, to: $0) }
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
    let wasIn =
      change.before != nil
      && view.contains(isDeleted: wasDeleted) {
        before.values(of: change.before, table, view.filterColumns)
      }
    let isIn =
      change.after != nil
      && view.contains(isDeleted: isDeleted) {
        after.values(of: change.after, table, view.filterColumns)
      }
    return Verdict(
      wasIn: wasIn, isIn: isIn, isUpdateSent: view.sendsUpdate(of: changedNumbers),
      stillExists: change.after != nil && !isDeleted)
  }

  /// Numbers of the fields whose stored value differs, without version and updated_at.
  static func changedNumbers(
    from before: UnsafeRawBufferPointer, to after: UnsafeRawBufferPointer
  ) -> [Int] {
    RowDecoder.changedNumbers(from: before, to: after).filter {
      $0 != SystemColumn.version.rawValue + 1 && $0 != SystemColumn.updatedAt.rawValue + 1
    }
  }

  /// What a column held before and after; nil where there was no row.
  func values(ofColumn column: Int) -> (before: Value?, after: Value?) {
    let mask = ColumnMask(column)
    return (
      change.before == nil ? nil : before.values(of: change.before, table, mask)[column],
      change.after == nil ? nil : after.values(of: change.after, table, mask)[column]
    )
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
    let bytes = encode(
      ViewOfChange(
        operation: verdict, image: change.after.map { view.project($0) },
        previous: wantsPrevious ? change.before.map { view.project($0) } : nil), isTyped: isTyped)
    encodings.append(
      Encoding(
        verdict: verdict, selected: view.selected, wantsPrevious: wantsPrevious,
        isTyped: isTyped, bytes: bytes))
    return bytes
  }

  private struct ViewOfChange {
    let operation: Verdict
    let image: RowImage?
    let previous: RowImage?
  }

  private func encode(_ seen: ViewOfChange, isTyped: Bool) -> [UInt8] {
    var (key, origin) = (change.key, origin)
    return key.withUTF8 { key in
      origin.withUTF8 { origin in
        (seen.image?.bytes ?? []).withUnsafeBytes { image in
          (seen.previous?.bytes ?? []).withUnsafeBytes { previous in
            var event = ChangeEvent(
              operation: seen.operation.operation, table: table, id: UnsafeRawBufferPointer(key),
              sequence: change.sequence, image: nil)
            event.origin = UnsafeRawBufferPointer(origin)
            event.committedAt = committedAt
            switch seen.operation {
            case .add:
              event.image = image
            case .update:
              event.image = image
              if seen.previous != nil { event.previous = previous }
              event.changedFields = table.columnNames(ofNumbers: changedNumbers)
            case .delete(let leftView):
              if seen.previous != nil { event.previous = previous }
              event.leftView = leftView
            }
            return isTyped ? event.encodedRowEvent() : event.encodedChange()
          }
        }
      }
    }
  }
}

/// A row's values, as far as somebody has asked for them. A value.
private struct DecodedRow {
  private var values: [Value] = []
  private var mask = ColumnMask.none

  /// - Returns: One for each column; those in `needed` are right.
  mutating func values(of image: RowImage?, _ table: Table, _ needed: ColumnMask) -> [Value] {
    guard let image else { return [] }
    if values.isEmpty || !mask.contains(needed) {
      // Whoever comes second asks for something else; then a third may.
      mask = values.isEmpty ? needed : .all
      values = RowDecoder.values(of: image, table: table, columns: mask)
    }
    return values
  }
}

extension Table {
  func columnNames(ofNumbers numbers: [Int]) -> [String] {
    numbers.compactMap { number in index(ofNumber: number).map { columns[$0].name } }
  }
}

extension JudgedChange.Verdict {
  /// - Parameter stillExists: Whether there is a row after the change that is not deleted.
  init?(
    wasIn: Bool, isIn: Bool, isUpdateSent: @autoclosure () -> Bool,
    stillExists: @autoclosure () -> Bool
  ) {
    switch (wasIn, isIn) {
    case (false, false):
      return nil
    case (false, true):
      self = .add
    case (true, true):
      guard isUpdateSent() else { return nil }
      self = .update
    case (true, false):
      let stillExists = stillExists()
      if FaultSwitch.isOn(.staleView), stillExists { return nil }
      self = .delete(leftView: stillExists)
    }
  }

  var operation: ChangeEvent.Operation {
    switch self {
    case .add: .add
    case .update: .update
    case .delete: .delete
    }
  }
}
