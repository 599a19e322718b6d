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

  private struct Handle {
    let descriptor: Int32
    var users: Int
  }

  private let file: File
  private let descriptor: Int32
  private static let firstMark = 120 + 3
  private static let markCount = 5
  /// Not closed while the file is there: with any descriptor of a file a process gives up all its locks on
  /// it, those of SQLite, too. While one is open, no other file has its inode.
  private static let handles = Mutex<[File: Handle]>([:])

  /// Nil: there is no such file.
  ///
  /// - Parameter database: The path.
  init?(ofDatabase database: String) {
    let path = database + "-shm"
    let found = ForeignReads.handles.withLock { handles -> (file: File, descriptor: Int32)? in
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      let file = File(device: status.st_dev, inode: status.st_ino)
      if let known = handles[file]?.descriptor {
        handles[file]?.users += 1
        return (file, known)
      }
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      handles[file] = Handle(descriptor: descriptor, users: 1)
      return (file, descriptor)
    }
    guard let found else { return nil }
    (file, descriptor) = found
  }

  deinit {
    ForeignReads.handles.withLock { $0[file]?.users -= 1 }
  }

  /// Closes the files that nobody here looks at and that are gone: the last connection of a database
  /// removes its file. Called where connections have been closed.
  static func closeGone() {
    handles.withLock { handles in
      for (file, handle) in handles where handle.users == 0 {
        var status = stat()
        guard fstat(handle.descriptor, &status) == 0, status.st_nlink == 0 else { continue }
        close(handle.descriptor)
        handles[file] = nil
      }
    }
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
