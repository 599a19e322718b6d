import CDatasyncSQLite

/// How long SQLite waits for the disk within a commit: times the syncs of one connection's WAL.
/// Thread-confined to the connection's.
///
/// SQLite reaches a file through a table of functions that the file points at
/// (<https://sqlite.org/c3ref/io_methods.html>); the WAL gets a copy of its table with a sync of ours
/// that calls the one before. The connection owns it, and takes it off before it closes the file.
final class SyncTimer {
  /// SQLite knows the first field alone.
  private struct Methods {
    var table: sqlite3_io_methods
    let original: UnsafePointer<sqlite3_io_methods>
    var nanoseconds: Int64 = 0
  }

  private let methods: UnsafeMutablePointer<Methods>

  /// - Returns: nil where the connection has no WAL open, or its file system is not SQLite's kind.
  init?(_ connection: Connection) {
    var file: UnsafeMutablePointer<sqlite3_file>?
    let code = sqlite3_file_control(
      connection.handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file)
    guard code == SQLITE_OK, let file, let original = file.pointee.pMethods,
      original.pointee.xSync != nil
    else { return nil }
    methods = .allocate(capacity: 1)
    var table = original.pointee
    table.xSync = { file, flags in
      guard let file, let table = file.pointee.pMethods else { return SQLITE_IOERR }
      let methods = UnsafeMutableRawPointer(mutating: table)
        .assumingMemoryBound(to: Methods.self)
      let start = MonotonicClock.now
      let code = methods.pointee.original.pointee.xSync(file, flags)
      methods.pointee.nanoseconds += (MonotonicClock.now - start).nanoseconds
      return code
    }
    methods.initialize(to: Methods(table: table, original: original))
    file.pointee.pMethods = UnsafeRawPointer(methods)
      .assumingMemoryBound(to: sqlite3_io_methods.self)
  }

  /// Gives the file its own table back, which it may need for longer than this lives.
  func remove(from connection: Connection) {
    var file: UnsafeMutablePointer<sqlite3_file>?
    let code = sqlite3_file_control(
      connection.handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file)
    guard code == SQLITE_OK, let file,
      UnsafeRawPointer(file.pointee.pMethods) == UnsafeRawPointer(methods)
    else { return }
    file.pointee.pMethods = methods.pointee.original
  }

  deinit {
    methods.deinitialize(count: 1)
    methods.deallocate()
  }

  /// What has been waited since the last time.
  func take() -> Duration {
    defer { methods.pointee.nanoseconds = 0 }
    return .nanoseconds(methods.pointee.nanoseconds)
  }
}
