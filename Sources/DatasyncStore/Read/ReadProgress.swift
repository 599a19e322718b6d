import CDatasyncSQLite
import DatasyncModel

/// Stops a running statement when its read is cancelled, or lasts while the WAL is over its bound: its
/// snapshot keeps the WAL from being begun anew. Thread-confined.
final class ReadProgress {
  /// When the snapshot was opened.
  var openedAt: Duration = .zero
  /// Whether the last read was stopped for the WAL's sake.
  private(set) var wasTooLong = false
  private var cancellation: (any ReadCancellation)?
  private var isReading = false
  private let shared: SharedState
  private let maxWALPages: Int

  /// A read that has lasted less is not what keeps the WAL.
  private let shortRead: Duration = .seconds(1)

  init(shared: SharedState, maxWALPages: Int) {
    self.shared = shared
    self.maxWALPages = maxWALPages
  }

  func begin(_ cancellation: (any ReadCancellation)?) {
    self.cancellation = cancellation
    isReading = true
    wasTooLong = false
  }

  func end() {
    cancellation = nil
    isReading = false
  }

  static var tooLong: DatasyncError {
    DatasyncError(
      .resourceExhausted, reason: "READ_TOO_LONG",
      "the read lasted while so much was written that the write-ahead log reached its bound: ask for "
        + "less, or have an index made (datasync explain)",
      metadata: ["limit": "max_wal_pages"], retryAfter: .seconds(1))
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
    if cancellation?.isCancelled == true { return true }
    guard isReading, shared.walPages >= maxWALPages,
      MonotonicClock.now - openedAt >= shortRead
    else { return false }
    wasTooLong = true
    return true
  }
}
