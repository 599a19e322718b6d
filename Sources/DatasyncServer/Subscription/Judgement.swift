import DatasyncFilter
import DatasyncMessages
import DatasyncModel
import DatasyncStorage

/// What brings a subscription from the view that its caller had to the one that it has now, at one
/// sequence: rows that may no longer be read leave, others come. A value.
struct Judgement {
  /// An event that is sent once it is known whether another follows.
  struct Held {
    let event: EncodedEvent
    let isOwn: Bool
    /// That it shows, where it comes from no commit.
    let row: StoredRow?
  }

  /// As what was sent was judged, up to ``start``.
  let sent: SentRows
  /// nil: the new rights refuse the subscription.
  let new: View?
  let refusal: DatasyncError?
  /// Everything up to here had been sent.
  let start: Sequence
  /// The commits after that, which are judged before them by what was, and after them by what is now; nil: they
  /// are sent, or there are none.
  var commits: [Commit]?
  /// Rows are judged as they were then, at the end of the commits.
  let position: Sequence
  /// Whether that is within a commit.
  let isWithinCommit: Bool
  /// The tables still to be read, the current one first, and which of their rows are concerned; nil: all.
  var tables: [(table: Table, rows: Filter?)]
  /// Key of the last row read of the current table.
  var after: [Value]?
  var isReading = false
  var held: Held?
  let cancellation = CancellationFlag()

  /// How far it has come.
  var place: RowPlace { RowPlace(tables: tables.map(\.table.id), after: after?.first) }
  /// The rows that have changed in its commits were judged with those.
  var changedAfter: Sequence? { position > start ? start : nil }
}

/// A row that a judgement is about. A value.
struct JudgedRow: Sendable {
  let row: StoredRow
  let verdicts: Verdicts
}

/// Judges the rows of a page, on the thread that reads them. A value.
struct JudgementReader: Sendable {
  let sent: SentRows
  let new: View?
  let position: Sequence
  /// Rows that have changed after this are judged elsewhere; nil: none are.
  let changedAfter: Sequence?
  let maxRowBytes: Int
  let filterBudget: FilterBudget

  func page(
    _ request: ScanRequest, in snapshot: any StorageSnapshot
  ) throws(DatasyncError) -> (rows: [JudgedRow], next: [Value]?) {
    let page = try snapshot.scan(request, asOf: position)
    var judged: [JudgedRow] = []
    let memo = TextMemo(filterBudget)
    for row in page.rows { try judge(row, faults: [], memo, &judged) }
    for row in page.unreadable {
      guard let (row, faults) = try found(row, in: snapshot) else { continue }
      try judge(row, faults: faults, memo, &judged)
    }
    return (judged, page.next)
  }

  private func judge(
    _ row: StoredRow, faults: [RowFault], _ memo: TextMemo, _ judged: inout [JudgedRow]
  ) throws(DatasyncError) {
    if let changedAfter, row.version > changedAfter { return }
    let values = RowDecoder.values(of: row.image, table: row.table)
    let old = sent.view(of: values[0], version: row.version, in: row.table)
    let new = self.new?.part(of: row.table.id)
    let before = try standing(row, values, faults, memo, in: old)
    let after = try standing(row, values, faults, memo, in: new)
    let verdicts = Verdicts(
      from: before, to: after, isUpdateSent: old?.selected != new?.selected, stillExists: true)
    if !verdicts.isEmpty { judged.append(JudgedRow(row: row, verdicts: verdicts)) }
  }

  private func standing(
    _ row: StoredRow, _ values: [Value], _ faults: [RowFault], _ memo: TextMemo, in view: View?
  ) throws(DatasyncError) -> Standing {
    guard let view else { return .outside }
    memo.forget()
    do throws(FilterFault) {
      let standing = row.image.bytes.withUnsafeBytes { image in
        Result { () throws(FilterFault) in
          try view.standing(
            image, isFaulty: false, isDeleted: row.isDeleted, maxBytes: maxRowBytes, memo: memo
          ) { values }
        }
      }
      return try standing.get().with(faults, in: view)
    } catch {
      throw error.error
    }
  }

  /// A row with values that cannot be read, as it was, and which those are; nil: nothing is known of it.
  private func found(
    _ unreadable: UnreadableRow, in snapshot: any StorageSnapshot
  ) throws(DatasyncError) -> (StoredRow, [RowFault])? {
    guard !unreadable.key.isEmpty else { return nil }
    if let found = try snapshot.row(unreadable.key, in: unreadable.table),
      found.row.version == unreadable.version
    {
      return (found.row, found.faults)
    }
    // It has changed since: the first change says what it was.
    var image: RowImage?
    let key = Array(unreadable.key.utf8)
    try snapshot.forEachLogEntry(after: position, through: snapshot.sequence) { entry in
      guard entry.tableID == unreadable.table.id, entry.key.elementsEqual(key) else { return true }
      image = entry.before.map { RowImage(bytes: Array($0)) }
      return false
    }
    return image.map { image in
      (
        StoredRow(
          table: unreadable.table, key: unreadable.key, image: image,
          version: unreadable.version, isDeleted: RowDecoder.isDeleted(image)),
        image.bytes.withUnsafeBytes { RowFaults.faults(of: $0) }
      )
    }
  }
}

extension Standing {
  /// Of a row with values that cannot be read.
  fileprivate func with(_ faults: [RowFault], in view: View) -> Standing {
    guard !faults.isEmpty, self != .outside else { return self }
    return view.standing(of: faults)
  }
}
