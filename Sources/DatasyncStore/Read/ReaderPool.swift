import DatasyncModel
import Synchronization

/// The threads that read, and what waits for them. Sendable.
final class ReaderPool: Sendable {
  private let queue: Monitor<ReadQueue>
  private let threads: Mutex<[WorkerThread]>
  /// Connections that are open.
  private let open: Monitor<Int>
  private let limit: Int
  private let makeReader: @Sendable () throws -> Reader

  /// - Parameters:
  ///   - readers: One for each thread that there is from the beginning.
  ///   - maxScans: That have begun at once; there are as many threads and one more, at most.
  ///   - makeReader: For threads that come later; runs on them.
  init(
    readers: sending [Reader], limit: Int, maxScans: Int,
    makeReader: @escaping @Sendable () throws -> Reader
  ) {
    self.limit = limit
    self.makeReader = makeReader
    queue = Monitor(ReadQueue(threads: readers.count, maxScans: maxScans))
    open = Monitor(readers.count)
    threads = Mutex([])
    for reader in readers { start { reader } }
  }

  /// - Returns: Whether the system has a thread left.
  @discardableResult
  private func start(_ reader: sending @escaping () throws -> Reader) -> Bool {
    let reader = Confined(reader)
    let thread = WorkerThread { [self] in
      guard let reader = try? reader.value() else { return threadFailed() }
      reader.turnEnded = { [unowned self] mayEnd in turnEnded(mayEnd: mayEnd) }
      work(reader)
      // SQLite merges the WAL into the database when the last connection closes; where two close at
      // once, neither is the last.
      open.withLock { open in
        reader.close()
        open -= 1
      }
    }
    guard let thread else { return false }
    threads.withLock { $0.append(thread) }
    return true
  }

  private func threadFailed() {
    open.withLock { $0 -= 1 }
    queue.withLock { $0.threadFailed() }
    queue.broadcast()
  }

  /// - Returns: The reason why the read is refused.
  func submit(_ job: ReadJob) -> DatasyncError? {
    let (error, concernsMany) = queue.withLock { queue -> (DatasyncError?, Bool) in
      guard !queue.isClosed else { return (SharedState.closed, false) }
      guard queue.count < limit else {
        let error = DatasyncError(
          .resourceExhausted, reason: "READ_QUEUE_FULL",
          "\(queue.count) reads are waiting: try again later",
          metadata: ["limit": "max_queued_reads"], retryAfter: .milliseconds(100))
        return (error, false)
      }
      queue.append(job)
      return (nil, queue.concernsMany)
    }
    if error == nil { notify(many: concernsMany) }
    return error
  }

  var queuedCount: Int { queue.withLock { $0.count } }

  /// Refuses what waits, then ends the threads.
  func close() {
    queue.withLock { $0.isClosed = true }
    queue.broadcast()
    // Any of them may have started another one.
    while let thread = threads.withLock({ $0.popLast() }) { thread.join() }
  }

  private func notify(many: Bool) {
    if many { queue.broadcast() } else { queue.signal() }
  }

  // MARK: - On the threads

  private func work(_ reader: Reader) {
    while true {
      // While reads wait, one snapshot serves all of them that it is new enough for; an idle reader
      // holds none, for it would keep the WAL from being reused.
      var next = queue.withLock { $0.popFirst() }
      if next == nil {
        reader.rest()
        next = nextJob()
      }
      guard let job = next else {
        if queue.withLock({ $0.isOver }) { break }
        continue
      }
      let isDone = reader.perform(job)
      guard !isDone || !job.isShort else { continue }
      let concernsMany = queue.withLock { queue in
        if !isDone { queue.putAside(job, limit: limit) }
        if !job.isShort { queue.scanEnded() }
        if reader.wasEndedForOther { queue.endedForOther() }
        return queue.concernsMany
      }
      // Another thread may have let one lie because of this one, or wait for the end.
      notify(many: concernsMany)
    }
  }

  /// - Returns: nil where it is time to look again, or all is over.
  private func nextJob() -> ReadJob? {
    let pause = queue.withLock { $0.pauseLeft }
    return queue.wait(
      timeout: pause, until: { $0.isReady || $0.isOver || (pause == nil && $0.hasDeferred) }
    ) { $0.popFirst() }
  }

  /// A scan has had its turn: waits until the next one comes.
  ///
  /// - Returns: false where it is to be ended, so that another one can begin.
  private func turnEnded(mayEnd: Bool) -> Bool {
    switch queue.withLock({ $0.turnEnded(mayEnd: mayEnd) }) {
    case .goesOn: return true
    case .ends: return false
    case .standsAside(let ticket, let startingThread):
      if startingThread {
        open.withLock { $0 += 1 }
        if !start({ [makeReader] in try makeReader() }) { threadFailed() }
      }
      queue.broadcast()
      let concernsMany = queue.wait(until: { $0.mayGoOn(ticket) }) { queue in
        queue.goOn(ticket)
        return queue.concernsMany
      }
      if concernsMany { queue.broadcast() }
      return true
    }
  }
}
