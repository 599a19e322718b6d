import CDatasyncFaultVFS
import CDatasyncSQLite
import Foundation

/// A call of SQLite's that is made to fail; Tests/durability/README.md lists them all.
enum FaultPoint: String, CaseIterable, Codable {
  case writeEIO = "vfs-write-EIO"
  case writeFull = "vfs-write-ENOSPC"
  case sync = "vfs-sync-EIO"
  case truncate = "vfs-truncate-EIO"
  case read = "vfs-read-EIO"
  case size = "vfs-size-EIO"
  case open = "vfs-open-EIO"
  case access = "vfs-access-EIO"
  case delete = "vfs-delete-EIO"
  case lock = "vfs-lock-EIO"
  case map = "vfs-map-EIO"
  case allocation = "vfs-allocation-ENOMEM"

  private var number: Int {
    switch self {
    case .writeEIO, .writeFull: FAULT_WRITE
    case .sync: FAULT_SYNC
    case .truncate: FAULT_TRUNCATE
    case .read: FAULT_READ
    case .size: FAULT_SIZE
    case .open: FAULT_OPEN
    case .access: FAULT_ACCESS
    case .delete: FAULT_DELETE
    case .lock: FAULT_LOCK
    case .map: FAULT_MAP
    case .allocation: FAULT_ALLOCATE
    }
  }

  /// The extended result code that the call gives; macros that Swift does not see.
  private var code: Int32 {
    switch self {
    case .writeEIO: SQLITE_IOERR | 3 << 8
    case .writeFull: SQLITE_FULL
    case .sync: SQLITE_IOERR | 4 << 8
    case .truncate: SQLITE_IOERR | 6 << 8
    case .read: SQLITE_IOERR | 1 << 8
    case .size: SQLITE_IOERR | 7 << 8
    case .open: SQLITE_CANTOPEN
    case .access: SQLITE_IOERR | 13 << 8
    case .delete: SQLITE_IOERR | 10 << 8
    case .lock: SQLITE_IOERR | 15 << 8
    case .map: SQLITE_IOERR | 21 << 8
    case .allocation: SQLITE_NOMEM
    }
  }

  /// What a request may be refused with.
  var refusals: Set<String> {
    switch self {
    case .writeFull: ["14 DISK_FULL"]
    case .allocation: ["8 OUT_OF_MEMORY"]
    case .writeEIO, .sync, .truncate, .read, .size, .open, .access, .delete, .lock, .map:
      ["14 STORAGE_FAILED"]
    }
  }

  /// Has the n-th call fail, and those after it, so many in all.
  func arm(_ n: Int, burst: Int = 1) {
    faults_arm(Int32(number), code, Int64(n), Int32(burst))
  }

  /// - Returns: Whether a call failed.
  static func disarm() -> Bool { faults_disarm() != 0 }

  /// Runs a closure that the faults pass over, on this thread.
  static func exempt<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = faults_exempt_this_thread(1)
    defer { _ = faults_exempt_this_thread(before) }
    return try body()
  }

  /// The n to fail: every one, or of the calls that are many every so many, from where the seed says.
  ///
  /// - Parameter step: From one allocation to the next.
  func numbers(step: Int) -> some Swift.Sequence<Int> {
    var step = step
    switch self {
    case .allocation: break
    case .writeEIO, .writeFull, .read: step = min(step, 3)
    case .sync, .truncate, .size, .open, .access, .delete, .lock, .map: step = 1
    }
    if FaultPoint.isExhaustive { step = 1 }
    return sequence(first: 1 + Int(FaultPoint.seed % UInt64(step))) { $0 + step }
  }

  static let isExhaustive = ProcessInfo.processInfo.environment["DATASYNC_ALL_FAULTS"] == "1"

  static let seed: UInt64 =
    ProcessInfo.processInfo.environment["DATASYNC_SEED"].flatMap { UInt64($0) }
    ?? UInt64.random(in: 0..<1_000_000)
}

/// What a process holds: to be the same after a failure as before. A value.
struct Holdings: Equatable, CustomStringConvertible {
  let sqliteBytes: Int64
  let descriptors: Int

  static var now: Holdings {
    Holdings(
      sqliteBytes: sqlite3_memory_used(),
      descriptors: (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count)
        ?? 0)
  }

  var description: String { "\(sqliteBytes) bytes of SQLite's, \(descriptors) descriptors" }
}
