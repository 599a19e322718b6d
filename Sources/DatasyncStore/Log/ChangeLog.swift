import DatasyncModel
import DatasyncStorage

/// The change log's writing end. Thread-confined to the writer, within its transactions.
final class ChangeLog {
  private let connection: Connection
  private var insert: Statement?

  /// Bytes that an entry takes besides its key and images, about.
  static let entryOverhead = LogEntry.overhead

  init(_ connection: Connection) {
    self.connection = connection
  }

  static func size(of change: Change) -> Int {
    entryOverhead + change.key.utf8.count + (change.before?.bytes.count ?? 0)
      + (change.after?.bytes.count ?? 0)
  }

  /// - Returns: How many bytes the log has grown, about.
  func append(_ commit: Commit) throws(SQLiteFailure) -> Int {
    var bytes = 0
    for (index, change) in commit.changes.enumerated() {
      bytes += try append(
        change, head: index == 0 ? (time: commit.committedAt, author: commit.author) : nil)
    }
    return bytes
  }

  /// Appends one change.
  ///
  /// - Parameter head: Of a commit's first change: when and by whom.
  /// - Returns: As ``append(_:)``.
  func append(
    _ change: Change, head: (time: Int64, author: Author)?
  ) throws(SQLiteFailure) -> Int {
    let statement = try prepared()
    statement.bind(1, Int64(clamping: change.sequence.rawValue))
    statement.bind(2, Int64(change.tableID))
    statement.bind(3, Int64(LogOperation(change).rawValue))
    statement.bind(4, change.key)
    if let head {
      statement.bind(5, head.time)
      statement.bind(6, orNull: head.author.clientID)
      statement.bind(9, orNull: head.author.principal)
    } else {
      statement.bindNull(5)
      statement.bindNull(6)
      statement.bindNull(9)
    }
    if let before = change.before {
      statement.bind(7, before.bytes)
    } else {
      statement.bindNull(7)
    }
    if let after = change.after { statement.bind(8, after.bytes) } else { statement.bindNull(8) }
    try statement.run()
    return ChangeLog.size(of: change)
  }

  /// Lets go of the connection.
  func forgetStatements() {
    insert = nil
  }

  private func prepared() throws(SQLiteFailure) -> Statement {
    if let insert { return insert }
    let statement = try connection.prepare(
      """
      INSERT INTO datasync_log (sequence, table_id, operation, key, time, origin, before, after,
        principal)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
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

extension Statement {
  /// Binds a text, of which an empty one is kept as NULL.
  fileprivate func bind(_ index: Int32, orNull text: String) {
    if text.isEmpty { bindNull(index) } else { bind(index, text) }
  }
}

/// An operation as the log keeps it: with it stands which images have values that cannot be read. A
/// value.
struct LogOperation: RawRepresentable {
  let rawValue: Int

  init(rawValue: Int) {
    self.rawValue = rawValue
  }

  init(_ change: Change) {
    rawValue = change.operation.rawValue | change.faulty.rawValue << 4
  }

  /// Whether it is one that we write.
  var isKnown: Bool { rawValue >> 6 == 0 && Change.Operation(rawValue: rawValue & 15) != nil }
  var operation: Change.Operation { Change.Operation(rawValue: rawValue & 15) ?? .update }
  var faulty: FaultyImages { FaultyImages(rawValue: rawValue >> 4 & 3) }
}
