import DatasyncModel
import DatasyncStorage
import Foundation

// The one thread that writes, and those that read.
extension MemoryStorage {
  private enum Work {
    case foreign(MemoryInbox.Foreign)
    case requests([WriteRequest])
    case refusal([WriteRequest])
    case ended([@Sendable () -> Void])
  }

  /// Where nothing says when; a wait takes no time that is further off than its clock can tell.
  private static var later: Date { Date(timeIntervalSinceNow: 3600) }

  func write() {
    while let work = nextWork() {
      switch work {
      case .foreign(.changes(let changes)): adopt(changes)
      case .foreign(.catalog(let catalog)): serveNow(catalog)
      case .requests(let requests): carryOut(requests)
      case .refusal(let requests):
        publish(
          requests.map {
            WriteAnswer(replyTo: $0.replyTo, outcome: .failure(MemoryStorage.closed))
          }, [])
      case .ended(let waiting): for ended in waiting { ended() }
      }
      locked { inbox.isWriting = false }
    }
  }

  /// Waits for something to do; nil: it is over.
  private func nextWork() -> Work? {
    lock.lock()
    defer { lock.unlock() }
    while true {
      if options.fault == .writesWaitForReads, inbox.readsAtWork > 0 {
        lock.wait()
        continue
      }
      if let work = takeWork() {
        inbox.isWriting = true
        return work
      }
      if inbox.isClosed {
        inbox.isWriterGone = true
        return nil
      }
      _ = lock.wait(until: inbox.gatheringEnds ?? MemoryStorage.later)
    }
  }

  private func takeWork() -> Work? {
    if !inbox.foreign.isEmpty {
      let next = inbox.foreign.removeFirst()
      inbox.adopted = next
      return .foreign(next)
    }
    if let end = inbox.gatheringEnds, end <= Date() { inbox.gatheringEnds = nil }
    let refuses =
      inbox.isEnding && options.fault != .writesAtEnd
      || inbox.isClosed && options.fault == .dropsWaitingAtClose
    if !inbox.queue.isEmpty, refuses { return .refusal(inbox.queue.takeBatch(options.batch)) }
    let isFree = inbox.isStarted && inbox.gatheringEnds == nil
    if !inbox.queue.isEmpty, isFree || inbox.isClosed || inbox.isEnding {
      let batch = inbox.queue.takeBatch(options.batch)
      if inbox.queue.isEmpty { inbox.isStarted = false }
      return .requests(batch)
    }
    guard !inbox.whenEnded.isEmpty else { return nil }
    defer { inbox.whenEnded = [] }
    return .ended(inbox.whenEnded)
  }

  // MARK: - Batches

  /// Shows everybody what the writer has made, and tells it.
  func publish(_ answers: [WriteAnswer], _ commits: [Commit]) {
    locked {
      previous = visible
      visible = working
      inbox.adopted = nil
      if options.fault != .neverGathers {
        // Said beforehand: the observer may have it taken back before it returns.
        inbox.gatheringEnds = Date() + options.gatheringTime.seconds
      }
    }
    guard !answers.isEmpty || !commits.isEmpty else {
      return locked { inbox.gatheringEnds = nil }
    }
    let waits = observer.batchCommitted(
      CommittedBatch(answers: answers, commits: commits, head: working.head))
    if !waits { locked { inbox.gatheringEnds = nil } }
  }

  // MARK: - Reads

  func read() {
    while let (read, outcome) = nextRead() {
      read.run(outcome)
      locked { inbox.readsAtWork -= 1 }
    }
  }

  private func nextRead() -> (StorageRead, Result<any StorageSnapshot, DatasyncError>)? {
    lock.lock()
    defer { lock.unlock() }
    while true {
      if let index = inbox.reads.firstIndex(where: { $0.read.isShort && outcome(of: $0) != nil })
        ?? inbox.reads.firstIndex(where: { outcome(of: $0) != nil }),
        let outcome = outcome(of: inbox.reads[index])
      {
        inbox.readsAtWork += 1
        return (inbox.reads.remove(at: index).read, outcome)
      }
      if inbox.isClosed { return nil }
      _ = lock.wait(until: inbox.reads.map(\.until).min() ?? MemoryStorage.later)
    }
  }

  /// nil: the read has to wait.
  private func outcome(
    of waiting: (read: StorageRead, until: Date)
  ) -> Result<any StorageSnapshot, DatasyncError>? {
    let read = waiting.read
    if inbox.isClosed, options.fault != .servesWhenClosed { return .failure(MemoryStorage.closed) }
    if read.cancellation?.isCancelled == true {
      return .failure(DatasyncError(.cancelled, reason: "CANCELLED", "the read was cancelled"))
    }
    if options.fault == .readsWaitForWrites, inbox.isWriting { return nil }
    let isLate = waiting.until <= Date()
    if visible.head < read.atLeast, options.fault != .ignoresAtLeast {
      guard isLate else { return nil }
      return .failure(
        DatasyncError(
          .unavailable, reason: "NOT_REACHED",
          "the database has not come to sequence \(read.atLeast); try again later",
          retryAfter: .milliseconds(100)))
    }
    let isPending = read.scope.concerns(inbox.pendingTables(visible.catalog))
    guard !isPending || isLate || options.fault == .showsForeignEarly else { return nil }
    let copy = options.fault == .readsStale ? previous : visible
    return .success(
      MemorySnapshot(copy, fault: options.fault) { [self] in lock.withLock { visible } })
  }
}
