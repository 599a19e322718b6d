import DatasyncFilter
import DatasyncMessages
import DatasyncModel
import DatasyncStorage

/// What brings a subscription from the view that its caller had to the one that it has now, at one
/// sequence: rows that may no longer be read leave, others come. A value.
struct Judgement {
  /// As what was sent was judged.
  let old: View
  /// nil: the new rights refuse the subscription.
  let new: View?
  let refusal: DatasyncError?
  /// Everything up to here has been sent, and everything is judged as it was then.
  let position: Sequence
  /// Of initial rows that had not all been sent: how far they had come; nil: all had.
  let sent: InitialRows?
  /// The tables still to be read, the current one first.
  var tables: [Table]
  /// Key of the last row read of the current table.
  var after: [Value]?
  var isReading = false
  /// An event that is sent once it is known whether another follows.
  var held: EncodedEvent?
  let cancellation = CancellationFlag()

  /// Whether a row was among what has been sent.
  func wasSent(_ key: Value, of table: Table) -> Bool {
    guard let sent else { return true }
    guard let current = sent.tables.first else { return true }
    if current.id == table.id {
      guard let last = sent.after?.first else { return false }
      let kind = ExpressionType(table.key.type).operandKind
      return (Operand.compare(kind.read(key), kind.read(last)) ?? 0) <= 0
    }
    return !sent.tables.contains { $0.id == table.id }
  }
}

extension Subscription {
  /// The caller may read something else now: what it has been sent is judged anew before anything more is.
  func rightsChanged(to rights: Rights?) {
    guard !isEnded else { return }
    let old = view
    var new: View?
    var refusal: DatasyncError?
    do throws(DatasyncError) {
      new = try adaptedView(to: loop.catalog, rights: rights)
    } catch {
      refusal = error
    }
    take(rights)
    switch phase {
    case .ended:
      break
    case .starting:
      guard let new else { return end(refusal) }
      plan.view = new
    case .snapshotting(let rows):
      rows.cancellation.cancel()
      guard let position = rows.position else {
        guard let new else { return end(refusal) }
        plan.view = new
        return startInitialRows()
      }
      judge(
        Judgement(
          old: old, new: new, refusal: refusal, position: position, sent: rows,
          tables: concerned(old, new)))
    case .live:
      loop.live.remove(self)
      judge(
        Judgement(
          old: old, new: new, refusal: refusal, position: loop.head, sent: nil,
          tables: concerned(old, new)))
    case .replaying(let position, _), .resting(let position, _):
      // A commit that is half sent has no one sequence.
      guard pages.within == nil else { return end(.viewChanged) }
      loop.intervals.remove(self)
      judge(
        Judgement(
          old: old, new: new, refusal: refusal, position: position, sent: nil,
          tables: concerned(old, new)))
    case .judging:
      end(.viewChanged)
    }
  }

  private func concerned(_ old: View, _ new: View?) -> [Table] {
    let tables = old.tables(in: loop.catalog) + (new?.tables(in: loop.catalog) ?? [])
    let ids = Set(tables.map(\.id))
    return loop.catalog.tables.filter { ids.contains($0.id) }
  }

  private func judge(_ judgement: Judgement) {
    dropPages()
    phase = .judging(judgement)
    goOnJudging()
  }

  /// Reads the next page of rows, as they were at the judgement's sequence.
  func goOnJudging() {
    guard case .judging(var judgement) = phase, !judgement.isReading, maySend else { return }
    guard let table = judgement.tables.first else { return endJudgement(judgement) }
    judgement.isReading = true
    phase = .judging(judgement)
    var request = ScanRequest(table: table, limit: loop.options.snapshotPageRows)
    request.includeDeleted = judgement.old.includeDeleted
    request.maxBytes = loop.options.snapshotPageBytes
    request.after = judgement.after
    let (scan, position) = (request, judgement.position)
    loop.read(
      .table(table.id), cancellation: judgement.cancellation, turn: turn,
      { snapshot throws(DatasyncError) in try snapshot.scan(scan, asOf: position) },
      completion: { [self] (result: Result<ScanPage, DatasyncError>) in
        guard case .judging(var judgement) = phase, judgement.isReading else { return }
        judgement.isReading = false
        do throws(DatasyncError) {
          let page = try result.get()
          for row in page.rows { try judge(row, &judgement) }
          judgement.after = page.next
          if page.next == nil { judgement.tables.removeFirst() }
        } catch {
          return end(error)
        }
        phase = .judging(judgement)
        goOnJudging()
      })
  }

  private func judge(_ row: StoredRow, _ judgement: inout Judgement) throws(DatasyncError) {
    let values = RowDecoder.values(of: row.image, table: row.table)
    let oldPart = judgement.old.part(of: row.table.id)
    let newPart = judgement.new?.part(of: row.table.id)
    let before =
      judgement.wasSent(values[0], of: row.table)
      ? try standing(row, values, in: oldPart) : .outside
    let after = try standing(row, values, in: newPart)
    let verdicts = Verdicts(
      from: before, to: after,
      isUpdateSent: oldPart?.selected != newPart?.selected, stillExists: true)
    verdicts.forEach { verdict in
      hold(encoded(row, verdict, newPart, at: judgement.position), &judgement)
    }
  }

  private func standing(
    _ row: StoredRow, _ values: [Value], in part: View?
  ) throws(DatasyncError) -> Standing {
    guard let part else { return .outside }
    let memo = TextMemo(loop.options.filterBudget)
    do throws(FilterFault) {
      let standing = row.image.bytes.withUnsafeBytes { image in
        Result { () throws(FilterFault) in
          try part.standing(
            image, isFaulty: false, isDeleted: row.isDeleted, maxBytes: loop.options.maxRowBytes,
            memo: memo
          ) { values }
        }
      }
      return try standing.get()
    } catch {
      throw error.error
    }
  }

  private func encoded(
    _ row: StoredRow, _ verdict: Verdict, _ part: View?, at position: Sequence
  ) -> EncodedEvent {
    if case .unreadable(let fault) = verdict {
      var event = UnreadableEvent(
        table: row.table, id: row.key, sequence: row.version, fault: fault)
      event.isInitial = true
      return EncodedEvent(.unreadable, event.encoded)
    }
    var verdict = verdict
    if case .delete = verdict { verdict = .delete(leftView: true) }
    let isDelete = verdict == .delete(leftView: true)
    let isTyped = sink?.isTyped ?? false
    var key = row.key
    let bytes = key.withUTF8 { key in
      (part?.project(row.image) ?? row.image).bytes.withUnsafeBytes { image in
        var event = ChangeEvent(
          verdict, table: row.table, id: UnsafeRawBufferPointer(key),
          sequence: isDelete ? position : row.version, image: image, previous: nil,
          changedNumbers: [], hidden: [])
        event.isInitial = true
        return isTyped ? event.encodedRowEvent() : event.encodedChange()
      }
    }
    return EncodedEvent(.change, bytes)
  }

  private func hold(_ event: EncodedEvent, _ judgement: inout Judgement) {
    if let held = judgement.held {
      sink?.send(held, own: false, more: true, for: requestID)
    }
    judgement.held = event
  }

  private func endJudgement(_ judgement: Judgement) {
    if let held = judgement.held { sink?.send(held, own: false, more: false, for: requestID) }
    guard let new = judgement.new else { return end(judgement.refusal) }
    plan.view = new
    phase = .replaying(position: judgement.position, isReading: false)
    sendCurrent(at: judgement.position)
    pump()
  }
}
