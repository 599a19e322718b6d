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
}
