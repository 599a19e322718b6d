import CDatasyncSQLite
import DatasyncModel

/// Copies the WAL into the database off the writer's path, on a thread and connection of its own.
///
/// Sendable. PASSIVE while there is traffic; RESTART once the WAL is over its mark, so that it is
/// begun anew; TRUNCATE when all is quiet.
final class Checkpointer: Sendable {
  private struct Work {
    /// Pages in the WAL after the last commit.
    var pages = 0
    var isClosed = false
  }

  private let work = Monitor(Work())
  /// Pages after which a checkpoint is worth it.
  private let passivePages = 1000
  /// Pages that the WAL should not pass: 64 MiB of 4 KiB.
  private let maxPages = 16_384

  /// From the writer's thread, after a commit.
  func walGrew(to pages: Int) {
    let isDue = work.withLock { work in
      work.pages = pages
      return pages >= passivePages
    }
    if isDue { work.signal() }
  }

  func close() {
    work.withLock { $0.isClosed = true }
    work.broadcast()
  }

  func run(_ connection: Connection) {
    // RESTART keeps the writer out while it waits for readers.
    sqlite3_busy_timeout(connection.handle, 20)
    var isTruncated = false
    while true {
      let (pages, isClosed) = work.wait(
        timeout: .seconds(2), until: { $0.pages >= passivePages || $0.isClosed }
      ) { work in
        defer { work.pages = 0 }
        return (work.pages, work.isClosed)
      }
      if isClosed { break }
      if pages >= passivePages {
        checkpoint(connection, SQLITE_CHECKPOINT_PASSIVE)
        if pages >= maxPages { checkpoint(connection, SQLITE_CHECKPOINT_RESTART) }
        isTruncated = false
      } else if pages > 0 {
        isTruncated = false
      } else if !isTruncated {
        isTruncated = checkpoint(connection, SQLITE_CHECKPOINT_TRUNCATE)
      }
    }
    connection.close()
  }

  @discardableResult
  private func checkpoint(_ connection: Connection, _ mode: Int32) -> Bool {
    // A connection that has read nothing yet does not know of the WAL, and would find nothing to do.
    guard (try? connection.integer("SELECT count(*) FROM sqlite_schema")) != nil else {
      return false
    }
    return sqlite3_wal_checkpoint_v2(connection.handle, "main", mode, nil, nil) == SQLITE_OK
  }
}

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
