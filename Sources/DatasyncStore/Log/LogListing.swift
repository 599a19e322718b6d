package import DatasyncModel

/// Reads the change log page by page, beside whoever serves the database. Thread-confined.
///
/// A snapshot lasts for one page, so that whoever is slow to read what is printed keeps nothing from being
/// written over.
package final class LogListing {
  /// Some entries. A value.
  package struct Page: Sendable {
    /// In order.
    package var changes: [LoggedChange] = []
    /// The log has lost what came up to here, and should have come in this page; nil: nothing.
    package var compacted: Sequence?
    /// Whether there is nothing after it, for now.
    package var isLast = true
  }

  private let opening: StoreOpening
  private let connection: Connection
  private let selection: LogSelection
  private let historyID: Value
  private let principal: String
  private var entries: [Int: TableEntry] = [:]
  /// Names of a table's fields, by number.
  private var fields: [Int: [Int: String]] = [:]
  private var tableID: Int?
  private var position: Sequence
  /// Of the commit at hand.
  private var head: (time: Int64, author: Author)?
  private var dataVersion: Int64?

  /// Of a page: entries that are looked at, entries that it has, and bytes of images that are compared.
  private static let limits = (looked: 20_000, listed: 500, bytes: 1 << 20)

  /// - Throws: with a message that names the file and what to do; NOT_FOUND, reason TABLE_NOT_FOUND.
  package init(path: String, selection: LogSelection) throws(DatasyncError) {
    opening = StoreOpening(path: path, options: StoreOptions())
    self.selection = selection
    connection = try opening.connect(busyWait: nil, isLooking: true)
    let found: (history: Value, oldest: Int64, principal: String)
    do {
      try connection.execute("PRAGMA query_only = ON")
      guard try OwnTables.exist(connection) else { throw opening.neverServed }
      guard try OwnTables.hasPlacements(connection) else { throw opening.servedLongAgo }
      found = (
        try OwnTables.setting("history_id", connection),
        try connection.integer("SELECT oldest FROM datasync_state") ?? 0,
        try OwnTables.hasPrincipals(connection) ? "principal" : "NULL"
      )
    } catch {
      throw opening.datasyncError(error)
    }
    (historyID, principal) = (found.history, found.principal)
    position = selection.after ?? Sequence(UInt64(clamping: found.oldest))
    do {
      try readNames()
    } catch {
      throw opening.datasyncError(error)
    }
    guard let name = selection.table else { return }
    let named = entries.values.first { $0.presentName == name || $0.name == name }
    guard let named else {
      let names = entries.values.map(\.presentName).sorted()
      throw DatasyncError(
        .notFound, reason: "TABLE_NOT_FOUND",
        "\(path) has no table \(name.shortened)"
          + NameSuggestion.clauseOrList(for: name, among: names, kind: "tables"))
    }
    tableID = named.id
  }

  package func close() {
    connection.close()
  }

  /// The next entries; none, for now, at the end.
  ///
  /// - Throws: OUT_OF_RANGE, reason HISTORY_REPLACED; DATA_LOSS where the log is damaged.
  package func next() throws(DatasyncError) -> Page {
    do {
      try connection.execute("BEGIN")
      defer { try? connection.execute("COMMIT") }
      dataVersion = try connection.integer("PRAGMA data_version")
      guard try OwnTables.setting("history_id", connection) == historyID else {
        throw DatasyncError(
          .outOfRange, reason: "HISTORY_REPLACED",
          "another database was put in the place of the one that was listed; begin anew")
      }
      return try page()
    } catch {
      throw opening.datasyncError(error)
    }
  }

  /// Whether somebody has written since the last page.
  package func hasNews() throws(DatasyncError) -> Bool {
    do throws(SQLiteFailure) {
      return try connection.integer("PRAGMA data_version") != dataVersion
    } catch {
      throw opening.explained(error)
    }
  }

  // MARK: - Entries

  private func page() throws(SQLiteFailure) -> Page {
    var page = Page()
    let oldest = Sequence(
      UInt64(clamping: try connection.integer("SELECT oldest FROM datasync_state") ?? 0))
    if position < oldest {
      page.compacted = oldest
      position = oldest
      head = nil
    }
    let statement = try connection.cached(
      """
      SELECT sequence, table_id, operation, key, time, origin, \(principal), before, after
      FROM datasync_log WHERE sequence > ?1 ORDER BY sequence LIMIT ?2
      """)
    defer { statement.reset() }
    statement.bind(1, Int64(clamping: position.rawValue))
    statement.bind(2, Int64(LogListing.limits.looked))
    var looked = 0
    var bytes = 0
    while try statement.step() {
      looked += 1
      let change = try take(statement, &bytes)
      position = Sequence(UInt64(clamping: statement.int64(0)))
      if let change { page.changes.append(change) }
      if page.changes.count >= LogListing.limits.listed || bytes >= LogListing.limits.bytes {
        page.isLast = false
        return page
      }
    }
    page.isLast = looked < LogListing.limits.looked
    return page
  }

  private func take(
    _ statement: Statement, _ bytes: inout Int
  ) throws(SQLiteFailure) -> LoggedChange? {
    let sequence = Sequence(UInt64(clamping: statement.int64(0)))
    let head: (time: Int64, author: Author)
    if !statement.isNull(4) {
      head = (statement.int64(4), LogListing.author(statement, 5))
    } else if let known = self.head {
      head = known
    } else {
      // It begins within a commit.
      head = try headBefore(sequence)
    }
    self.head = head
    guard tableID.map({ $0 == statement.int(1) }) ?? true,
      selection.since.map({ head.time >= $0 }) ?? true
    else { return nil }
    let operation = LogOperation(rawValue: statement.int(2))
    guard operation.isKnown else {
      throw .damaged("the change log is damaged at sequence \(sequence)")
    }
    let id = String(decoding: statement.textBytes(3), as: UTF8.self)
    guard selection.id.map({ $0 == id }) ?? true else { return nil }
    let table = statement.int(1)
    let isUpdate = operation.operation == .update && !statement.isNull(7) && !statement.isNull(8)
    let (before, after) = isUpdate ? (statement.bytes(7), statement.bytes(8)) : (nil, nil)
    var names: [String] = []
    if let before, let after, RowDecoder.isWhole(before), RowDecoder.isWhole(after) {
      bytes += before.count + after.count
      names = try self.names(RowDecoder.changedNumbers(from: before, to: after), of: table)
    }
    return LoggedChange(
      sequence: sequence, time: head.time, operation: operation.operation,
      table: try entry(table)?.presentName ?? "\(table)", id: id, author: head.author,
      changedFields: names)
  }

  private func headBefore(
    _ sequence: Sequence
  ) throws(SQLiteFailure) -> (time: Int64, author: Author) {
    let statement = try connection.cached(
      """
      SELECT time, origin, \(principal) FROM datasync_log
      WHERE sequence < ?1 AND time IS NOT NULL ORDER BY sequence DESC LIMIT 1
      """)
    defer { statement.reset() }
    statement.bind(1, Int64(clamping: sequence.rawValue))
    guard try statement.step() else { return (0, .unknown) }
    return (statement.int64(0), LogListing.author(statement, 1))
  }

  private static func author(_ statement: Statement, _ index: Int32) -> Author {
    Author(
      clientID: String(decoding: statement.textBytes(index), as: UTF8.self),
      principal: String(decoding: statement.textBytes(index + 1), as: UTF8.self))
  }

  // MARK: - Names

  private func readNames() throws(SQLiteFailure) {
    entries = Dictionary(
      try TableRegistry(connection: connection).entries().map { ($0.id, $0) },
      uniquingKeysWith: { first, _ in first })
    fields = entries.mapValues { entry in
      Dictionary(entry.numbers.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }
  }

  private func entry(_ id: Int) throws(SQLiteFailure) -> TableEntry? {
    // One that was attached meanwhile.
    if entries[id] == nil { try readNames() }
    return entries[id]
  }

  private func names(_ numbers: [Int], of table: Int) throws(SQLiteFailure) -> [String] {
    let written = [SystemColumn.version.rawValue + 1, SystemColumn.updatedAt.rawValue + 1]
    let changed = numbers.filter { !written.contains($0) && $0 != RowFaults.fieldNumber }
    let isKnown = changed.allSatisfy { fields[table]?[$0] != nil || $0 <= SystemColumn.count }
    if !isKnown { try readNames() }
    return changed.map { number in
      fields[table]?[number]
        ?? ((1...SystemColumn.count).contains(number)
          ? SystemColumn.names[number - 1] : "\(number)")
    }
  }
}

extension StoreOpening {
  /// Of a database in which nothing of ours is kept.
  var neverServed: DatasyncError {
    DatasyncError(
      .failedPrecondition, reason: "NOT_SERVED",
      "datasync has never served \(path): run datasync attach or datasync serve first")
  }

  fileprivate var servedLongAgo: DatasyncError {
    DatasyncError(
      .failedPrecondition, reason: "OLDER_DATABASE",
      "\(path) was last served by a much older datasync: serve it once with this one")
  }

  /// What went wrong while the database was looked at.
  func datasyncError(_ error: any Error) -> DatasyncError {
    switch error {
    case let error as DatasyncError: error
    case let failure as SQLiteFailure: explained(failure)
    case let failure as StoreFailure: failure.datasyncError(while: "reading \(path)")
    default: DatasyncError(.internal, "\(path) cannot be read", cause: error)
    }
  }
}
