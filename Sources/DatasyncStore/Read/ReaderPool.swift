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
    /// Whether it takes so little that it goes before those that scan.
    let isShort: Bool
    let run: @Sendable (Result<Snapshot, DatasyncError>) -> Void
  }

  private struct Queue {
    private var short: Deque<Job> = []
    private var long: Deque<Job> = []
    /// Short ones in a row.
    private var streak = 0
    /// Long ones at work.
    private var longAtWork = 0
    private let maxLongAtWork: Int
    var isClosed = false

    /// Short ones that are preferred to a long one that waits.
    private static let maxStreak = 8

    /// - Parameter threads: One of them, where there are several, is for short ones alone: scans never
    ///   hold up those.
    init(threads: Int) {
      maxLongAtWork = max(1, threads - 1)
    }

    var count: Int { short.count + long.count }
    var isEmpty: Bool { short.isEmpty && long.isEmpty }
    /// Whether ``popFirst()`` gives one.
    var isReady: Bool { !short.isEmpty || (!long.isEmpty && longAtWork < maxLongAtWork) }

    mutating func append(_ job: Job) {
      if job.isShort { short.append(job) } else { long.append(job) }
    }

    mutating func popFirst() -> Job? {
      let mayTakeLong = !long.isEmpty && longAtWork < maxLongAtWork
      if streak < Queue.maxStreak || !mayTakeLong, let job = short.popFirst() {
        streak += 1
        return job
      }
      guard mayTakeLong else { return nil }
      streak = 0
      longAtWork += 1
      return long.popFirst()
    }

    mutating func longEnded() -> Bool {
      longAtWork -= 1
      return isClosed
    }
  }

  private let queue: Monitor<Queue>
  private let threads: Mutex<[WorkerThread]>
  private let limit: Int

  /// - Parameter readers: One for each thread.
  init(readers: sending [Reader], limit: Int) {
    self.limit = limit
    let queue = Monitor(Queue(threads: readers.count))
    self.queue = queue
    // SQLite merges the WAL into the database when the last connection closes; where two close at
    // once, neither is the last.
    let open = Monitor(readers.count)
    var threads: [WorkerThread] = []
    for reader in readers {
      let thread = WorkerThread {
        ReaderPool.work(reader, queue)
        open.withLock { open in
          reader.close()
          open -= 1
        }
      }
      if let thread { threads.append(thread) }
    }
    self.threads = Mutex(threads)
  }

  /// - Returns: The reason why the read is refused.
  func submit(_ job: Job) -> DatasyncError? {
    let error = queue.withLock { queue -> DatasyncError? in
      guard !queue.isClosed else { return SharedState.closed }
      guard queue.count < limit else {
        return DatasyncError(
          .resourceExhausted, reason: "READ_QUEUE_FULL",
          "\(queue.count) reads are waiting: try again later",
          metadata: ["limit": "max_queued_reads"], retryAfter: .milliseconds(100))
      }
      queue.append(job)
      return nil
    }
    if error == nil { queue.signal() }
    return error
  }

  var queuedCount: Int { queue.withLock { $0.count } }

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
      var next = queue.withLock { $0.popFirst() }
      if next == nil {
        reader.rest()
        next = queue.wait(until: { $0.isReady || ($0.isClosed && $0.isEmpty) }) {
          $0.popFirst()
        }
      }
      guard let job = next else { break }
      reader.perform(job)
      guard !job.isShort else { continue }
      // Another thread may have let one lie because of this one, or wait for the end.
      if queue.withLock({ $0.longEnded() }) { queue.broadcast() } else { queue.signal() }
    }
  }
}
