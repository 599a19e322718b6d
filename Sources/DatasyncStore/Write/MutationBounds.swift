import DatasyncModel

/// Which mutation ids are kept, by their numbers in `datasync_mutations`, and what they take, so that
/// there is never more than the limits. A value: one state of the database, taken over with the
/// transaction.
struct MutationBounds {
  /// Numbers of the oldest and the newest; `newest` is less where there are none.
  private(set) var oldest: Int64
  private(set) var newest: Int64
  /// What all take, results and all, about.
  private(set) var bytes: Int

  /// How much is kept, and how much work a transaction may do for that. A value.
  struct Limits {
    var count: Int
    var bytes: Int
    /// Most that are forgotten at once for their number …
    var atMost: Int
    /// … and most bytes for what they take.
    var atMostBytes: Int
  }

  /// What a record takes beside its results: scope, id, fingerprint, their index.
  static let recordBytes = 200
  /// Of a blob SQLite has the length without reading it.
  private static let bytesOfRecord = "\(recordBytes) + ifnull(length(results), 0)"

  static func load(_ connection: Connection) throws(SQLiteFailure) -> MutationBounds {
    var bounds = MutationBounds(oldest: 1, newest: 0, bytes: 0)
    try bounds.loadNumbers(connection)
    let sum = try connection.integer("SELECT sum(\(bytesOfRecord)) FROM datasync_mutations")
    bounds.bytes = Int(sum ?? 0)
    return bounds
  }

  private mutating func loadNumbers(_ connection: Connection) throws(SQLiteFailure) {
    let statement = try connection.cached("SELECT min(n), max(n) FROM datasync_mutations")
    defer { statement.reset() }
    let isAny = try statement.step() && !statement.isNull(0)
    (oldest, newest) = isAny ? (statement.int64(0), statement.int64(1)) : (1, 0)
  }

  /// At least as many as there are: some in between may be gone.
  var count: Int64 {
    newest < oldest ? 0 : newest.subtractingClamped(oldest).addingClamped(1)
  }

  mutating func recorded(_ numbers: ClosedRange<Int64>, bytes: Int) {
    if count == 0 { oldest = numbers.lowerBound }
    oldest = min(oldest, numbers.lowerBound)
    newest = max(newest, numbers.upperBound)
    self.bytes = self.bytes.addingClamped(bytes)
  }

  /// Forgets the oldest beyond the limits. The newest may take more bytes alone.
  mutating func trim(_ connection: Connection, to limits: Limits) throws(SQLiteFailure) {
    let excess = min(count.subtractingClamped(Int64(limits.count)), Int64(limits.atMost))
    guard excess > 0 || bytes > limits.bytes else { return }
    // Up to there it is for their number.
    let end = excess > 0 ? oldest.addingClamped(excess) : oldest
    let excessBytes = min(bytes.subtractingClamped(limits.bytes), limits.atMostBytes)
    var last: Int64?
    var removed = 0
    let rows = try connection.cached(
      "SELECT n, \(MutationBounds.bytesOfRecord) FROM datasync_mutations ORDER BY n")
    defer { rows.reset() }
    while try rows.step() {
      let number = rows.int64(0)
      guard number < end || (removed < excessBytes && number < newest) else { break }
      last = number
      removed = removed.addingClamped(rows.int(1))
    }
    rows.reset()
    guard let last else {
      oldest = max(oldest, end)
      return
    }
    let statement = try connection.cached("DELETE FROM datasync_mutations WHERE n <= ?1")
    statement.bind(1, last)
    try statement.run()
    oldest = max(end, last.addingClamped(1))
    bytes = max(0, bytes - removed)
  }

  /// Forgets those that happened before a time, of the oldest so many at once.
  mutating func trim(
    _ connection: Connection, before time: Int64, atMost most: Int
  ) throws(SQLiteFailure) {
    let old = """
      SELECT n FROM (SELECT n, time FROM datasync_mutations ORDER BY n LIMIT ?2) WHERE time < ?1
      """
    let sum = try connection.cached(
      "SELECT sum(\(MutationBounds.bytesOfRecord)) FROM datasync_mutations WHERE n IN (\(old))")
    defer { sum.reset() }
    sum.bind(1, time)
    sum.bind(2, Int64(most))
    guard try sum.step(), !sum.isNull(0) else { return }
    bytes = max(0, bytes - sum.int(0))
    sum.reset()
    let statement = try connection.cached("DELETE FROM datasync_mutations WHERE n IN (\(old))")
    statement.bind(1, time)
    statement.bind(2, Int64(most))
    try statement.run()
    try loadNumbers(connection)
  }
}
