import DatasyncModel
import DatasyncStore
import NIOCore

extension Subscription {
  /// Goes on from the position: from the loop's tail where it reaches back that far, else from the
  /// log. One chunk at a time, so that no subscription keeps the loop from the others.
  func pump() {
    guard case .replaying(let position, isReading: false) = phase, maySend else { return }
    if position >= loop.head { return becomeLive(at: position) }
    if let commits = loop.tail.commits(after: position, maxBytes: loop.options.replayChunkBytes) {
      if replay(commits) { yieldThenPump() }
      return
    }
    phase = .replaying(position: position, isReading: true)
    readLog(after: position)
  }

  private func yieldThenPump() {
    guard case .replaying(let position, _) = phase else { return }
    if position >= loop.head { return pump() }
    let bound = NIOLoopBound(WeakSubscription(self), eventLoop: loop.eventLoop)
    loop.eventLoop.execute { bound.value.target?.pump() }
  }

  private func readLog(after position: Sequence) {
    let through = loop.head
    let maxBytes = loop.options.replayChunkBytes
    loop.read(
      { snapshot throws(DatasyncError) in
        try snapshot.changes(after: position, through: through, maxBytes: maxBytes)
      },
      completion: { [weak self] (result: Result<LogPage, DatasyncError>) in
        guard let self, case .replaying(_, isReading: true) = self.phase else { return }
        switch result {
        case .failure(let error):
          self.end(error)
        case .success(let page):
          self.phase = .replaying(position: position, isReading: false)
          guard self.replay(page.commits) else { return }
          if case .replaying(let reached, _) = self.phase {
            self.phase = .replaying(position: max(reached, page.through), isReading: false)
          }
          self.yieldThenPump()
        }
      })
  }

  /// Sends what the view sees of the commits.
  ///
  /// - Returns: Whether to go on; false where the subscription has ended or the stream is full.
  private func replay(_ commits: [Commit]) -> Bool {
    if plan.minInterval != nil { return replayFolded(commits) }
    for commit in commits {
      guard let changes = judged(commit) else { return false }
      let matches = self.matches(among: changes)
      send(matches)
      phase = .replaying(position: commit.last, isReading: false)
      if !matches.isEmpty, !maySend {
        sendCheckpoint(at: commit.last)
        return false
      }
    }
    if owesCheckpoint, let last = commits.last?.last, last < loop.head {
      sendCheckpoint(at: last)
    }
    return true
  }

  /// The commit's changes that may concern the view; nil where one of them has ended it.
  private func judged(_ commit: Commit) -> [JudgedChange]? {
    var changes: [JudgedChange] = []
    for change in commit.changes {
      if let table = view.table, change.tableID != table.id { continue }
      if change.operation == .tableAttached {
        tableAttached(at: change.sequence)
        return nil
      }
      guard let table = loop.catalog.table(id: change.tableID) else { continue }
      changes.append(JudgedChange(change: change, table: table, commit: commit))
    }
    return changes
  }

  // MARK: - Intervals

  func rest(for interval: TimeAmount) {
    let bound = NIOLoopBound(WeakSubscription(self), eventLoop: loop.eventLoop)
    intervalTask = loop.eventLoop.scheduleTask(in: interval) {
      bound.value.target?.intervalEnded()
    }
  }

  private func intervalEnded() {
    guard case .resting(let position) = phase, let interval = plan.minInterval else { return }
    if position >= loop.head { return rest(for: interval) }
    phase = .replaying(position: position, isReading: false)
    pump()
  }

  /// Sends the net changes of the commits, by the sequence of each row's last one.
  private func replayFolded(_ commits: [Commit]) -> Bool {
    guard let last = commits.last?.last else { return true }
    var fold = ChangeFold()
    for commit in commits {
      guard let changes = judged(commit) else { return false }
      for change in changes { fold.append(change, commit: commit, isOwn: isOwn(change)) }
    }
    // Also where nothing is left of them.
    owesCheckpoint = owesCheckpoint || !fold.isEmpty
    for net in fold.netChanges(excludingOwn: plan.excludeOwn) {
      guard let verdict = net.verdict(in: view) else { continue }
      send([(net, verdict)])
    }
    phase = .replaying(position: last, isReading: false)
    // Also before the view is current: within one batch a row comes once.
    if owesCheckpoint { sendCheckpoint(at: last) }
    return maySend
  }
}
