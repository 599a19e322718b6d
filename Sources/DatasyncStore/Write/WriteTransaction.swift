import DatasyncModel

/// One transaction of the writer while it is open: what it has changed so far. Thread-confined.
final class WriteTransaction {
  let connection: Connection
  let schema: Schema
  let log: ChangeLog
  private let cache: StatementCache
  /// Microseconds since 1970: the time of all that is written here.
  let now: Int64
  /// The next change's sequence.
  private(set) var next: Sequence
  /// Changes of the request at work.
  private(set) var changes: [Change] = []
  private(set) var commits: [Commit] = []
  private(set) var logBytes = 0
  /// Numbers of the mutation ids that it has remembered.
  private(set) var mutations: ClosedRange<Int64>?
  private(set) var mutationCount = 0
  var keys: KeyGenerator

  init(
    connection: Connection, schema: Schema, log: ChangeLog, cache: StatementCache, now: Int64,
    head: Sequence, keys: KeyGenerator
  ) {
    self.connection = connection
    self.schema = schema
    self.log = log
    self.cache = cache
    self.now = now
    next = head.next
    self.keys = keys
  }

  /// The last sequence given out.
  var head: Sequence { Sequence(next.rawValue - 1) }

  func statements(for stored: StoredTable) -> TableStatements {
    cache.statements(for: stored, connection: connection)
  }

  func takeSequence() -> Sequence {
    let sequence = next
    next = next.next
    return sequence
  }

  func append(_ change: Change) {
    changes.append(change)
  }

  /// Ends a request that succeeded: its changes become one commit.
  func endCommit(origin: String) throws(SQLiteFailure) {
    guard !changes.isEmpty else { return }
    let commit = Commit(changes: changes, origin: origin, committedAt: now)
    logBytes += try log.append(commit)
    commits.append(commit)
    changes.removeAll(keepingCapacity: true)
  }

  func noteMutation(_ number: Int64) {
    let numbers = mutations ?? number...number
    mutations = min(numbers.lowerBound, number)...max(numbers.upperBound, number)
    mutationCount += 1
  }

  /// Takes back the sequences of a request that failed.
  func forgetChanges(since sequence: Sequence, count: Int = 0) {
    next = sequence
    changes.removeSubrange(count...)
  }

  #if DEBUG
    /// Takes back commits that are not to happen after all.
    func forgetCommits(since sequence: Sequence, count: Int) {
      next = sequence
      commits.removeSubrange(count...)
    }
  #endif

  // MARK: - Rows

  func stored(_ table: Table) throws(DatasyncError) -> StoredTable {
    guard let stored = schema.stored(table) else {
      throw DatasyncError(
        .notFound, reason: "TABLE_NOT_FOUND", "there is no table \(table.name) any more",
        metadata: ["table": table.name])
    }
    return stored
  }

  /// A row as a write finds it. A value.
  struct FoundRow {
    let row: StoredRow
    /// Columns whose stored value does not fit them, and are left out of the row; by index. The
    /// write may mend them.
    let unreadable: [Int: DatasyncError]

    /// - Throws: DATA_LOSS where a column would stay unreadable that the write does not touch.
    func checkMended(by columns: [Int]) throws(WriteFailure) {
      let rest = unreadable.filter { index, _ in
        let isOurs = (1..<SystemColumn.count).contains(index)
        // What a generated column holds after the write shows when the row is read again.
        return !isOurs && !columns.contains(index) && !row.table.columns[index].isGenerated
      }
      if let first = rest.min(by: { $0.key < $1.key }) { throw .request(first.value) }
    }
  }

  func row(_ key: RowKey, in stored: StoredTable) throws(WriteFailure) -> FoundRow? {
    do throws(SQLiteFailure) {
      let statement = try statements(for: stored).select()
      defer { statement.reset() }
      statement.bind(1, key.value)
      guard try statement.step() else { return nil }
      let (row, unreadable) = RowReader.rowLeavingOut(statement, table: stored.table)
      return FoundRow(row: row, unreadable: unreadable)
    } catch {
      throw failure(error)
    }
  }

  /// Sorts a failure that is not a constraint's.
  func failure(_ failure: SQLiteFailure) -> WriteFailure {
    guard failure.concernsRequest else { return .batch(failure) }
    let error = failure.error(while: "writing")
    return connection.isAutocommit ? .poisoned(error) : .request(error)
  }
}

/// The prepared statements of all tables, at one state of the schema. Thread-confined.
final class StatementCache {
  private var tables: [Int: TableStatements] = [:]

  func statements(for stored: StoredTable, connection: Connection) -> TableStatements {
    if let statements = tables[stored.table.id], statements.stored === stored { return statements }
    let statements = TableStatements(stored, connection: connection)
    tables[stored.table.id] = statements
    return statements
  }

  func removeAll() {
    tables.removeAll()
  }
}
