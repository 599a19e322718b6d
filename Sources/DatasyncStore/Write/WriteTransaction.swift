import CDatasyncSQLite
import DatasyncFilterSQLite
import DatasyncModel
import DatasyncStorage

/// One transaction of the writer while it is open: what it has changed so far. Thread-confined.
final class WriteTransaction {
  /// Of the row at hand, of a table beside: what SQLite would store of the defaults, which is stored as
  /// it is.
  var defaultsWritten: [Int: StoredValue] = [:]
  let connection: Connection
  let schema: Schema
  let log: ChangeLog
  private let cache: StatementCache
  /// Microseconds since 1970: the time of all that is written here.
  let now: Int64
  /// The last change before it.
  let start: Sequence
  /// The next change's sequence.
  private(set) var next: Sequence
  /// Changes of the request at work.
  private(set) var changes: [Change] = []
  private(set) var commits: [Commit] = []
  private(set) var logBytes = 0
  /// Numbers of the mutation ids that it has remembered.
  private(set) var mutations: ClosedRange<Int64>?
  private(set) var mutationCount = 0
  /// What they take, results and all.
  private(set) var mutationBytes = 0
  var keys: KeyGenerator
  /// How many rows of tables beside are known, by id, of those that somebody has asked of.
  var rowCounts: [Int: Int64]
  /// Columns in which another program has written the first value that is not in their form: positions
  /// by table.
  private(set) var strays: [Int: Set<Int>] = [:]
  /// The longest image of a row that a request may write.
  let maxRowBytes: Int
  /// What the rows may take that one Commit writes.
  let maxCommitBytes: Int
  /// The rows in the answers so far.
  var answerBytes = 0
  /// Of a commit whose changes are too many to be kept: its first and its last so far.
  private(set) var spilled: (first: Sequence, last: Sequence)?
  /// What ``changes`` take in memory.
  private var changeBytes = 0
  /// Of the writer, for the log.
  var author = Author.unknown
  /// What the request at work may do; nil: everything.
  var rules: (any WriteJudge)?

  /// Most of ``changeBytes``: the changes of a larger commit are left to the log.
  static let maxChangeBytes = 16 << 20
  /// Those who follow the log by name.
  static let maxConsumers = 1000

  init(
    connection: Connection, schema: Schema, log: ChangeLog, cache: StatementCache, now: Int64,
    head: Sequence, keys: KeyGenerator, rowCounts: [Int: Int64] = [:], maxRowBytes: Int = .max,
    maxCommitBytes: Int = .max
  ) {
    self.connection = connection
    self.schema = schema
    self.log = log
    self.cache = cache
    self.now = now
    start = head
    next = head.next
    self.keys = keys
    self.rowCounts = rowCounts
    self.maxRowBytes = maxRowBytes
    self.maxCommitBytes = maxCommitBytes
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

  /// Adds a change to the commit at hand. There may be more of them than memory holds.
  func append(_ change: Change) throws(SQLiteFailure) {
    rules?.rowsChanged(in: change.tableID)
    if let first = spilled?.first {
      logBytes += try log.append(change, head: nil)
      spilled = (first, change.sequence)
      return
    }
    changes.append(change)
    changeBytes += change.memoryCost
    guard changeBytes > WriteTransaction.maxChangeBytes else { return }
    spilled = (changes[0].sequence, change.sequence)
    logBytes += try log.append(Commit(changes: changes, author: author, committedAt: now))
    changes.removeAll()
  }

  /// The same within a request.
  func note(_ change: Change) throws(WriteFailure) {
    do {
      try append(change)
    } catch {
      throw .batch(error)
    }
  }

  /// Ends a request that succeeded: its changes become one commit.
  func endCommit() throws(SQLiteFailure) {
    changeBytes = 0
    if let spilled {
      commits.append(
        Commit(first: spilled.first, last: spilled.last, author: author, committedAt: now))
      self.spilled = nil
      return
    }
    guard !changes.isEmpty else { return }
    let commit = Commit(changes: changes, author: author, committedAt: now)
    logBytes += try log.append(commit)
    commits.append(commit)
    changes.removeAll(keepingCapacity: true)
  }

  func noteMutation(_ number: Int64, bytes: Int) {
    let numbers = mutations ?? number...number
    mutations = min(numbers.lowerBound, number)...max(numbers.upperBound, number)
    mutationCount += 1
    mutationBytes = mutationBytes.addingClamped(bytes)
  }

  /// Takes back the sequences of a request that failed.
  func forgetChanges(since sequence: Sequence, count: Int = 0) {
    next = sequence
    // What was spilled was of this request alone, and goes with its savepoint.
    if spilled == nil { changes.removeSubrange(count...) }
    spilled = nil
    changeBytes = changes.reduce(0) { $0 + $1.memoryCost }
  }

  func note(strays: [Int], of stored: StoredTable) {
    self.strays[stored.table.id, default: []].formUnion(strays)
  }

  /// Keeps count of a table's rows, where that has begun.
  func countRow(of stored: StoredTable, _ difference: Int64) {
    rowCounts[stored.table.id]? += difference
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
      throw .tableGone(table)
    }
    return stored
  }

  /// A row as a write finds it. A value.
  struct FoundRow {
    /// Its image says of the values that cannot be read; see ``RowFaults``.
    let row: StoredRow
    let faults: [RowFault]

    /// nil where the row cannot be shown to anybody.
    var readableImage: RowImage? { faults.isEmpty ? row.image : nil }

    func isFaulty(_ column: SystemColumn) -> Bool {
      faults.contains { $0.number == column.rawValue + 1 }
    }
  }

  func row(_ key: RowKey, in stored: StoredTable) throws(WriteFailure) -> FoundRow? {
    do throws(SQLiteFailure) {
      switch stored.placement {
      case .within:
        let statement = try statements(for: stored).select()
        defer { statement.reset() }
        statement.bind(1, key.value)
        guard try statement.step() else { return nil }
        let (row, faults) = RowReader.row(statement, stored)
        return FoundRow(row: row, faults: faults)
      case .beside:
        return try statements(for: stored).known.row(key.value).map { known in
          FoundRow(
            row: StoredRow(
              table: stored.table, key: key.description, image: known.image,
              version: known.version, isDeleted: RowDecoder.isDeleted(known.image)),
            faults: known.isFaulty ? RowFaults.faults(of: known.image) : [])
        }
      }
    } catch {
      throw failure(error)
    }
  }

  /// What the owner's table has under a key, whatever is known of it.
  func ownersRow(_ key: RowKey, in stored: StoredTable) throws(WriteFailure) -> OwnersRow? {
    do throws(SQLiteFailure) {
      let statement = try statements(for: stored).select()
      defer { statement.reset() }
      statement.bind(1, key.value)
      return try statement.step() ? OwnersRow(statement, stored) : nil
    } catch {
      throw failure(error)
    }
  }

  /// An AUTOINCREMENT table whose last key has been given out says that the disk is full.
  func keysExhausted(_ failure: SQLiteFailure, _ stored: StoredTable) -> DatasyncError? {
    guard failure.code == SQLITE_FULL, stored.raw.hasRowIDKey,
      (try? connection.integer(
        "SELECT 1 FROM sqlite_sequence WHERE name = \(stored.raw.name.quotedLiteral) AND seq = \(Int64.max)"
      )) == 1
    else { return nil }
    return DatasyncError(
      .resourceExhausted, reason: "KEYS_EXHAUSTED",
      "\(stored.table.name) makes no key any more: its AUTOINCREMENT has given out the last one; give "
        + "the row a key", metadata: ["table": stored.table.name, "column": stored.table.key.name],
      cause: failure)
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
