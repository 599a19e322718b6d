import CDatasyncSQLite
import DatasyncModel

/// What SQLite answered instead of doing what it was asked. A value.
struct SQLiteFailure: Error, Sendable, CustomStringConvertible {
  /// The extended result code; sqlite.org/rescode.html.
  let extendedCode: Int32
  let message: String
  /// Tables of ours that another program has dropped, where that is why.
  var ownTablesGone: [String] = []

  /// The primary result code.
  var code: Int32 { extendedCode & 0xFF }

  /// What one of our own tables holds is nothing that we have written.
  ///
  /// - Parameter what: Which row of which table, and what is wrong with it.
  static func damaged(_ what: String) -> SQLiteFailure {
    SQLiteFailure(extendedCode: SQLITE_CORRUPT, message: what)
  }

  static func ownTablesGone(_ names: [String]) -> SQLiteFailure {
    SQLiteFailure(
      extendedCode: SQLITE_ERROR, message: "dropped: \(names.joined(separator: ", "))",
      ownTablesGone: names)
  }

  var description: String { "SQLite \(extendedCode): \(message)" }

  var isConstraint: Bool { code == SQLITE_CONSTRAINT }
  var isBusy: Bool { code == SQLITE_BUSY || code == SQLITE_LOCKED }
  var isInterrupt: Bool { code == SQLITE_INTERRUPT }

  /// The failure as callers see it, where it is not about what they asked: disk, memory, file.
  ///
  /// - Parameter what: What was being done, for the message.
  func error(while what: String) -> DatasyncError {
    filterLimit ?? ownError(while: what)
  }

  private func ownError(while what: String) -> DatasyncError {
    switch code {
    case _ where !ownTablesGone.isEmpty:
      DatasyncError(
        .dataLoss, reason: "OWN_TABLES_GONE",
        "another program has dropped what datasync keeps in the database: "
          + ownTablesGone.joined(separator: ", ") + "; the server's operator should stop the "
          + "server, run `datasync check`, and restore a backup, or begin a new history with "
          + "`datasync detach` and `datasync attach`",
        metadata: ["tables": ownTablesGone.joined(separator: ",")], cause: self)
    case SQLITE_FULL:
      DatasyncError(
        .unavailable, reason: "DISK_FULL",
        "the disk or the database is full: nothing was written; free some space, then try again",
        retryAfter: .seconds(1), cause: self)
    case SQLITE_NOMEM:
      DatasyncError(
        .resourceExhausted, reason: "OUT_OF_MEMORY",
        "the server is out of memory while \(what); try again later", retryAfter: .seconds(1),
        cause: self)
    case SQLITE_CORRUPT:
      DatasyncError(
        .dataLoss, reason: "DATABASE_CORRUPT",
        "the database is damaged; the server's operator should run `datasync check`, and restore "
          + "a backup where that says so", cause: self)
    case SQLITE_NOTADB:
      DatasyncError(
        .dataLoss, reason: "NOT_A_DATABASE", "the file is no SQLite database", cause: self)
    case SQLITE_READONLY:
      DatasyncError(
        .unavailable, reason: "READ_ONLY_DATABASE",
        "the database cannot be written: make its file and its directory writable for the server",
        retryAfter: .seconds(1), cause: self)
    case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_PROTOCOL:
      DatasyncError(
        .unavailable, reason: "STORAGE_FAILED",
        "the storage failed while \(what); try again later", retryAfter: .seconds(1), cause: self)
    case SQLITE_BUSY, SQLITE_LOCKED:
      DatasyncError(
        .unavailable, reason: "DATABASE_BUSY",
        "another program holds the database locked; try again", retryAfter: .milliseconds(100),
        cause: self)
    case SQLITE_INTERRUPT:
      DatasyncError(.cancelled, reason: "CANCELLED", "the read was cancelled", cause: self)
    case SQLITE_TOOBIG:
      DatasyncError(
        .invalidArgument, reason: "VALUE_TOO_BIG", "a value is larger than SQLite can store",
        cause: self)
    case SQLITE_SCHEMA:
      DatasyncError(
        .unavailable, reason: "SCHEMA_CHANGED", "the schema has just changed; try again",
        retryAfter: .milliseconds(50), cause: self)
    default:
      DatasyncError(
        .internal, reason: "STORE_FAILED", "the database refused while \(what): \(message)",
        cause: self)
    }
  }
}

/// Extended result codes that are told apart; macros that Swift does not see.
enum ConstraintCode {
  static let check = SQLITE_CONSTRAINT | 1 << 8
  static let foreignKey = SQLITE_CONSTRAINT | 3 << 8
  static let notNull = SQLITE_CONSTRAINT | 5 << 8
  static let primaryKey = SQLITE_CONSTRAINT | 6 << 8
  static let trigger = SQLITE_CONSTRAINT | 7 << 8
  static let unique = SQLITE_CONSTRAINT | 8 << 8
  static let rowID = SQLITE_CONSTRAINT | 10 << 8
  static let dataType = SQLITE_CONSTRAINT | 12 << 8
}
