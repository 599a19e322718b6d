import DatasyncFilter
import DatasyncMessages
import DatasyncModel
import DatasyncStorage

extension Subscription {
  func judge(_ judgement: Judgement) {
    dropPages()
    phase = .judging(judgement)
    goOnJudging()
  }

  /// Reads the next page of rows, as they were at the judgement's sequence.
  func goOnJudging() {
    guard case .judging(var judgement) = phase, !judgement.isReading, !isHeld, maySend else {
      return
    }
    if judgement.commits != nil {
      guard sendCommits(of: &judgement) else { return }
      phase = .judging(judgement)
    }
    guard let (table, filter) = judgement.tables.first else { return endJudgement(judgement) }
    judgement.isReading = true
    phase = .judging(judgement)
    var request = ScanRequest(table: table, limit: loop.options.snapshotPageRows)
    request.includeDeleted = view.includeDeleted
    request.maxBytes = loop.options.snapshotPageBytes
    request.after = judgement.after
    request.filter = filter
    let reader = JudgementReader(
      sent: judgement.sent, new: judgement.new, position: judgement.position,
      changedAfter: FaultSwitch.isOn(.judgedTwice) ? nil : judgement.changedAfter,
      maxRowBytes: loop.options.maxRowBytes,
      filterBudget: loop.options.filterBudget)
    let (scan, generation) = (request, viewGeneration)
    loop.read(
      .table(table.id), cancellation: judgement.cancellation, turn: turn,
      { snapshot throws(DatasyncError) in try reader.page(scan, in: snapshot) },
      completion: { [self] (result: Result<(rows: [JudgedRow], next: [Value]?), DatasyncError>) in
        guard case .judging(var judgement) = phase, judgement.isReading,
          generation == viewGeneration
        else { return }
        judgement.isReading = false
        switch result {
        case .failure(let error): return end(error)
        case .success(let page):
          for row in page.rows { hold(row, &judgement) }
          judgement.after = page.next
          if page.next == nil { judgement.tables.removeFirst() }
        }
        phase = .judging(judgement)
        goOnJudging()
      })
  }

  private func endJudgement(_ judgement: Judgement) {
    flush(judgement.held, more: judgement.isWithinCommit)
    guard !isEnded else { return }
    guard let new = judgement.new else { return end(judgement.refusal) }
    plan.view = new
    phase = .replaying(position: judgement.position, isReading: false)
    if judgement.isWithinCommit {
      // It can be said where the view stands at the end of the commit, and is then.
      owesCurrent()
    } else {
      sendCurrent(at: judgement.position)
    }
    if !isEnded { judgementEnded() }
    pump()
  }

  // MARK: - Commits

  /// Sends what the commits at hand mean to somebody who had other rights before them.
  ///
  /// - Returns: Whether the judgement goes on.
  private func sendCommits(of judgement: inout Judgement) -> Bool {
    let commits = judgement.commits ?? []
    judgement.commits = nil
    defer { loop.memos.release() }
    var fold = ChangeFold()
    for (index, commit) in commits.enumerated() {
      for change in commit.changes {
        do throws(DatasyncError) {
          guard let judged = try judged(change, commit, judgement) else { continue }
          guard plan.minInterval == nil else {
            fold.append(judged, commit: commit, isOwn: isOwn(commit.author))
            continue
          }
          if plan.excludeOwn, isOwn(commit.author) { continue }
          try hold(judged, &judgement)
        } catch {
          end(error)
          return false
        }
      }
      // What follows is of the last commit's batch.
      if index < commits.count - 1 {
        flush(judgement.held, more: false)
        judgement.held = nil
      }
    }
    do throws(DatasyncError) {
      for net in fold.netChanges(excludingOwn: plan.excludeOwn) { try hold(net, &judgement) }
    } catch {
      end(error)
      return false
    }
    return !isEnded
  }

  private func judged(
    _ change: Change, _ commit: Commit, _ judgement: Judgement
  ) throws(DatasyncError) -> JudgedChange? {
    for view in [view, judgement.new] {
      switch view?.concern(change.operation, ofTable: change.tableID, in: loop.catalog) {
      case nil, .nothing: continue
      case .beginning: throw .tableAttached(at: change.sequence)
      case .row(let table):
        return JudgedChange(
          change: change, table: table, commit: commit, maxRowBytes: loop.options.maxRowBytes,
          memos: loop.memos)
      }
    }
    return nil
  }

  private func hold(
    _ change: JudgedChange, _ judgement: inout Judgement
  ) throws(DatasyncError) {
    var new = judgement.new?.part(of: change.table.id)
    if FaultSwitch.isOn(.oldRightsInCommit) { new = view.part(of: change.table.id) }
    let version = change.change.before.map { RowDecoder.version($0) } ?? .zero
    var old = new
    // A row's later changes follow one that was judged already.
    if version <= judgement.start {
      let key = change.values(ofColumn: SystemColumn.key.rawValue).before ?? .null
      old = judgement.sent.view(of: key, version: version, in: change.table)
    }
    guard let shown = new ?? old else { return }
    let verdicts: Verdicts
    do throws(FilterFault) {
      verdicts = try change.verdicts(from: old, to: new)
    } catch {
      throw error.error
    }
    verdicts.forEach { verdict in
      let event = change.encoded(
        verdict, view: shown, wantsPrevious: plan.wantsPrevious, isTyped: sink?.isTyped ?? false)
      hold(event, isOwn: isOwn(change.author), &judgement)
    }
  }

  // MARK: - Events

  private func hold(_ judged: JudgedRow, _ judgement: inout Judgement) {
    let row = judged.row
    let part = judgement.new?.part(of: row.table.id)
    judged.verdicts.forEach { verdict in
      let isShown = verdict == .add || verdict == .update
      if FaultSwitch.isOn(isShown ? .noJudgedAdd : .noJudgedDelete) { return }
      hold(
        encoded(row, verdict, part, at: judgement.position), isOwn: false,
        showing: isShown ? row : nil, &judgement)
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

  private func hold(
    _ event: EncodedEvent, isOwn: Bool, showing row: StoredRow? = nil,
    _ judgement: inout Judgement
  ) {
    flush(judgement.held, more: true)
    judgement.held = Judgement.Held(event: event, isOwn: isOwn, row: row)
  }

  private func flush(_ held: Judgement.Held?, more: Bool) {
    guard let held else { return }
    sink?.send(held.event, own: held.isOwn, more: more, for: requestID)
  }
}
