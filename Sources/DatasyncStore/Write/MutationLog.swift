import DatasyncModel
import DatasyncStorage

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

  /// - Returns: Its number in the log, and what it takes there.
  func record(
    _ mutation: Mutation, results: [WriteResult], time: Int64
  ) throws(SQLiteFailure) -> (number: Int64, bytes: Int) {
    let statement = try connection.cached(
      """
      INSERT INTO datasync_mutations (scope, id, fingerprint, time, results)
      VALUES (?1, ?2, ?3, ?4, ?5)
      """)
    statement.bind(1, mutation.scope)
    statement.bind(2, mutation.id)
    statement.bind(3, mutation.fingerprint)
    statement.bind(4, time)
    let encoded = StoredResults.encode(results)
    statement.bind(5, encoded)
    try statement.run()
    return (connection.lastInsertRowID, MutationBounds.recordBytes + encoded.count)
  }
}
