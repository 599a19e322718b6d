import DatasyncFilter
import DatasyncMessages
import DatasyncModel
import DatasyncStorage
import NIOCore

extension Subscription {
  /// Goes on from the position: from the loop's tail where it reaches back that far, else from the
  /// log. One chunk at a time, so that no subscription keeps the loop from the others.
  func pump() {
    guard case .replaying(let position, isReading: false) = phase, !isHeld, maySend else {
      return
    }
    if pages.current != nil { return sendPage() }
    if pages.within != nil { return goOnWithPages(after: position) }
    if position >= loop.head { return becomeLive(at: position) }
    if sink?.takesWholeCommits == true, !readsLog,
      let commits = loop.tail.commits(after: position, maxBytes: loop.options.replayChunkBytes)
    {
      let before = loop.memos.workBytes
      let goesOn = replay(commits)
      readsLog = loop.memos.workBytes &- before > loop.options.maxFilterBatchBytes
      if goesOn { yieldThenPump() }
      return
    }
    if isCurrent, !readsLog {
      loop.log.consumerBehind(
        table: view.table?.name ?? "", clientID: author.clientID,
        by: loop.head.rawValue.subtractingClamped(position.rawValue))
    }
    if plan.minInterval == nil {
      goOnWithPages(after: position)
    } else {
      phase = .replaying(position: position, isReading: true)
      readCommits(after: position)
    }
  }

  func yieldThenPump() {
    guard case .replaying(let position, _) = phase else { return }
    if position >= loop.head { return pump() }
    let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
    loop.eventLoop.execute { bound.value.pump() }
  }

  /// For what is folded.
  private func readCommits(after position: Sequence) {
    let through = loop.head
    let maxBytes = loop.options.replayChunkBytes
    let generation = viewGeneration
    loop.read(
      .log, cancellation: cancellationOfLogReads(), turn: turn,
      { snapshot throws(DatasyncError) in
        try snapshot.changes(after: position, through: through, maxBytes: maxBytes)
      },
      completion: { [self] (result: Result<LogPage, DatasyncError>) in
        guard case .replaying(_, isReading: true) = phase, generation == viewGeneration else {
          return
        }
        switch result {
        case .failure(let error):
          end(error)
        case .success(let page):
          phase = .replaying(position: position, isReading: false)
          // A commit of another program has each row once: there is nothing to fold.
          if page.isTooLarge { return goOnWithPages(after: position) }
          guard replay(page.commits) else { return }
          if case .replaying(let reached, _) = phase {
            phase = .replaying(position: max(reached, page.through), isReading: false)
          }
          yieldThenPump()
        }
      })
  }

  /// Sends what the view sees of the commits.
  ///
  /// - Returns: Whether to go on; false where the subscription has ended or the stream is full.
  private func replay(_ commits: [Commit]) -> Bool {
    if plan.minInterval != nil { return replayFolded(commits) }
    let batch = loop.live.takeBatch()
    defer { loop.live.giveBack(batch) }
    for commit in commits {
      if let obstacle = append(commit, to: batch) {
        if !batch.isEmpty { _ = send(batch, at: loop.eventLoop.now) }
        end(obstacle)
        return false
      }
      guard batch.byteCount < loop.options.eventBatchBytes || send(batch, through: commit.last)
      else { return false }
    }
    guard let last = commits.last?.last else { return true }
    return send(batch, through: last)
  }

  /// Sends the events of the log up to a position, where there are some.
  ///
  /// - Returns: Whether to go on.
  private func send(_ batch: EventBatch, through position: Sequence) -> Bool {
    var reached = position
    let isSending = !batch.isEmpty
    if isSending { reached = send(batch, at: loop.eventLoop.now) ?? position }
    guard !isEnded else { return false }
    batch.removeAll()
    phase = .replaying(position: reached, isReading: false)
    let goesOn = !isSending || (maySend && reached == position)
    if owesCheckpoint, !goesOn || reached < loop.head { sendCheckpoint(at: reached) }
    return goesOn
  }

  /// Adds what the view sees of a commit.
  ///
  /// - Returns: Why the subscription ends there.
  private func append(_ commit: Commit, to batch: EventBatch) -> DatasyncError? {
    defer { loop.memos.release() }
    for change in commit.changes {
      do throws(DatasyncError) {
        guard let judged = try judged(change, commit) else { continue }
        guard let part = view.part(of: change.tableID) else { continue }
        try verdicts(of: judged, in: part).forEach {
          batch.append(encoded(judged, $0, in: part), of: commit)
        }
      } catch {
        return error
      }
    }
    return nil
  }

  /// nil: the change does not concern the view.
  ///
  /// - Throws: Why the subscription ends there.
  private func judged(_ change: Change, _ commit: Commit) throws(DatasyncError) -> JudgedChange? {
    switch view.concern(change.operation, ofTable: change.tableID, in: loop.catalog) {
    case .nothing: return nil
    case .beginning: throw .tableAttached(at: change.sequence)
    case .row(let table): return judged(change, table, commit)
    }
  }

  private func verdicts(
    of change: JudgedChange, in part: View
  ) throws(DatasyncError) -> Verdicts {
    do throws(FilterFault) {
      return try change.verdicts(in: part)
    } catch {
      throw error.error
    }
  }

  private func judged(_ change: Change, _ table: Table, _ commit: Commit) -> JudgedChange {
    JudgedChange(
      change: change, table: table, commit: commit, maxRowBytes: loop.options.maxRowBytes,
      memos: loop.memos)
  }

  private func encoded(
    _ change: JudgedChange, _ verdict: Verdict, in part: View
  ) -> EncodedEvent {
    change.encoded(
      verdict, view: part, wantsPrevious: plan.wantsPrevious && !FaultSwitch.isOn(.noPrevious),
      isTyped: sink?.isTyped ?? false)
  }

  // MARK: - Intervals

  func intervalEnded() {
    guard case .resting(let position, _) = phase else { return }
    // Nothing to say: asked again when something comes.
    guard position < loop.head else { return loop.intervals.insertIdle(self) }
    phase = .replaying(position: position, isReading: false)
    pump()
  }

  /// Something has come, perhaps long after the interval's end: it is said at the end of the one that
  /// it falls into.
  func wokenFromRest() {
    guard case .resting(_, let since) = phase, let interval = plan.minInterval else { return }
    let passed = max(0, (loop.eventLoop.now - since).nanoseconds)
    let intervals = passed / interval.nanoseconds
    let ends = intervals.addingClamped(1).multipliedReportingOverflow(by: interval.nanoseconds)
    loop.intervals.insert(
      self, due: since + .nanoseconds(ends.overflow ? interval.nanoseconds : ends.partialValue))
  }

  /// Sends the net changes of the commits, by the sequence of each row's last one.
  private func replayFolded(_ commits: [Commit]) -> Bool {
    guard let last = commits.last?.last else { return true }
    var fold = ChangeFold()
    for commit in commits {
      do throws(DatasyncError) {
        for change in commit.changes {
          guard let judged = try judged(change, commit) else { continue }
          fold.append(judged, commit: commit, isOwn: isOwn(judged.author))
        }
      } catch {
        end(error)
        return false
      }
    }
    // Also where nothing is left of them.
    owesCheckpoint = owesCheckpoint || !fold.isEmpty
    defer { loop.memos.release() }
    for net in fold.netChanges(excludingOwn: plan.excludeOwn) {
      do throws(DatasyncError) {
        guard let part = view.part(of: net.table.id) else { continue }
        try verdicts(of: net, in: part).forEach { verdict in
          owesCheckpoint = true
          sink?.send(
            encoded(net, verdict, in: part), own: isOwn(net.author), more: false,
            for: requestID)
        }
      } catch {
        end(error)
        return false
      }
    }
    phase = .replaying(position: last, isReading: false)
    // Also before the view is current: within one batch a row comes once.
    if owesCheckpoint { sendCheckpoint(at: last) }
    return maySend
  }
}
