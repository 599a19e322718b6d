import DatasyncModel

/// Remembers which mutation ids have happened, and what was answered, in the write's own
/// transaction. Thread-confined to the writer.
struct MutationLog {
  let connection: Connection

  enum Found {
    case no
    case same([WriteResult])
    case other
    /// It happened, and what was answered cannot be read any more.
    case damaged
  }

  func find(_ mutation: Mutation) throws(SQLiteFailure) -> Found {
    let statement = try connection.cached(
      "SELECT fingerprint, results FROM datasync_mutations WHERE scope = ?1 AND id = ?2")
    defer { statement.reset() }
    statement.bind(1, mutation.scope)
    statement.bind(2, mutation.id)
    guard try statement.step() else { return .no }
    guard statement.blob(0) == mutation.fingerprint else { return .other }
    guard let results = StoredResults.decode(statement.bytes(1)) else { return .damaged }
    return .same(results)
  }

  func record(
    _ mutation: Mutation, results: [WriteResult], time: Int64
  ) throws(SQLiteFailure) {
    let statement = try connection.cached(
      """
      INSERT INTO datasync_mutations (scope, id, fingerprint, time, results)
      VALUES (?1, ?2, ?3, ?4, ?5)
      """)
    statement.bind(1, mutation.scope)
    statement.bind(2, mutation.id)
    statement.bind(3, mutation.fingerprint)
    statement.bind(4, time)
    statement.bind(5, StoredResults.encode(results))
    try statement.run()
  }

  /// Forgets ids older than a time, and the oldest beyond a count; a bounded number at once.
  func trim(before time: Int64, keeping count: Int, atMost limit: Int) throws(SQLiteFailure) {
    let statement = try connection.cached(
      """
      DELETE FROM datasync_mutations WHERE n IN (
        SELECT n FROM (SELECT n, time FROM datasync_mutations ORDER BY n LIMIT ?3)
        WHERE time < ?1 OR n <= (SELECT max(n) FROM datasync_mutations) - ?2)
      """)
    statement.bind(1, time)
    statement.bind(2, Int64(count))
    statement.bind(3, Int64(limit))
    try statement.run()
  }
}
