import DatasyncModel
import DequeModule
import Synchronization

/// Reads that wait, and the threads that do them. Sendable.
final class ReaderPool: Sendable {
  /// A read: called once, with a snapshot or the reason why there is none.
  struct Job: Sendable {
    /// The snapshot stands at this sequence or later.
    let minimum: Sequence
    let cancellation: (any ReadCancellation)?
    let run: @Sendable (Result<Snapshot, DatasyncError>) -> Void
  }

  private struct Queue {
    var jobs: Deque<Job> = []
    var isClosed = false
  }

  private let queue = Monitor(Queue())
  private let threads: Mutex<[WorkerThread]>
  private let limit: Int

  /// - Parameter readers: One for each thread.
  init(readers: sending [Reader], limit: Int) {
    self.limit = limit
    let queue = self.queue
    var threads: [WorkerThread] = []
    for reader in readers {
      let thread = WorkerThread {
        ReaderPool.work(reader, queue)
      }
      if let thread { threads.append(thread) }
    }
    self.threads = Mutex(threads)
  }

  /// - Returns: The reason why the read is refused.
  func submit(_ job: Job) -> DatasyncError? {
    let error = queue.withLock { queue -> DatasyncError? in
      guard !queue.isClosed else { return SharedState.closed }
      guard queue.jobs.count < limit else {
        return DatasyncError(
          .resourceExhausted, reason: "READ_QUEUE_FULL",
          "\(queue.jobs.count) reads are waiting: try again a little later",
          metadata: ["limit": "max_queued_reads"], retryAfter: .milliseconds(100))
      }
      queue.jobs.append(job)
      return nil
    }
    if error == nil { queue.signal() }
    return error
  }

  /// Finishes what waits, then ends the threads.
  func close() {
    queue.withLock { $0.isClosed = true }
    queue.broadcast()
    let waiting = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in waiting { thread.join() }
  }

  private static func work(_ reader: Reader, _ queue: Monitor<Queue>) {
    while true {
      // While reads wait, one snapshot serves all of them that it is new enough for; an idle reader
      // holds none, for it would keep the WAL from being reused.
      var next = queue.withLock { $0.jobs.popFirst() }
      if next == nil {
        reader.rest()
        next = queue.wait(until: { !$0.jobs.isEmpty || $0.isClosed }) { $0.jobs.popFirst() }
      }
      guard let job = next else { break }
      reader.perform(job)
    }
    reader.close()
  }
}
