import DatasyncModel

/// When the WAL is copied into the database, and how. A value; the times are ``MonotonicClock``'s.
///
/// - PASSIVE each time the WAL has grown by some pages: it disturbs nobody.
/// - RESTART where the WAL is over its mark all the same, because somebody writes or reads at every
///   moment: all stand aside while what is left is copied, and the writer then begins the WAL anew. Only
///   where a PASSIVE has just copied nearly all, and after a failure not at once again: a reader that
///   stays would make the writer wait for nothing.
/// - TRUNCATE when all is quiet.
struct CheckpointSchedule {
  enum Step {
    case passive
    case restart
    case truncate
  }

  /// How long SQLite says that the WAL was, and how much of it is copied. A value.
  struct Outcome {
    /// Whether the step did all that its mode asks; PASSIVE asks for no more than readers allow.
    var isComplete: Bool
    var pages: Int
    var copiedPages: Int
  }

  let passivePages: Int
  let restartPages: Int
  /// Pages in the WAL after the last commit.
  private(set) var pages = 0
  /// The WAL's length when it was last copied.
  private var seenPages = 0
  /// Since when a reader keeps what is in the WAL from being copied; nil: none does.
  private(set) var blockedSince: Duration?
  private var isTruncated = false
  private var nextRestart: Duration = .zero
  private var restartDelay: Duration = .zero
  /// Pages at which somebody is told next that a reader holds the WAL.
  private var reportPages: Int

  /// The first and the longest pause after a RESTART that failed.
  static let restartDelays: ClosedRange<Duration> = .milliseconds(500)...(.seconds(30))
  /// A reader that holds the WAL for longer is spoken of.
  static let longRead: Duration = .seconds(5)

  init(passivePages: Int, restartPages: Int) {
    self.passivePages = passivePages
    self.restartPages = restartPages
    reportPages = restartPages
  }

  mutating func walGrew(to pages: Int) {
    // The writer has begun the WAL anew.
    if pages < self.pages { seenPages = 0 }
    self.pages = pages
    isTruncated = false
  }

  /// What short readers may keep from being copied at any moment; the writer waits for the rest.
  private var tolerance: Int { max(passivePages, restartPages / 8) }

  /// Whether something is to be done while commits come.
  var isDue: Bool { pages - seenPages >= passivePages }

  /// What to do now.
  ///
  /// - Parameter isQuiet: Whether no commit has come for a while.
  func step(isQuiet: Bool) -> Step? {
    if isQuiet { return isTruncated ? nil : .truncate }
    return isDue ? .passive : nil
  }

  mutating func ended(_ step: Step, _ outcome: Outcome, now: Duration) -> Step? {
    switch step {
    case .passive:
      seenPages = max(pages, outcome.pages)
      guard outcome.isComplete else { return nil }
      let isBlocked = outcome.pages - outcome.copiedPages > tolerance
      blockedSince = isBlocked ? blockedSince ?? now : nil
      if !isBlocked { reportPages = restartPages }
      return !isBlocked && seenPages >= restartPages && now >= nextRestart ? .restart : nil
    case .restart where outcome.isComplete:
      pages = 0
      seenPages = 0
      restartDelay = .zero
    case .restart:
      let delays = CheckpointSchedule.restartDelays
      restartDelay = min(max(restartDelay * 2, delays.lowerBound), delays.upperBound)
      nextRestart = now + restartDelay
    case .truncate:
      isTruncated = outcome.isComplete
      guard outcome.isComplete else { return nil }
      pages = 0
      seenPages = 0
      blockedSince = nil
      reportPages = restartPages
    }
    return nil
  }

  /// Whether a long read now keeps a WAL over its mark; once for each doubling of its length.
  mutating func reportsLongRead(now: Duration) -> Bool {
    guard let blockedSince, now - blockedSince >= CheckpointSchedule.longRead,
      pages >= reportPages
    else { return false }
    while reportPages <= pages { reportPages *= 2 }
    return true
  }
}
