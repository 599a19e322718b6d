import DatasyncModel

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The file beside the database by which a server knows that it is alone, and whether the database
/// is still the one it left. Held by one store; its methods are called by the writer's thread.
///
/// The database itself cannot tell that it was restored from a backup, or copied: everything in it
/// is as old as the backup. So the history's name and the last announced sequence are also kept
/// here, in `DATABASE-datasync`, written (not synced) after every commit:
/// - the file says another history, or a later sequence than the database: it went back, and gets a
///   new history;
/// - the file is missing: it is the same history only if the database is still in the same inode,
///   whose number the database remembers.
/// - with `synchronous=normal`, a power loss may take answered commits and this file's last lines
///   alike: the file names the boot in which it was written (and synced, when the store opened), and
///   a store that was not closed in that boot gets a new history.
///
/// What it cannot notice: an older copy written into the same inode together with its own older
/// companion file, or with the companion removed.
///
/// `@unchecked`: advisory locks and one descriptor, written by one thread at a time.
final class FileIdentity: @unchecked Sendable {
  private let descriptor: Int32
  /// The database's, without symbolic links: SQLite's own files are beside that one, too.
  private let path: String
  private let companion: String
  private let lock: DatabaseLock
  let inode: Int64
  /// Where in the file the sequence is.
  private var headOffset: off_t = 0
  /// Inodes of the WAL and of its index while they are in use, by path.
  private var sideInodes: [String: Int64] = [:]

  /// What the companion file says. A value.
  struct Record: Equatable {
    let historyID: String
    let head: UInt64
    /// The boot in which the database is open without every commit being synced; nil where what
    /// was committed is on the disk.
    var unsyncedBoot: String?
  }

  /// Opens and locks the companion of a database.
  ///
  /// - Throws: FAILED_PRECONDITION where another server holds it.
  init(database path: String, lock: DatabaseLock) throws(DatasyncError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw DatasyncError(.notFound, reason: "NO_DATABASE", "there is no database \(path)")
    }
    self.lock = lock
    self.path = FileIdentity.resolved(path)
    inode = Int64(truncatingIfNeeded: status.st_ino)
    companion = "\(self.path)-datasync"
    descriptor = open(companion, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw DatasyncError(
        .failedPrecondition, reason: "READ_ONLY_DATABASE",
        "cannot open \(companion): \(String(cString: strerror(errno))); make the directory of the "
          + "database writable for the server")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw DatasyncError(
        .failedPrecondition, reason: "DATABASE_IN_USE",
        "\(path) is served by another datasync process; stop that one first")
    }
    FileOwnership(of: status).give(to: descriptor)
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  deinit {
    close(descriptor)
  }

  /// Made once, when the database is served.
  func diskReserve() -> DiskReserve {
    DiskReserve(descriptor: descriptor)
  }

  /// Made once, when the database is open.
  func walGuard(_ connection: Connection) -> WALGuard? {
    WALGuard(connection, database: path)
  }

  /// The database's connections are closed.
  func unlock() {
    flock(descriptor, LOCK_UN)
    lock.release()
  }

  /// The database is to be as if it had never been served.
  func remove() {
    unlink(companion)
    unlock()
  }

  /// The database is open: as long as it is, SQLite keeps these two files.
  func noteSideFiles() {
    for path in ["\(path)-wal", "\(path)-shm"] {
      var status = stat()
      guard stat(path, &status) == 0 else { continue }
      sideInodes[path] = Int64(truncatingIfNeeded: status.st_ino)
    }
  }

  /// Whether the paths of the database, of its WAL and of the WAL's index still name the files that
  /// are open.
  func isInPlace() -> Bool {
    names(path, inode) && sideInodes.allSatisfy { names($0, $1) }
  }

  private func names(_ path: String, _ inode: Int64) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return errno != ENOENT && errno != ENOTDIR }
    return Int64(truncatingIfNeeded: status.st_ino) == inode
  }

  private static let magic = "datasync 1\n"
  /// A sequence in the file: always as long, so that it can be written alone.
  private static let digitCount = 20

  /// nil: new, or not one of ours.
  func read() -> Record? {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = pread(descriptor, &buffer, buffer.count, 0)
    guard count > 0 else { return nil }
    let lines = String(decoding: buffer[..<count], as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count >= 3, "\(lines[0])\n" == FileIdentity.magic,
      let head = UInt64(lines[2].drop { $0 == "0" }.isEmpty ? "0" : lines[2])
    else { return nil }
    let boot = lines.count > 3 && !lines[3].isEmpty ? String(lines[3]) : nil
    return Record(historyID: String(lines[1]), head: head, unsyncedBoot: boot)
  }

  /// Notes what was announced; cheap, and not synced: after a power loss it may say less than was.
  ///
  /// The rest of the file is as ``writeSynced(_:)`` left it.
  func write(head: UInt64) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FileIdentity.digitCount) { digits in
      var rest = head
      for index in digits.indices.reversed() {
        digits[index] = 0x30 + UInt8(rest % 10)
        rest /= 10
      }
      _ = pwrite(descriptor, digits.baseAddress, digits.count, headOffset)
    }
  }

  /// Notes all of it where a power loss does not take it away.
  func writeSynced(_ record: Record) {
    let before = "\(FileIdentity.magic)\(record.historyID)\n"
    let digits = String(record.head)
    let zeros = String(repeating: "0", count: FileIdentity.digitCount - digits.utf8.count)
    // Always as long, so that nothing of an older record shows behind it.
    let boot = record.unsyncedBoot ?? ""
    let padding = String(repeating: "\n", count: max(1, 64 - boot.utf8.count))
    let text = Array("\(before)\(zeros)\(digits)\n\(boot)\(padding)".utf8)
    headOffset = off_t(before.utf8.count)
    _ = pwrite(descriptor, text, text.count, 0)
    _ = fsync(descriptor)
  }
}

/// Decides whether a database is still the same history.
struct HistoryCheck {
  let connection: Connection
  let identity: FileIdentity

  /// The history's name, made anew where the sequence may have gone back. Within a transaction.
  func historyID(head: Sequence) throws(StoreFailure) -> String {
    let known = try OwnTables.setting("history_id", connection)
    let inode = try OwnTables.setting("inode", connection)
    if case .string(let id) = known, isSame(id, inode: inode, head: head) { return id }
    return try HistoryCheck.begin(connection, inode: identity.inode)
  }

  /// Names a history that begins now.
  static func begin(_ connection: Connection, inode: Int64) throws(StoreFailure) -> String {
    var keys = KeyGenerator()
    let id = keys.next(now: WallClock.now)
    try OwnTables.set("history_id", .string(id), connection)
    try OwnTables.set("inode", .int64(inode), connection)
    return id
  }

  private func isSame(_ id: String, inode: Value, head: Sequence) -> Bool {
    let isSameFile = inode == .int64(identity.inode)
    guard let record = identity.read() else { return isSameFile }
    let isWhole = record.unsyncedBoot.map { $0 == Boot.id } ?? true
    return isSameFile && record.historyID == id && record.head <= head.rawValue && isWhole
  }
}
