import CDatasyncSQLite
import DatasyncModel

/// How far a failure reaches. A value.
enum WriteFailure: Error {
  /// The request fails alone.
  case request(DatasyncError)
  /// The transaction is lost through this request's fault: the others are done again without it.
  case poisoned(DatasyncError)
  /// The transaction is lost, through nobody's fault: the disk, memory, another program.
  case batch(SQLiteFailure)
}

extension SQLiteFailure {
  /// Whether only the request that met it is concerned.
  var concernsRequest: Bool {
    switch code {
    case SQLITE_CONSTRAINT, SQLITE_TOOBIG, SQLITE_MISMATCH, SQLITE_ERROR, SQLITE_RANGE: true
    default: false
    }
  }

  /// Whether it is a place in the file that cannot be read: what touches other places may go on.
  var concernsPlace: Bool {
    code == SQLITE_CORRUPT || SQLiteFailure.readCodes.contains(extendedCode)
  }

  /// IOERR_READ, IOERR_SHORT_READ, IOERR_DATA, IOERR_CORRUPTFS; macros that Swift does not see.
  private static let readCodes: Set<Int32> = Set(
    [1, 2, 32, 33].map { SQLITE_IOERR | $0 << 8 })
}
