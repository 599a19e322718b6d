import DatasyncModel

extension Subscription {
  /// Takes the one change of a commit, as it happens.
  ///
  /// - Returns: Whether something was sent.
  func publish(_ change: JudgedChange, commit: Commit) -> Bool {
    guard let verdict = verdict(on: change) else { return false }
    guard staysLive(before: commit) else { return false }
    send(change, verdict, more: false)
    return true
  }

  /// Takes those changes of a commit that may concern it, in order.
  func publish(_ changes: [JudgedChange], commit: Commit) -> Bool {
    let matches = self.matches(among: changes)
    guard !matches.isEmpty, staysLive(before: commit) else { return false }
    send(matches)
    return true
  }

  /// The batch is complete: the view is exact at its end.
  func batchEnded() {
    guard case .live = phase, owesCheckpoint else { return }
    sendCheckpoint(at: loop.head)
  }

  /// Falls back to replaying where the stream is full, and forgets the commit: the log has it.
  private func staysLive(before commit: Commit) -> Bool {
    guard case .live = phase else { return false }
    if maySend { return true }
    loop.leaveLive(self)
    let position =
      FaultSwitch.isOn(.dropWhenFull) ? commit.last : Sequence(commit.first.rawValue - 1)
    phase = .replaying(position: position, isReading: false)
    return false
  }

  func verdict(on change: JudgedChange) -> JudgedChange.Verdict? {
    if plan.excludeOwn, isOwn(change) { return nil }
    return change.verdict(in: view)
  }

  func matches(
    among changes: [JudgedChange]
  ) -> [(change: JudgedChange, verdict: JudgedChange.Verdict)] {
    changes.compactMap { change in verdict(on: change).map { (change, $0) } }
  }

  func isOwn(_ change: JudgedChange) -> Bool {
    !clientID.isEmpty && change.origin == clientID
  }

  func send(_ matches: [(change: JudgedChange, verdict: JudgedChange.Verdict)]) {
    if FaultSwitch.isOn(.earlyCheckpoint), isCurrent, let last = matches.last {
      sendCheckpoint(at: last.change.change.sequence)
    }
    let matches = FaultSwitch.isOn(.swapEvents) ? matches.reversed() : matches
    for (index, match) in matches.enumerated() {
      let more = index < matches.count - 1 && !FaultSwitch.isOn(.splitCommit)
      send(match.change, match.verdict, more: more)
    }
  }

  private func send(_ change: JudgedChange, _ verdict: JudgedChange.Verdict, more: Bool) {
    guard let sink else { return }
    let bytes = change.encoded(
      verdict, view: view, wantsPrevious: plan.wantsPrevious && !FaultSwitch.isOn(.noPrevious),
      isTyped: sink.isTyped)
    owesCheckpoint = true
    if FaultSwitch.strikes(.dropEvent) { return }
    sink.send(change: bytes, own: isOwn(change), more: more, for: requestID)
    if FaultSwitch.strikes(.doubleEvent) {
      sink.send(change: bytes, own: isOwn(change), more: more, for: requestID)
    }
  }
}
