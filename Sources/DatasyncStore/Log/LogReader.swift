import DatasyncModel
import DatasyncStorage

/// The change log's reading end, in a snapshot.
struct LogReader {
  let connection: Connection

  static func compacted(_ oldest: Sequence) -> DatasyncError {
    DatasyncError(
      .outOfRange, reason: "HISTORY_COMPACTED",
      "the change log begins after \(oldest); begin anew without a resume token",
      metadata: ["oldest": String(oldest.rawValue)])
  }

  /// Whole commits after a sequence; `through` is the end of a commit.
  func commits(
    after: Sequence, through: Sequence, maxBytes: Int
  ) throws(SQLiteFailure) -> LogPage {
    var page = LogPage(through: max(after, through))
    let statement = try entries(after: after, through: through)
    defer { statement.reset() }
    var changes: [Change] = []
    var head: (time: Int64, author: Author) = (0, .unknown)
    var bytes = 0
    var commitBytes = 0
    while try statement.step() {
      let isFirst = !statement.isNull(4)
      if isFirst {
        if !changes.isEmpty {
          page.commits.append(
            Commit(changes: changes, author: head.author, committedAt: head.time))
          changes.removeAll(keepingCapacity: true)
          if bytes >= maxBytes {
            page.through = page.commits.last?.last ?? after
            return page
          }
        }
        head = (statement.int64(4), LogReader.author(statement))
      }
      let change = try LogReader.change(statement)
      bytes += ChangeLog.size(of: change)
      commitBytes = isFirst ? 0 : commitBytes + change.memoryCost
      if commitBytes > WriteTransaction.maxChangeBytes {
        page.through = page.commits.last?.last ?? after
        page.isTooLarge = page.commits.isEmpty
        return page
      }
      changes.append(change)
    }
    if !changes.isEmpty {
      page.commits.append(Commit(changes: changes, author: head.author, committedAt: head.time))
    }
    return page
  }

  /// Lends the entries after a sequence, in order, until the closure says false.
  func forEachEntry(
    after: Sequence, through: Sequence, _ body: (LogEntry) -> Bool
  ) throws(SQLiteFailure) {
    let statement = try entries(after: after, through: through)
    defer { statement.reset() }
    while try statement.step() {
      let isFirst = !statement.isNull(4)
      let operation = try LogReader.operation(statement)
      let entry = LogEntry(
        sequence: Sequence(UInt64(clamping: statement.int64(0))), tableID: statement.int(1),
        operation: operation.operation, faulty: operation.faulty,
        commit: isFirst
          ? (
            time: statement.int64(4), origin: statement.bytes(5), principal: statement.bytes(8)
          ) : nil,
        key: statement.bytes(3),
        before: statement.isNull(6) ? nil : statement.bytes(6),
        after: statement.isNull(7) ? nil : statement.bytes(7))
      guard body(entry) else { return }
    }
  }

  /// When the commit that begins with this sequence happened, and by whom; nil where none does.
  func head(at sequence: Sequence) throws(SQLiteFailure) -> CommitHead? {
    let statement = try connection.cached(
      "SELECT time, origin, principal FROM datasync_log WHERE sequence = ?1 AND time IS NOT NULL")
    defer { statement.reset() }
    statement.bind(1, Int64(clamping: sequence.rawValue))
    guard try statement.step() else { return nil }
    return CommitHead(
      time: statement.int64(0), origin: Array(statement.bytes(1)),
      principal: Array(statement.bytes(2)))
  }

  private func entries(
    after: Sequence, through: Sequence
  ) throws(SQLiteFailure) -> Statement {
    let statement = try connection.cached(
      """
      SELECT sequence, table_id, operation, key, time, origin, before, after, principal
      FROM datasync_log
      WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence
      """)
    statement.bind(1, Int64(clamping: after.rawValue))
    statement.bind(2, Int64(clamping: through.rawValue))
    return statement
  }

  /// What the entry at hand says was done.
  ///
  /// - Throws: where the entry is none that we have written: a client could not read what came of it.
  private static func operation(_ statement: Statement) throws(SQLiteFailure) -> LogOperation {
    let operation = LogOperation(rawValue: statement.int(2))
    guard operation.isKnown,
      ColumnReader.isPlainText(statement.bytes(3)) || String(utf8: statement.bytes(3)) != nil,
      statement.isNull(6) || RowDecoder.isWhole(statement.bytes(6)),
      statement.isNull(7) || RowDecoder.isWhole(statement.bytes(7)),
      statement.isNull(5) || String(utf8: statement.bytes(5)) != nil,
      statement.isNull(8) || String(utf8: statement.bytes(8)) != nil
    else { throw .damaged("the change log is damaged at sequence \(statement.int64(0))") }
    return operation
  }

  private static func author(_ statement: Statement) -> Author {
    guard !statement.isNull(5) || !statement.isNull(8) else { return .unknown }
    return Author(
      clientID: statement.isNull(5) ? "" : statement.text(5),
      principal: statement.isNull(8) ? "" : statement.text(8))
  }

  private static func change(_ statement: Statement) throws(SQLiteFailure) -> Change {
    let operation = try operation(statement)
    return Change(
      sequence: Sequence(UInt64(clamping: statement.int64(0))), tableID: statement.int(1),
      key: statement.text(3), operation: operation.operation,
      before: statement.isNull(6) ? nil : RowImage(bytes: statement.blob(6)),
      after: statement.isNull(7) ? nil : RowImage(bytes: statement.blob(7)),
      faulty: operation.faulty)
  }

  /// What the rows of a table were at a sequence, for those that have changed since.
  ///
  /// - Returns: Images by key, nil where there was no row; nil where the log does not know, because
  ///   the table's history began later.
  func rows(
    of table: Table, at sequence: Sequence
  ) throws(SQLiteFailure) -> [RowKey: PastRow?]? {
    let statement = try connection.cached(
      """
      SELECT operation, key, before FROM datasync_log WHERE sequence > ?1 AND table_id = ?2
      ORDER BY sequence
      """)
    defer { statement.reset() }
    statement.bind(1, Int64(clamping: sequence.rawValue))
    statement.bind(2, Int64(table.id))
    var rows: [RowKey: PastRow?] = [:]
    while try statement.step() {
      let operation = LogOperation(rawValue: statement.int(0))
      guard operation.operation != .tableAttached else { return nil }
      let text = statement.text(1)
      let key = table.hasIntegerKey ? RowKey.integer(Int64(text) ?? 0) : .text(text)
      guard rows[key] == nil else { continue }
      let image = statement.isNull(2) ? nil : RowImage(bytes: statement.blob(2))
      guard image?.bytes.withUnsafeBytes({ RowDecoder.isWhole($0) }) ?? true else {
        throw .damaged("the change log is damaged: it holds no row \(text.shortened) as it was")
      }
      let row = image.map { PastRow(image: $0, isFaulty: operation.faulty.contains(.before)) }
      rows.updateValue(row, forKey: key)
    }
    return rows
  }
}
