import DatasyncModel
import DequeModule
import Synchronization

/// Reads that wait, and the threads that do them. Sendable.
final class ReaderPool: Sendable {
  /// A read: called once, with a snapshot or the reason why there is none.
  struct Job: Sendable {
    let scope: ReadScope
    /// The snapshot stands at this sequence or later.
    let minimum: Sequence
    let cancellation: (any ReadCancellation)?
    /// Whether it takes so little that it goes before those that scan.
    let isShort: Bool
    let run: @Sendable (Result<Snapshot, DatasyncError>) -> Void
    /// Once it has had to wait: when it waits no more.
    var waitsUntil: Duration?

    /// Whether it may be put aside until what it reads has been adopted.
    var mayWait: Bool { waitsUntil.map { MonotonicClock.now < $0 } ?? true }

    init(
      scope: ReadScope, minimum: Sequence, cancellation: (any ReadCancellation)?, isShort: Bool,
      run: @escaping @Sendable (Result<Snapshot, DatasyncError>) -> Void
    ) {
      self.scope = scope
      self.minimum = minimum
      self.cancellation = cancellation
      self.isShort = isShort
      self.run = run
    }
  }

  private struct Queue {
    private var short: Deque<Job> = []
    private var long: Deque<Job> = []
    /// Short ones in a row.
    private var streak = 0
    /// Long ones at work.
    private var longAtWork = 0
    private let maxLongAtWork: Int
    /// Those that wait for other programs' writes to be adopted, and when they are tried again.
    private var deferred: [Job] = []
    private var retry: (at: Duration, pause: Duration)?
    var isClosed = false
    /// Nothing is left to do, and nothing comes.
    var isOver: Bool { isClosed && isEmpty }

    /// Short ones that are preferred to a long one that waits.
    private static let maxStreak = 8
    /// The longest that a read waits for other programs' changes to be adopted.
    private static let maxAdoptionWait: Duration = .seconds(5)
    private static let minPause: Duration = .microseconds(250)
    private static let maxPause: Duration = .milliseconds(10)

    /// - Parameter threads: One of them, where there are several, is for short ones alone: scans never
    ///   hold up those.
    init(threads: Int) {
      maxLongAtWork = max(1, threads - 1)
    }

    /// Those that wait for a thread.
    var count: Int { short.count + long.count }
    var isEmpty: Bool { short.isEmpty && long.isEmpty && deferred.isEmpty }
    /// Whether ``popFirst()`` gives one.
    var isReady: Bool { !short.isEmpty || (!long.isEmpty && longAtWork < maxLongAtWork) }

    mutating func append(_ job: Job) {
      if job.isShort { short.append(job) } else { long.append(job) }
    }

    mutating func popFirst() -> Job? {
      if hasDeferred { takeDeferred() }
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

    /// Puts aside a read that has to wait. Where too many do, it shall see what there was before.
    mutating func putAside(_ job: Job, limit: Int) {
      let now = MonotonicClock.now
      var job = job
      guard deferred.count < limit else {
        job.waitsUntil = .zero
        return append(job)
      }
      job.waitsUntil = job.waitsUntil ?? now + Queue.maxAdoptionWait
      deferred.append(job)
      guard deferred.count == 1 else { return }
      // Longer from time to time, as long as there are some.
      let last = retry.flatMap { now - $0.at < Queue.maxPause ? $0.pause : nil } ?? .zero
      let pause = min(max(last * 2, Queue.minPause), Queue.maxPause)
      retry = (now + pause, pause)
    }

    var hasDeferred: Bool { !deferred.isEmpty }
    /// How long until those that were put aside are tried again; nil: there are none.
    var pauseLeft: Duration? {
      guard hasDeferred, let retry else { return nil }
      return max(retry.at - MonotonicClock.now, .zero)
    }

    /// Takes on again, after all that has come since, what was put aside long enough ago.
    private mutating func takeDeferred() {
      guard isClosed || pauseLeft == .zero else { return }
      let again = deferred
      deferred.removeAll(keepingCapacity: again.count < 64)
      for var job in again {
        if isClosed { job.waitsUntil = .zero }
        append(job)
      }
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
        ReaderPool.work(reader, queue, limit: limit)
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
          "\(queue.count) reads are waiting: try again a little later",
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

  private static func work(_ reader: Reader, _ queue: Monitor<Queue>, limit: Int) {
    while true {
      // While reads wait, one snapshot serves all of them that it is new enough for; an idle reader
      // holds none, for it would keep the WAL from being reused.
      var next = queue.withLock { $0.popFirst() }
      if next == nil {
        reader.rest()
        next = nextJob(queue)
      }
      guard let job = next else {
        if queue.withLock({ $0.isOver }) { break }
        continue
      }
      let isDone = reader.perform(job)
      if !isDone {
        queue.withLock { $0.putAside(job, limit: limit) }
        queue.signal()
      }
      guard !job.isShort else { continue }
      // Another thread may have let one lie because of this one, or wait for the end.
      if queue.withLock({ $0.longEnded() }) { queue.broadcast() } else { queue.signal() }
    }
  }

  /// - Returns: nil where it is time to look again, or all is over.
  private static func nextJob(_ queue: Monitor<Queue>) -> Job? {
    let pause = queue.withLock { $0.pauseLeft }
    return queue.wait(
      timeout: pause, until: { $0.isReady || $0.isOver || (pause == nil && $0.hasDeferred) }
    ) { $0.popFirst() }
  }
}
