#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What shows, without reading it, that a file is another now. A value.
struct FileStamp: Hashable {
  private let device: UInt64
  private let inode: UInt64
  private let size: Int64
  private let modified: Int64
  private let changed: Int64

  /// nil: it is not there, or has been changed so lately that another change might leave the same.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    #if canImport(Glibc)
      let (modification, change) = (status.st_mtim, status.st_ctim)
    #else
      let (modification, change) = (status.st_mtimespec, status.st_ctimespec)
    #endif
    modified = FileStamp.nanoseconds(modification)
    changed = FileStamp.nanoseconds(change)
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let age = FileStamp.nanoseconds(now) &- changed
    guard !(0..<FileStamp.settlingTime).contains(age) else { return nil }
  }

  /// Longer than the clock of any file system takes for a tick.
  private static let settlingTime: Int64 = 2_000_000_000

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
