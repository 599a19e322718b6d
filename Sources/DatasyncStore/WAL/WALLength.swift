import CDatasyncSQLite

/// How long the WAL is, as SQLite tells after each commit. Thread-confined to the writer.
final class WALLength {
  private var pages: Int?

  /// The length, once after each commit that wrote something; nil where none has since.
  func take() -> Int? {
    defer { pages = nil }
    return pages
  }

  /// `self` must live as long as the connection.
  func install(on connection: Connection) {
    sqlite3_wal_hook(
      connection.handle,
      { context, _, _, pages in
        if let context {
          Unmanaged<WALLength>.fromOpaque(context).takeUnretainedValue().pages = Int(pages)
        }
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }
}
