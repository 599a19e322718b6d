import CDatasyncSQLite

/// Keeps the WAL longer than what is in it, so that small commits overwrite and do not append: an
/// fdatasync that finds a file as long as before needs nothing of the file system's journal, which
/// halves it on ext4.
///
/// The WAL is overwritten from its begin anyway once it has been as long as `maxPages`; this is for
/// the time until then, after each start and each truncation. Zeros after the last frame are no
/// frame, as little as what SQLite itself leaves there of an earlier turn: a frame's salt and
/// checksum must match (<https://sqlite.org/fileformat2.html#walformat>).
///
/// Thread-confined to the writer.
final class WALReserve {
  private let connection: Connection
  private let frameBytes: Int
  private let maxBytes: Int
  /// Up to the last frame.
  private var usedBytes = 0
  /// The file's length, where it is known.
  private var endBytes: Int?
  private var lastCommitBytes = 0

  /// Before that nothing is written ahead: who writes now and then has the WAL truncated in between.
  static let leastBytes = 256 << 10
  /// What is written ahead at once: little, because the next commit syncs it too.
  static let stepBytes = 2 * pieceBytes
  /// One write; SQLite's VFS takes less than 128 KiB.
  private static let pieceBytes = 64 << 10
  /// Commits of more gain nothing that counts.
  static let maxCommitBytes = 64 << 10

  /// - Parameter maxPages: No more is written ahead where the WAL is as long.
  init(connection: Connection, maxPages: Int) {
    self.connection = connection
    frameBytes = Int((try? connection.integer("PRAGMA page_size")) ?? 4096) + 24
    maxBytes = maxPages * frameBytes
  }

  /// After a commit.
  func walGrew(to pages: Int) {
    let bytes = pages * frameBytes
    // It was begun anew, and may have been truncated.
    if bytes <= usedBytes { endBytes = nil }
    lastCommitBytes = max(0, bytes - usedBytes)
    usedBytes = bytes
  }

  /// Writes ahead where little is left. To be called while this connection holds the write lock and
  /// has written no frame: nobody else writes to the WAL then.
  func extendIfDue() {
    guard usedBytes >= WALReserve.leastBytes, usedBytes < maxBytes,
      lastCommitBytes <= WALReserve.maxCommitBytes
    else { return }
    if let endBytes, endBytes - usedBytes > WALReserve.maxCommitBytes { return }
    extend()
  }

  private func extend() {
    var file: UnsafeMutablePointer<sqlite3_file>?
    var length: Int64 = 0
    let code = sqlite3_file_control(
      connection.handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file)
    guard code == SQLITE_OK, let file, let methods = file.pointee.pMethods?.pointee,
      methods.xFileSize(file, &length) == SQLITE_OK
    else { return }
    endBytes = Int(length)
    // Less than none: it was truncated since. More: it was as long before.
    guard 0...WALReserve.maxCommitBytes ~= Int(length) - usedBytes else { return }
    let zeros = UnsafeMutableRawBufferPointer.allocate(
      byteCount: WALReserve.pieceBytes, alignment: 8)
    defer { zeros.deallocate() }
    zeros.initializeMemory(as: UInt8.self, repeating: 0)
    let end = Int(length) + WALReserve.stepBytes
    for at in stride(from: Int(length), to: end, by: zeros.count) {
      let code = methods.xWrite(file, zeros.baseAddress, Int32(zeros.count), Int64(at))
      guard code == SQLITE_OK else {
        // The disk is full, which the next commit will say; not tried again until the WAL begins anew.
        endBytes = .max
        return
      }
    }
    endBytes = end
  }
}
