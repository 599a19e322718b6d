import DatasyncModel

/// The change log's writing end. Thread-confined to the writer, within its transactions.
final class ChangeLog {
  private let connection: Connection
  private var insert: Statement?

  /// Bytes that an entry takes besides its key and images, about.
  static let entryOverhead = 48

  init(_ connection: Connection) {
    self.connection = connection
  }

  static func size(of change: Change) -> Int {
    entryOverhead + change.key.utf8.count + (change.before?.bytes.count ?? 0)
      + (change.after?.bytes.count ?? 0)
  }

  /// - Returns: How many bytes the log has grown, about.
  func append(_ commit: Commit) throws(SQLiteFailure) -> Int {
    let statement = try prepared()
    var bytes = 0
    for (index, change) in commit.changes.enumerated() {
      statement.bind(1, Int64(clamping: change.sequence.rawValue))
      statement.bind(2, Int64(change.tableID))
      statement.bind(3, Int64(change.operation.rawValue))
      statement.bind(4, change.key)
      if index == 0 {
        statement.bind(5, commit.committedAt)
        if commit.origin.isEmpty { statement.bindNull(6) } else { statement.bind(6, commit.origin) }
      } else {
        statement.bindNull(5)
        statement.bindNull(6)
      }
      if let before = change.before {
        statement.bind(7, before.bytes)
      } else {
        statement.bindNull(7)
      }
      if let after = change.after { statement.bind(8, after.bytes) } else { statement.bindNull(8) }
      try statement.run()
      bytes += ChangeLog.size(of: change)
    }
    return bytes
  }

  /// Lets go of the connection.
  func forgetStatements() {
    insert = nil
  }

  private func prepared() throws(SQLiteFailure) -> Statement {
    if let insert { return insert }
    let statement = try connection.prepare(
      """
      INSERT INTO datasync_log (sequence, table_id, operation, key, time, origin, before, after)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
      """)
    insert = statement
    return statement
  }

  /// The last sequence in the log; compaction always leaves the last commit.
  static func head(_ connection: Connection) throws(SQLiteFailure) -> Sequence {
    let last = try connection.integer("SELECT max(sequence) FROM datasync_log") ?? 0
    return Sequence(UInt64(clamping: last))
  }
}
