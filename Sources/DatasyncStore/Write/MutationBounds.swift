import DatasyncModel

/// Which mutation ids are kept, by their numbers in `datasync_mutations`, so that there are never more
/// than the limit. A value: one state of the database, taken over with the transaction.
struct MutationBounds {
  /// Numbers of the oldest and the newest; `newest` is less where there are none.
  private(set) var oldest: Int64
  private(set) var newest: Int64

  static func load(_ connection: Connection) throws(SQLiteFailure) -> MutationBounds {
    let statement = try connection.cached("SELECT min(n), max(n) FROM datasync_mutations")
    defer { statement.reset() }
    guard try statement.step(), !statement.isNull(0) else {
      return MutationBounds(oldest: 1, newest: 0)
    }
    return MutationBounds(oldest: statement.int64(0), newest: statement.int64(1))
  }

  /// At least as many as there are: some in between may be gone.
  var count: Int64 {
    newest < oldest ? 0 : newest.subtractingClamped(oldest).addingClamped(1)
  }

  mutating func recorded(_ numbers: ClosedRange<Int64>) {
    if count == 0 { oldest = numbers.lowerBound }
    oldest = min(oldest, numbers.lowerBound)
    newest = max(newest, numbers.upperBound)
  }

  /// Forgets the oldest beyond a count, so many at once.
  mutating func trim(
    _ connection: Connection, keeping limit: Int, atMost most: Int
  ) throws(SQLiteFailure) {
    let excess = min(count.subtractingClamped(Int64(limit)), Int64(most))
    guard excess > 0 else { return }
    let last = oldest.addingClamped(excess - 1)
    let statement = try connection.cached("DELETE FROM datasync_mutations WHERE n <= ?1")
    statement.bind(1, last)
    try statement.run()
    oldest = last.addingClamped(1)
  }

  /// Forgets those that happened before a time, of the oldest so many at once.
  mutating func trim(
    _ connection: Connection, before time: Int64, atMost most: Int
  ) throws(SQLiteFailure) {
    let statement = try connection.cached(
      """
      DELETE FROM datasync_mutations WHERE n IN (
        SELECT n FROM (SELECT n, time FROM datasync_mutations ORDER BY n LIMIT ?2) WHERE time < ?1)
      """)
    statement.bind(1, time)
    statement.bind(2, Int64(most))
    try statement.run()
    self = try MutationBounds.load(connection)
  }
}
