import DatasyncModel
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The lock by which a server knows that it is alone with a database, whatever path it came by: hard
/// links, symbolic links and bind mounts lead to one inode, and the lock is the inode's. Sendable.
///
/// It is a lock on one byte far beyond those that SQLite locks (<https://sqlite.org/lockingv3.html>),
/// and belongs to the open file, not to the process (F_OFD_SETLK). SQLite's own locks belong to the
/// process, and the system drops them all as soon as the process closes any descriptor of the file
/// (<https://sqlite.org/howtocorrupt.html>, section 2.2). So a descriptor, once open, is kept and used
/// again while anything of the process may have the database open, also where the lock was refused.
final class DatabaseLock: Sendable {
  private struct File: Hashable {
    let device: UInt64
    let inode: UInt64
  }

  private struct Entry {
    let descriptor: Int32
    var isHeld: Bool
  }

  /// By file: those of this process.
  private static let files = Mutex<[File: Entry]>([:])

  /// Neither within SQLite's bytes, which begin at 1 GiB, nor where a database has any.
  private static let byte: off_t = 1 << 62

  private let file: File
  private let isReleased = Atomic(false)

  /// What is made holds the lock: one that does not must not give it back.
  private init(holding file: File) {
    self.file = file
  }

  /// - Parameter path: Of the database, by any of its names.
  /// - Throws: FAILED_PRECONDITION, reason DATABASE_IN_USE, where a server has it, this one included.
  static func take(database path: String) throws(DatasyncError) -> DatabaseLock {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw DatasyncError(.notFound, reason: "NO_DATABASE", "there is no database \(path)")
    }
    let file = File(
      device: UInt64(truncatingIfNeeded: status.st_dev),
      inode: UInt64(truncatingIfNeeded: status.st_ino))
    try DatabaseLock.files.withLock { files throws(DatasyncError) in
      if files[file]?.isHeld == true { throw DatabaseLock.inUse(path) }
      let descriptor =
        files[file]?.descriptor ?? open(path, O_RDWR | O_CLOEXEC)
      guard descriptor >= 0 else {
        throw DatasyncError(
          .failedPrecondition, reason: "READ_ONLY_DATABASE",
          "cannot open \(path): \(String(cString: strerror(errno)))")
      }
      let isTaken = DatabaseLock.set(F_WRLCK, on: descriptor)
      files[file] = Entry(descriptor: descriptor, isHeld: isTaken)
      if !isTaken { throw DatabaseLock.inUse(path) }
    }
    return DatabaseLock(holding: file)
  }

  /// Lets others have the database. The store's connections are closed: nothing of SQLite's is lost
  /// with the descriptor.
  func release() {
    guard isReleased.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged
    else { return }
    DatabaseLock.files.withLock { files in
      guard let entry = files.removeValue(forKey: file) else { return }
      close(entry.descriptor)
    }
  }

  deinit {
    release()
  }

  private static func inUse(_ path: String) -> DatasyncError {
    DatasyncError(
      .failedPrecondition, reason: "DATABASE_IN_USE",
      "\(path) is served by another datasync process; stop that one first")
  }

  private static func set(_ type: Int32, on descriptor: Int32) -> Bool {
    var lock = flock()
    lock.l_type = Int16(truncatingIfNeeded: type)
    lock.l_whence = Int16(truncatingIfNeeded: SEEK_SET)
    lock.l_start = byte
    lock.l_len = 1
    return fcntl(descriptor, openFileSetLock, &lock) == 0
  }

  /// F_OFD_SETLK, which not every header shows.
  #if canImport(Glibc)
    private static let openFileSetLock: Int32 = 37
  #else
    private static let openFileSetLock: Int32 = 90
  #endif
}
