import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Sees whether other processes have transactions open that have read: such a one cannot go on to write
/// once somebody else has written (SQLITE_BUSY_SNAPSHOT, and no busy handler helps). Thread-confined to
/// the writer.
///
/// A reader holds one of the locks of the WAL's read marks on the shared-memory file
/// (<https://sqlite.org/walformat.html#locks>); those of this process are not seen.
final class ForeignReads {
  private struct File: Hashable {
    let device: dev_t
    let inode: ino_t
  }

  private let descriptor: Int32
  private static let firstMark = 120 + 3
  private static let markCount = 5
  /// Never closed: with any descriptor of a file a process gives up all its locks on it, those of SQLite,
  /// too. While one is open, no other file has its inode.
  private static let descriptors = Mutex<[File: Int32]>([:])

  /// Nil: there is no such file.
  ///
  /// - Parameter database: The path.
  init?(ofDatabase database: String) {
    let path = database + "-shm"
    let found = ForeignReads.descriptors.withLock { descriptors -> Int32? in
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      let file = File(device: status.st_dev, inode: status.st_ino)
      if let known = descriptors[file] { return known }
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      descriptors[file] = descriptor
      return descriptor
    }
    guard let found else { return nil }
    descriptor = found
  }

  var areOpen: Bool {
    (0..<ForeignReads.markCount).contains { mark in
      var lock = flock()
      lock.l_type = Int16(F_WRLCK)
      lock.l_whence = Int16(SEEK_SET)
      lock.l_start = off_t(ForeignReads.firstMark + mark)
      lock.l_len = 1
      return fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
    }
  }
}
