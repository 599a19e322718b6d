import CDatasyncSQLite
package import DatasyncModel
package import DatasyncStorage

/// One consistent view of the database, confined to the reader thread that made it.
package final class Snapshot: StorageSnapshot {
  /// The sequence that the snapshot stands at.
  package let sequence: Sequence
  /// The lowest position from which the log can still be replayed: a replay after `oldest` or later
  /// misses nothing.
  package let oldest: Sequence

  private let connection: Connection
  private let statements: RowStatements
  private let shared: SharedState
  private let progress: ReadProgress
  /// Ids of tables whose rows other programs have changed since; they are shown as they were.
  let pendingTables: Set<Int>
  /// What has been taken back for ``scan(_:asOf:)``, of the last table and sequence asked for.
  private var past: (tableID: Int, sequence: Sequence, rows: [RowKey: PastRow?])?

  init(
    connection: Connection, statements: RowStatements, shared: SharedState,
    progress: ReadProgress, pendingTables: Set<Int>, sequence: Sequence, oldest: Sequence
  ) {
    self.connection = connection
    self.statements = statements
    self.shared = shared
    self.progress = progress
    self.pendingTables = pendingTables
    self.sequence = sequence
    self.oldest = oldest
  }

  /// - Returns: The row, deleted or not; nil where there is none.
  package func row(_ key: String, in table: Table) throws(DatasyncError) -> FoundRow? {
    let key = try RowKey(key, table: table)
    let current = try current(table)
    return try reading { () throws(ReadFailure) -> FoundRow? in
      let statement = try ReadFailure.wrap { () throws(SQLiteFailure) in
        let statement = try self.rowStatement(for: table, current: current)
        statement.bind(1, key.value)
        return try statement.step() ? statement : nil
      }
      guard let statement else { return nil }
      defer { statement.reset() }
      return Self.foundRow(statement, key: key, in: table, current)
    }
  }

  static func foundRow(
    _ statement: Statement, key: RowKey, in table: Table, _ current: StoredTable
  ) -> FoundRow {
    switch current.placement {
    case .within:
      let read = RowReader.row(statement, columns: table)
      return FoundRow(row: read.row, faults: read.faults)
    case .beside:
      let image = statement.bytes(2)
      let isFaulty = statement.int64(1) != 0
      let faults = isFaulty ? RowFaults.faults(of: image) : []
      var kept = RowImage(bytes: Array(image))
      if table !== current.table {
        kept = RowDecoder.image(image, keepingNumbers: Set(table.columns.map(\.number)))
      }
      return FoundRow(
        row: StoredRow(
          table: table, key: key.description, image: kept,
          version: Sequence(UInt64(clamping: statement.int64(0))),
          isDeleted: RowDecoder.isDeleted(image)),
        faults: faults)
    }
  }

  /// - Throws: RESOURCE_EXHAUSTED, reason READ_TOO_LONG, metadata `limit`; CANCELLED; UNAVAILABLE, reason
  ///   SCHEMA_CHANGED, to be tried again; NOT_FOUND, reason TABLE_NOT_FOUND.
  package func scan(_ request: ScanRequest) throws(DatasyncError) -> ScanPage {
    let source = try source(of: request)
    return try reading { () throws(ReadFailure) in
      try Scan(
        request, source: source, connection: self.connection,
        isCurrent: self.isCurrent(request.table)
      ).page()
    }
  }

  /// The same as ``scan(_:)``, for one who sends the rows on as they are.
  package func scanPacked(_ request: ScanRequest) throws(DatasyncError) -> PackedPage {
    let source = try source(of: request)
    return try reading { () throws(ReadFailure) in
      try Scan(
        request, source: source, connection: self.connection,
        isCurrent: self.isCurrent(request.table)
      ).packedPage()
    }
  }

  /// How many rows match the request's filter; its page bounds do not count.
  package func count(_ request: ScanRequest) throws(DatasyncError) -> UInt64 {
    let source = try source(of: request)
    return try reading { () throws(ReadFailure) in
      try Scan(
        request, source: source, connection: self.connection,
        isCurrent: self.isCurrent(request.table)
      ).count()
    }
  }

  /// The rows in key order as they were at an earlier sequence, `request.order` nil: what has changed
  /// since is taken back with the log's before-images.
  ///
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED where the log no longer reaches back that far.
  package func scan(_ request: ScanRequest, asOf sequence: Sequence) throws(DatasyncError)
    -> ScanPage
  {
    guard sequence < self.sequence else { return try scan(request) }
    guard sequence >= oldest else { throw LogReader.compacted(oldest) }
    let source = try source(of: request)
    let past = try rows(of: request.table, at: sequence)
    return try reading { () throws(ReadFailure) in
      try PastScan(
        scan: Scan(
          request, source: source, connection: self.connection,
          isCurrent: self.isCurrent(request.table)), past: past
      ).page()
    }
  }

  /// Whole commits after a sequence, oldest first; at least one where there is any.
  ///
  /// - Parameters:
  ///   - after: Exclusive.
  ///   - through: Inclusive; the end of a commit.
  ///   - maxBytes: The page ends with the commit that passes it.
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED, metadata `oldest`.
  package func changes(
    after: Sequence, through: Sequence, maxBytes: Int
  ) throws(DatasyncError) -> LogPage {
    guard after >= oldest else { throw LogReader.compacted(oldest) }
    return try reading { () throws(ReadFailure) in
      try ReadFailure.wrap { () throws(SQLiteFailure) in
        try LogReader(connection: self.connection).commits(
          after: after, through: min(through, self.sequence), maxBytes: maxBytes)
      }
    }
  }

  /// Lends the log's entries after a sequence, in order, until the closure says false.
  ///
  /// - Parameters:
  ///   - after: Exclusive.
  ///   - through: Inclusive.
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED, metadata `oldest`.
  package func forEachLogEntry(
    after: Sequence, through: Sequence, _ body: (LogEntry) -> Bool
  ) throws(DatasyncError) {
    guard after >= oldest else { throw LogReader.compacted(oldest) }
    try reading { () throws(ReadFailure) in
      try ReadFailure.wrap { () throws(SQLiteFailure) in
        try LogReader(connection: self.connection).forEachEntry(
          after: after, through: min(through, self.sequence), body)
      }
    }
  }

  /// When the commit whose first change has this sequence happened, and its writer's client id.
  ///
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED, metadata `oldest`.
  package func commitHead(
    at sequence: Sequence
  ) throws(DatasyncError) -> CommitHead {
    let head = try reading { () throws(ReadFailure) in
      try ReadFailure.wrap { () throws(SQLiteFailure) in
        try LogReader(connection: self.connection).head(at: sequence)
      }
    }
    guard let head else { throw LogReader.compacted(oldest) }
    return head
  }

  // MARK: - Sources

  private func source(of request: ScanRequest) throws(DatasyncError) -> TableSource {
    let table = request.table
    let current = try current(table)
    return TableSource(
      table: table, current: current, isPending: pendingTables.contains(table.id),
      needed: request.neededColumns, lacksKeys: try lacksKeys(current))
  }

  private func lacksKeys(_ stored: StoredTable) throws(DatasyncError) -> Bool {
    guard stored.placement == .beside, stored.mayLackKeys else { return false }
    return try reading { () throws(ReadFailure) in
      try ReadFailure.wrap { () throws(SQLiteFailure) in
        try self.connection.integer(
          "SELECT 1 FROM \(stored.quotedName) WHERE \(stored.quotedKey) IS NULL LIMIT 1") != nil
      }
    }
  }

  private func rowStatement(
    for table: Table, current: StoredTable
  ) throws(SQLiteFailure) -> Statement {
    // What is known of a row of a table beside is what it was before others changed it.
    guard current.placement == .within, pendingTables.contains(table.id) else {
      return try statements.statement(for: table, current: current, on: connection)
    }
    return try connection.cached(
      TableSource(table: table, current: current, isPending: true).rowSQL)
  }

  private func isCurrent(_ table: Table) -> Bool { shared.schema.tables[table.id]?.table === table }

  private func current(_ table: Table) throws(DatasyncError) -> StoredTable {
    guard let current = shared.schema.tables[table.id] else {
      throw .tableGone(table)
    }
    return current
  }

  private func rows(
    of table: Table, at sequence: Sequence
  ) throws(DatasyncError) -> [RowKey: PastRow?] {
    if let past, past.tableID == table.id, past.sequence == sequence { return past.rows }
    let rows = try reading { () throws(ReadFailure) in
      try ReadFailure.wrap { () throws(SQLiteFailure) in
        try LogReader(connection: self.connection).rows(of: table, at: sequence)
      }
    }
    guard let rows else { throw LogReader.compacted(self.sequence) }
    past = (table.id, sequence, rows)
    return rows
  }

  private func reading<Result>(
    _ body: () throws(ReadFailure) -> Result
  ) throws(DatasyncError) -> Result {
    do {
      return try body()
    } catch {
      switch error {
      case .error(let error): throw error
      case .sqlite(let failure) where failure.isInterrupt && progress.stopped != nil:
        throw progress.stopped ?? failure.error(while: "reading")
      case .sqlite(let failure) where failure.code == SQLITE_ERROR:
        let explained = OwnTables.explained(failure, connection)
        guard explained.ownTablesGone.isEmpty else { throw explained.error(while: "reading") }
        // The statement was made for a schema that has changed under it.
        throw DatasyncError(
          .unavailable, reason: "SCHEMA_CHANGED", "the schema has just changed; try again",
          retryAfter: .milliseconds(50), cause: failure)
      case .sqlite(let failure): throw failure.error(while: "reading")
      }
    }
  }
}

typealias ReadFailure = StoreFailure
