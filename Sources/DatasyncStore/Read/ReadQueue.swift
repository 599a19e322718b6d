import DequeModule

/// Reads that wait for a thread, or for their turn. A value, under its monitor's lock.
///
/// Those that take long wait by client, and clients have their turns.
/// All threads but one may scan at a time; that one is for short reads, which scans never hold up. A
/// scan that has had its turn while others wait stands aside with its thread and its snapshot, behind
/// those; so there are more threads, up to a limit, where there are such scans.
struct ReadQueue {
  /// Turns of a scan that goes on.
  struct Ticket: Hashable {
    fileprivate let number: UInt64
  }

  private var short: Deque<ReadJob> = []
  private var long = ReadLanes()
  /// Short ones in a row.
  private var streak = 0
  /// Scans at work, at most as many as there are slots.
  private var running = 0
  private let slots: Int
  /// Scans that stand aside, in the order of their turns.
  private var aside: Deque<Ticket> = []
  private var lastTicket: UInt64 = 0
  /// Whether the last slot went to a scan that began: the next one goes to one that goes on.
  private var hasJustBegun = false
  /// Scans that are to be ended for those that cannot begin.
  private var endings = 0
  private var threads: Int
  private let maxThreads: Int
  /// Those that wait for other programs' writes to be adopted, and when they are tried again.
  private var deferred: [ReadJob] = []
  private var retry: (at: Duration, pause: Duration)?
  var isClosed = false

  /// Short ones that are preferred to a long one that waits.
  private static let maxStreak = 8
  /// The longest that a read waits for other programs' changes to be adopted.
  private static let maxAdoptionWait: Duration = .seconds(5)
  private static let minPause: Duration = .microseconds(250)
  private static let maxPause: Duration = .milliseconds(10)

  /// - Parameter maxScans: That have begun at once, those that stand aside too.
  init(threads: Int, maxScans: Int) {
    self.threads = threads
    slots = max(1, threads - 1)
    maxThreads = max(threads, maxScans + 1)
  }

  /// Those that wait for a thread.
  var count: Int { short.count + long.count }
  /// Nothing is left to do, and nothing comes.
  var isOver: Bool { isClosed && count == 0 && deferred.isEmpty }
  /// Whether ``popFirst()`` gives one.
  var isReady: Bool { !short.isEmpty || mayBegin }
  /// Whether more than one thread may wait for what has just changed.
  var concernsMany: Bool { isClosed || !aside.isEmpty }

  private var begun: Int { running + aside.count }
  private var hasThread: Bool { begun < max(1, threads - 1) }
  private var mayBegin: Bool {
    !long.isEmpty && running < slots && hasThread && (aside.isEmpty || !hasJustBegun)
  }

  mutating func append(_ job: ReadJob) {
    if job.isShort { short.append(job) } else { long.append(job) }
  }

  mutating func popFirst() -> ReadJob? {
    if hasDeferred { takeDeferred() }
    let mayBegin = mayBegin
    if streak < ReadQueue.maxStreak || !mayBegin, let job = short.popFirst() {
      streak += 1
      return job
    }
    guard mayBegin else { return nil }
    streak = 0
    running += 1
    hasJustBegun = true
    return long.popFirst()
  }

  mutating func scanEnded() {
    running -= 1
  }

  // MARK: - Turns of scans

  /// What becomes of a scan that has had its turn. A value.
  enum Turn {
    /// Nobody waits.
    case goesOn
    case standsAside(Ticket, startingThread: Bool)
    /// So that another one can begin.
    case ends
  }

  /// - Parameter mayEnd: Whether it has had its share, should others not be able to begin.
  mutating func turnEnded(mayEnd: Bool) -> Turn {
    guard !isClosed, !long.isEmpty || !aside.isEmpty else { return .goesOn }
    let isFull = !hasThread && threads >= maxThreads
    if mayEnd, isFull, endings < long.count {
      endings += 1
      return .ends
    }
    running -= 1
    lastTicket += 1
    let ticket = Ticket(number: lastTicket)
    aside.append(ticket)
    let startsThread = !long.isEmpty && !hasThread && threads < maxThreads
    if startsThread { threads += 1 }
    return .standsAside(ticket, startingThread: startsThread)
  }

  /// Whether its turn has come.
  func mayGoOn(_ ticket: Ticket) -> Bool {
    isClosed
      || (aside.first == ticket && running < slots
        && (hasJustBegun || long.isEmpty || !hasThread))
  }

  mutating func goOn(_ ticket: Ticket) {
    aside.removeAll { $0 == ticket }
    running += 1
    hasJustBegun = false
  }

  /// A scan is over that was ended for another one.
  mutating func endedForOther() {
    endings -= 1
  }

  mutating func threadFailed() {
    threads -= 1
  }

  // MARK: - Adoption

  /// Puts aside a read that has to wait. Where too many do, it shall see what there was before.
  mutating func putAside(_ job: ReadJob, limit: Int) {
    let now = MonotonicClock.now
    var job = job
    guard deferred.count < limit else {
      job.waitsUntil = .zero
      return append(job)
    }
    job.waitsUntil = job.waitsUntil ?? now + ReadQueue.maxAdoptionWait
    deferred.append(job)
    guard deferred.count == 1 else { return }
    // Longer from time to time, as long as there are some.
    let last = retry.flatMap { now - $0.at < ReadQueue.maxPause ? $0.pause : nil } ?? .zero
    let pause = min(max(last * 2, ReadQueue.minPause), ReadQueue.maxPause)
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
}
