import CDatasyncSQLite
import DatasyncModel
import DatasyncStorage

/// Stops a running statement: when its read is cancelled, takes too long, or lasts while the WAL is
/// over its bound, since its snapshot keeps the WAL from being begun anew. And lets others have their
/// turn. Thread-confined.
final class ReadProgress {
  /// When the snapshot was opened.
  var openedAt: Duration = .zero
  /// Why the last read was stopped, where it was not cancelled.
  private(set) var stopped: DatasyncError?
  private(set) var wasEndedForOther = false
  /// Waits for the scan's next turn; false: it is to end for others. It may where it had its share.
  var turnEnded: ((_ mayEnd: Bool) -> Bool)?
  private var cancellation: (any ReadCancellation)?
  private var isReading = false
  private var isScan = false
  private var beganAt: Duration = .zero
  private var turnBeganAt: Duration = .zero
  /// In turns that are over.
  private var hasWorked: Duration = .zero
  private let shared: SharedState
  private let maxWALPages: Int
  private let maxScanTime: Duration

  /// A read that has lasted less is not what keeps the WAL, nor ended for others.
  private let shortRead: Duration = .seconds(1)
  /// The turn of a scan, where others wait.
  private let turn: Duration = .milliseconds(20)

  init(shared: SharedState, options: StoreOptions) {
    self.shared = shared
    maxWALPages = options.maxWALPages
    maxScanTime = options.maxScanTime
  }

  /// Nothing has been said of the read that comes, whether it begins or not.
  func forgetLast() {
    stopped = nil
    wasEndedForOther = false
  }

  func begin(_ job: ReadJob) {
    cancellation = job.cancellation
    isReading = true
    isScan = !job.isShort
    guard isScan else { return }
    beganAt = MonotonicClock.now
    turnBeganAt = beganAt
    hasWorked = .zero
  }

  func end() {
    cancellation = nil
    isReading = false
  }

  private static func tooLong(_ description: String, limit: String) -> DatasyncError {
    DatasyncError(
      .resourceExhausted, reason: "READ_TOO_LONG",
      description + ": ask for less, or have an index made (datasync explain)",
      metadata: ["limit": limit], retryAfter: .seconds(1))
  }

  /// `self` must live as long as the connection.
  func install(on connection: Connection) {
    sqlite3_progress_handler(
      connection.handle, 2000,
      { context in
        guard let context else { return 0 }
        return Unmanaged<ReadProgress>.fromOpaque(context).takeUnretainedValue().mustStop ? 1 : 0
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private var mustStop: Bool {
    guard isReading else { return false }
    if cancellation?.isCancelled == true || stopped != nil { return true }
    if shared.isClosing {
      stopped = SharedState.closed
      return true
    }
    let now = MonotonicClock.now
    if shared.walPages >= maxWALPages, now - openedAt >= shortRead {
      stopped = ReadProgress.tooLong(
        "the read lasted while so much was written that the write-ahead log reached its bound",
        limit: "max_wal_pages")
    } else if isScan, now - turnBeganAt >= turn {
      endTurn(now)
    }
    return stopped != nil
  }

  private func endTurn(_ now: Duration) {
    hasWorked += now - turnBeganAt
    if hasWorked >= maxScanTime {
      stopped = ReadProgress.tooLong("the read took too long", limit: "max_scan_time")
      return
    }
    if let turnEnded, !turnEnded(now - beganAt >= shortRead) {
      wasEndedForOther = true
      stopped = ReadProgress.tooLong(
        "as many reads as may do so at once take long, and others wait", limit: "max_scans")
    }
    turnBeganAt = MonotonicClock.now
  }
}
