import DatasyncModel

/// The time by which the log and mutation ids get old, in microseconds since 1970. A value.
///
/// It goes with the time since the start, and takes over what the calendar's clock says where the two
/// agree. Where somebody sets the calendar's clock forward, it follows after ``trustTime`` alone, so
/// that nothing is forgotten by a mistake that is mended within it; it goes back at once. What is
/// kept by it is kept longer than it must be, never shorter.
struct RetentionClock {
  private(set) var now: Int64
  private var readAt: Duration
  /// Since when the calendar's clock has been ahead.
  private var aheadSince: Duration?

  /// By how much the calendar's clock may be ahead and is believed: adjustments, a restart.
  static let tolerance: Int64 = 15 * 60 * 1_000_000
  static let trustTime: Duration = .seconds(86_400)
  /// How often it is saved, so that a restart is no way around it.
  static let saveInterval: Duration = .seconds(300)

  /// - Parameters:
  ///   - saved: What another run's clock said last; nil: there was none.
  ///   - monotonic: ``MonotonicClock/now``, as everywhere here.
  init(saved: Int64?, calendar: Int64, monotonic: Duration) {
    now = min(saved ?? calendar, calendar)
    readAt = monotonic
    advance(calendar: calendar, monotonic: monotonic)
  }

  mutating func advance(calendar: Int64, monotonic: Duration) {
    let passed = max(0, (monotonic - readAt).nanoseconds / 1000)
    now = now.addingClamped(passed)
    readAt = monotonic
    guard calendar.subtractingClamped(now) > RetentionClock.tolerance else {
      now = calendar
      aheadSince = nil
      return
    }
    let since = aheadSince ?? monotonic
    aheadSince = since
    guard monotonic - since >= RetentionClock.trustTime else { return }
    now = calendar
    aheadSince = nil
  }
}

extension OwnTables {
  /// nil: none was saved.
  static func savedClock(_ connection: Connection) throws(StoreFailure) -> Int64? {
    guard case .int64(let time) = try setting("clock", connection) else { return nil }
    return time
  }

  static func saveClock(_ time: Int64, _ connection: Connection) throws(SQLiteFailure) {
    let statement = try connection.cached(
      "INSERT OR REPLACE INTO datasync_settings VALUES ('clock', ?1)")
    statement.bind(1, time)
    try statement.run()
  }
}
