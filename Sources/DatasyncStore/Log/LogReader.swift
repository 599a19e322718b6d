import DatasyncModel

/// The change log's reading end, in a snapshot.
struct LogReader {
  let connection: Connection

  static func compacted(_ oldest: Sequence) -> DatasyncError {
    DatasyncError(
      .outOfRange, reason: "HISTORY_COMPACTED",
      "the change log begins after \(oldest): begin again with the rows as they are",
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
    var head: (time: Int64, origin: String) = (0, "")
    var bytes = 0
    while try statement.step() {
      let isFirst = !statement.isNull(4)
      if isFirst {
        if !changes.isEmpty {
          page.commits.append(
            Commit(changes: changes, origin: head.origin, committedAt: head.time))
          changes.removeAll(keepingCapacity: true)
          if bytes >= maxBytes {
            page.through = page.commits.last?.last ?? after
            return page
          }
        }
        head = (statement.int64(4), statement.isNull(5) ? "" : statement.text(5))
      }
      let change = try LogReader.change(statement)
      bytes += ChangeLog.size(of: change)
      changes.append(change)
    }
    if !changes.isEmpty {
      page.commits.append(Commit(changes: changes, origin: head.origin, committedAt: head.time))
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
      let entry = LogEntry(
        sequence: Sequence(UInt64(clamping: statement.int64(0))), tableID: statement.int(1),
        operation: try LogReader.operation(statement),
        commit: isFirst ? (statement.int64(4), statement.bytes(5)) : nil,
        key: statement.bytes(3),
        before: statement.isNull(6) ? nil : statement.bytes(6),
        after: statement.isNull(7) ? nil : statement.bytes(7))
      guard body(entry) else { return }
    }
  }

  private func entries(
    after: Sequence, through: Sequence
  ) throws(SQLiteFailure) -> Statement {
    let statement = try connection.cached(
      """
      SELECT sequence, table_id, operation, key, time, origin, before, after FROM datasync_log
      WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence
      """)
    statement.bind(1, Int64(clamping: after.rawValue))
    statement.bind(2, Int64(clamping: through.rawValue))
    return statement
  }

  /// What the entry at hand says was done.
  ///
  /// - Throws: where the entry is none that we have written: a client could not read what came of it.
  private static func operation(
    _ statement: Statement
  ) throws(SQLiteFailure) -> Change.Operation {
    guard let operation = Change.Operation(rawValue: statement.int(2)),
      ColumnReader.isPlainText(statement.bytes(3)) || String(utf8: statement.bytes(3)) != nil,
      statement.isNull(6) || RowDecoder.isWhole(statement.bytes(6)),
      statement.isNull(7) || RowDecoder.isWhole(statement.bytes(7)),
      statement.isNull(5) || String(utf8: statement.bytes(5)) != nil
    else { throw .damaged("the change log is damaged at sequence \(statement.int64(0))") }
    return operation
  }

  private static func change(_ statement: Statement) throws(SQLiteFailure) -> Change {
    Change(
      sequence: Sequence(UInt64(clamping: statement.int64(0))), tableID: statement.int(1),
      key: statement.text(3), operation: try operation(statement),
      before: statement.isNull(6) ? nil : RowImage(bytes: statement.blob(6)),
      after: statement.isNull(7) ? nil : RowImage(bytes: statement.blob(7)))
  }

  /// What the rows of a table were at a sequence, for those that have changed since.
  ///
  /// - Returns: Images by key, nil where there was no row; nil where the log does not know, because
  ///   the table's history began later.
  func rows(
    of table: Table, at sequence: Sequence
  ) throws(SQLiteFailure) -> [RowKey: RowImage?]? {
    let statement = try connection.cached(
      """
      SELECT operation, key, before FROM datasync_log WHERE sequence > ?1 AND table_id = ?2
      ORDER BY sequence
      """)
    defer { statement.reset() }
    statement.bind(1, Int64(clamping: sequence.rawValue))
    statement.bind(2, Int64(table.id))
    var rows: [RowKey: RowImage?] = [:]
    while try statement.step() {
      guard statement.int(0) != Change.Operation.tableAttached.rawValue else { return nil }
      let text = statement.text(1)
      let key = table.hasIntegerKey ? RowKey.integer(Int64(text) ?? 0) : .text(text)
      guard rows[key] == nil else { continue }
      let image = statement.isNull(2) ? nil : RowImage(bytes: statement.blob(2))
      guard image?.bytes.withUnsafeBytes({ RowDecoder.isWhole($0) }) ?? true else {
        throw .damaged("the change log is damaged: it holds no row \(text.shortened) as it was")
      }
      rows.updateValue(image, forKey: key)
    }
    return rows
  }
}
