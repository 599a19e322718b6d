import CDatasyncSQLite

/// Tells now and then what a connection's page cache takes. Thread-confined with its connection.
final class CacheUse {
  private let connection: Connection
  private let shared: SharedState
  private var bytes = 0
  private var nextLook: Duration = .zero

  init(of connection: Connection, _ shared: SharedState) {
    self.connection = connection
    self.shared = shared
  }

  deinit {
    shared.cacheBytesChanged(by: -bytes)
  }

  /// Looks once a second at most.
  func note() {
    let now = MonotonicClock.now
    guard now >= nextLook else { return }
    nextLook = now + .seconds(1)
    var current: Int32 = 0
    var highest: Int32 = 0
    guard
      sqlite3_db_status(
        connection.handle, SQLITE_DBSTATUS_CACHE_USED, &current, &highest, 0) == SQLITE_OK
    else { return }
    shared.cacheBytesChanged(by: Int(current) - bytes)
    bytes = Int(current)
  }
}
