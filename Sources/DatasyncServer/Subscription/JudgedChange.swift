import DatasyncFilter
import DatasyncMessages
import DatasyncModel

/// A change on its way to the subscriptions of one loop: decoded once, encoded once for all that see
/// the same. Loop-bound.
final class JudgedChange {
  let change: Change
  let table: Table
  let author: Author
  let committedAt: Int64
  /// Longer rows cannot be read: no message holds them.
  private let maxRowBytes: Int
  private let memos: RowMemos
  /// Of what the memos know.
  private let owner: UInt64

  /// What subscribers must have in common to share bytes. Compared by reference for views.
  private struct Encoding {
    let verdict: Verdict
    let selected: Set<Int>?
    let hidden: Set<Int>
    let wantsPrevious: Bool
    let isTyped: Bool
    let event: EncodedEvent
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

  init(change: Change, table: Table, commit: Commit, maxRowBytes: Int = .max, memos: RowMemos) {
    self.memos = memos
    owner = memos.makeOwner()
    self.change = change
    self.table = table
    self.maxRowBytes = maxRowBytes
    author = commit.author
    committedAt = commit.committedAt
  }

  /// For net changes of an interval: the first state and the last.
  init(folding first: Change, into last: JudgedChange, commit: Commit) {
    let faulty = first.faulty.intersection(.before).union(last.change.faulty.intersection(.after))
    change = Change(
      sequence: last.change.sequence, tableID: last.change.tableID, key: last.change.key,
      operation: last.change.operation, before: first.before, after: last.change.after,
      faulty: faulty)
    table = last.table
    maxRowBytes = last.maxRowBytes
    memos = last.memos
    owner = memos.makeOwner()
    author = commit.author
    committedAt = commit.committedAt
  }

  /// What the view sees.
  func verdicts(in view: View) throws(FilterFault) -> Verdicts {
    memos.claim(owner)
    let before = try standing(
      change.before, isFaulty: change.faulty.contains(.before), isDeleted: wasDeleted, in: view,
      memo: memos.before
    ) { self.before.values(of: change.before, table, view.filterColumns) }
    let after = try standing(
      change.after, isFaulty: change.faulty.contains(.after), isDeleted: isDeleted, in: view,
      memo: memos.after
    ) { self.after.values(of: change.after, table, view.filterColumns) }
    return Verdicts(
      from: before, to: after, isUpdateSent: view.sendsUpdate(of: changedNumbers),
      stillExists: change.after != nil && !isDeleted)
  }

  /// What somebody sees of it who had another view before it; nil: one that shows nothing.
  func verdicts(from old: View?, to new: View?) throws(FilterFault) -> Verdicts {
    memos.claim(owner)
    var (before, after) = (Standing.outside, Standing.outside)
    if let old {
      before = try standing(
        change.before, isFaulty: change.faulty.contains(.before), isDeleted: wasDeleted, in: old,
        memo: memos.before
      ) { self.before.values(of: change.before, table, old.filterColumns) }
    }
    if let new {
      after = try standing(
        change.after, isFaulty: change.faulty.contains(.after), isDeleted: isDeleted, in: new,
        memo: memos.after
      ) { self.after.values(of: change.after, table, new.filterColumns) }
    }
    return Verdicts(
      from: before, to: after,
      isUpdateSent: old?.selected != new?.selected
        || new?.sendsUpdate(of: changedNumbers) ?? false,
      stillExists: change.after != nil && !isDeleted)
  }

  private func standing(
    _ image: RowImage?, isFaulty: Bool, isDeleted: Bool, in view: View, memo: TextMemo,
    values: () -> [Value]
  ) throws(FilterFault) -> Standing {
    guard let image else { return .outside }
    let standing = image.bytes.withUnsafeBytes { bytes in
      Result { () throws(FilterFault) in
        try view.standing(
          bytes, isFaulty: isFaulty, isDeleted: isDeleted, maxBytes: maxRowBytes, memo: memo,
          values: values)
      }
    }
    return try standing.get()
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

  /// The event, without `own` and `more`.
  func encoded(
    _ verdict: Verdict, view: View, wantsPrevious: Bool, isTyped: Bool
  ) -> EncodedEvent {
    for encoding in encodings
    where encoding.verdict == verdict && encoding.wantsPrevious == wantsPrevious
      && encoding.isTyped == isTyped && encoding.selected == view.selected
      && encoding.hidden == view.hidden
    {
      return encoding.event
    }
    let event = encode(verdict, view: view, wantsPrevious: wantsPrevious, isTyped: isTyped)
    encodings.append(
      Encoding(
        verdict: verdict, selected: view.selected, hidden: view.hidden,
        wantsPrevious: wantsPrevious,
        isTyped: isTyped, event: event))
    return event
  }

  private func encode(
    _ verdict: Verdict, view: View, wantsPrevious: Bool, isTyped: Bool
  ) -> EncodedEvent {
    if case .unreadable(let fault) = verdict {
      let event = UnreadableEvent(
        table: table, id: change.key, sequence: change.sequence, fault: fault)
      return EncodedEvent(.unreadable, event.encoded)
    }
    let image = change.after.map { view.project($0) }
    var previous = wantsPrevious ? change.before.map { view.project($0) } : nil
    // It is left out where it does not fit beside the row.
    if let count = previous?.bytes.count, count > maxRowBytes - (image?.bytes.count ?? 0) {
      previous = nil
    }
    return EncodedEvent(
      .change, encode(verdict, image, previous: previous, hidden: view.hidden, isTyped: isTyped))
  }

  private func encode(
    _ verdict: Verdict, _ image: RowImage?, previous: RowImage?, hidden: Set<Int>, isTyped: Bool
  ) -> [UInt8] {
    var (key, origin) = (change.key, author.clientID)
    return key.withUTF8 { key in
      origin.withUTF8 { origin in
        (image?.bytes ?? []).withUnsafeBytes { imageBytes in
          (previous?.bytes ?? []).withUnsafeBytes { previousBytes in
            var event = ChangeEvent(
              verdict, table: table, id: UnsafeRawBufferPointer(key), sequence: change.sequence,
              image: imageBytes, previous: previous == nil ? nil : previousBytes,
              changedNumbers: changedNumbers, hidden: hidden)
            event.origin = UnsafeRawBufferPointer(origin)
            event.committedAt = committedAt
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
