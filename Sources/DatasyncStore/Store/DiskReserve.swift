#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Space on the disk that is kept for deletes: a delete, too, is first appended to the write-ahead log,
/// which a full disk has no room for. Behind what the companion file says. Thread-confined to the
/// writer.
final class DiskReserve {
  private let descriptor: Int32
  private var isHeld = false
  private var nextTry: Duration = .zero

  /// Enough for deletes of a few dozen rows, after which the log can be written over from its begin.
  static let byteCount = 256 << 10
  /// What is left of the file, where its content is.
  private static let contentBytes = 4096
  private static let pause: Duration = .seconds(10)

  /// - Parameter descriptor: Of the companion file; open for as long as this lives.
  init(descriptor: Int32) {
    self.descriptor = descriptor
    takeIfDue()
  }

  /// - Returns: Whether there was something to give up.
  func release() -> Bool {
    guard isHeld else { return false }
    isHeld = false
    nextTry = MonotonicClock.now + DiskReserve.pause
    return ftruncate(descriptor, off_t(DiskReserve.contentBytes)) == 0
  }

  func takeIfDue() {
    guard !isHeld, MonotonicClock.now >= nextTry else { return }
    nextTry = MonotonicClock.now + DiskReserve.pause
    #if canImport(Glibc)
      isHeld = posix_fallocate(descriptor, 0, off_t(DiskReserve.byteCount)) == 0
    #endif
  }
}
