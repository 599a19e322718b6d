import DatasyncModel
import NIOCore

extension Subscription {
  var isLive: Bool {
    if case .live = phase { return true }
    return false
  }

  /// Takes what a batch of the writer has for its audience, as it happens.
  func deliver(_ batch: EventBatch) {
    guard case .live = phase else { return }
    if sink?.takesWholeCommits == false {
      fallBack(to: batch.start)
      return yieldThenPump()
    }
    guard maySend else {
      return fallBack(
        to: FaultSwitch.isOn(.dropWhenFull) ? batch.events.last?.commitEnd : batch.start)
    }
    guard let reached = send(batch, at: loop.live.time) else { return }
    fallBack(to: reached)
    // Also has it called when the stream takes more.
    if maySend { yieldThenPump() }
  }

  /// Goes over to replaying, and forgets what comes after the position: the log has it.
  func fallBack(to position: Sequence?) {
    guard case .live = phase, let position else { return }
    loop.live.remove(self)
    phase = .replaying(position: position, isReading: false)
  }

  /// Sends events, and the checkpoint behind them where there is one.
  ///
  /// - Returns: Where to go on from, if the stream would not take all of them; nil: all are sent.
  func send(_ batch: EventBatch, at time: NIODeadline) -> Sequence? {
    guard let sink else { return nil }
    if FaultSwitch.isOn(.earlyCheckpoint), isCurrent, let last = batch.events.last {
      sendCheckpoint(at: last.commitEnd)
    }
    if !mayOwn(batch), let form = sink.sharedForm(for: requestID) {
      let (bytes, messageCount) = batch.framed(form)
      sink.send(framed: bytes, messageCount: messageCount)
      owesCheckpoint = batch.checkpoint == nil
    } else if let stop = sendSingly(batch, to: sink) {
      return stop
    }
    if owesCheckpoint, case .position(let position)? = batch.end { sendCheckpoint(at: position) }
    if !owesCheckpoint { lastCheckpoint = time }
    return nil
  }

  private func sendSingly(_ batch: EventBatch, to sink: any EventSink) -> Sequence? {
    for (index, event) in batch.events.enumerated() {
      let isOwn = isOwn(event.author)
      if plan.excludeOwn, isOwn { continue }
      sink.send(event.encoded, own: isOwn, more: event.more, for: requestID)
      owesCheckpoint = true
      if !event.more, index < batch.events.count - 1, !sink.isWritable { return event.commitEnd }
    }
    if owesCheckpoint, let checkpoint = batch.checkpoint {
      owesCheckpoint = false
      sink.send(checkpoint: checkpoint, for: requestID)
    }
    return nil
  }

  private func mayOwn(_ batch: EventBatch) -> Bool {
    guard let authorTag else { return false }
    guard let tag = batch.onlyAuthorTag else { return batch.events.contains { isOwn($0.author) } }
    return tag == authorTag && batch.onlyAuthor.map { isOwn($0) } ?? false
  }

  func isOwn(_ author: Author) -> Bool {
    author.isSame(as: self.author)
  }
}
