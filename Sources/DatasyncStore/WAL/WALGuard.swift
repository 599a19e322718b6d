import CDatasyncSQLite

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Sees whether the WAL's file still holds what SQLite has written into it. Another program may have
/// cut it, written over it or taken it away; SQLite goes on writing at its place, and only who opens
/// the database next finds that the commits are not there.
///
/// The WAL's index, which is in shared memory, says how many frames the WAL has and which salts it
/// begins with (<https://sqlite.org/walformat.html#the_wal_index_header>); the file is as long at least,
/// and begins with the same salts. Whoever checkpoints has the index say that there are no frames, or
/// other salts, before the file changes.
///
/// Thread-confined to the writer's.
final class WALGuard {
  /// What the index says. A value.
  private struct Index: Equatable {
    let frames: UInt32
    let salts: UInt64
  }

  enum State {
    case whole
    /// What is written is in the file, and the file is not where who opens the database next looks.
    case displaced
    /// What was committed is not in the file.
    case damaged
  }

  /// As C has it: a string would be copied for each look.
  private let path: UnsafeMutablePointer<CChar>
  private let descriptor: Int32
  private let inode: ino_t
  private let frameBytes: Int64
  /// Mapped for as long as the connection is open.
  private let index: UnsafeRawPointer

  private static let headerBytes: Int64 = 32
  private static let regionBytes: Int32 = 32_768
  /// In the index and in the WAL's header.
  private static let framesOffset = 16
  private static let indexSaltsOffset = 32
  private static let saltsOffset: off_t = 16

  /// - Parameters:
  ///   - connection: Has the WAL open.
  ///   - path: The database's, without symbolic links.
  /// - Returns: nil where the connection's file system is not SQLite's kind.
  init?(_ connection: Connection, database path: String) {
    var file: UnsafeMutablePointer<sqlite3_file>?
    var region: UnsafeMutableRawPointer?
    let code = sqlite3_file_control(connection.handle, "main", SQLITE_FCNTL_FILE_POINTER, &file)
    guard code == SQLITE_OK, let file, let methods = file.pointee.pMethods?.pointee,
      methods.iVersion >= 2,
      methods.xShmMap?(file, 0, WALGuard.regionBytes, 0, &region) == SQLITE_OK,
      let region
    else { return nil }
    let wal = "\(path)-wal"
    let descriptor = open(wal, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0, let name = strdup(wal) else {
      close(descriptor)
      return nil
    }
    self.path = name
    self.descriptor = descriptor
    inode = status.st_ino
    frameBytes = ((try? connection.integer("PRAGMA page_size")) ?? 4096) + 24
    index = UnsafeRawPointer(region)
  }

  deinit {
    free(path)
    close(descriptor)
  }

  /// Whether what is committed is where it was written, as far as length and header tell; whole where the
  /// file cannot be asked.
  ///
  /// To be called with the write lock held, or directly after a commit of this connection: a checkpoint
  /// of others may come between, and is told from harm.
  var state: State {
    let before = readIndex()
    var status = stat()
    if stat(path, &status) == 0 {
      if status.st_ino != inode { return displaced(before) }
    } else {
      return errno == ENOENT || errno == ENOTDIR ? displaced(before) : .whole
    }
    return isWhole(status, before) ? .whole : .damaged
  }

  private func displaced(_ index: Index) -> State {
    var status = stat()
    return fstat(descriptor, &status) == 0 && isWhole(status, index) ? .displaced : .damaged
  }

  private func isWhole(_ status: stat, _ before: Index) -> Bool {
    guard before.frames > 0 else { return true }
    var salts: UInt64 = 0
    let isRead = pread(descriptor, &salts, 8, WALGuard.saltsOffset) >= 0
    let end = WALGuard.headerBytes + Int64(before.frames) * frameBytes
    if status.st_size >= end, !isRead || salts == before.salts { return true }
    // The file is read after the index: where that is the same still, nobody has begun the WAL anew.
    let after = readIndex()
    return after.salts != before.salts || after.frames < before.frames
  }

  private func readIndex() -> Index {
    Index(
      frames: index.load(fromByteOffset: WALGuard.framesOffset, as: UInt32.self),
      salts: index.load(fromByteOffset: WALGuard.indexSaltsOffset, as: UInt64.self))
  }
}
