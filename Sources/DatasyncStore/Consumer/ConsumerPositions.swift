import CDatasyncSQLite
import DatasyncModel
import DatasyncStorage

/// How far those have come who follow the log by name: `datasync_consumers`, within the writer's
/// transaction.
struct ConsumerPositions {
  let connection: Connection
  /// Microseconds since 1970.
  let now: Int64
  let maxCount: Int

  /// - Parameter head: The last sequence before the step.
  /// - Returns: Where the consumer stands then.
  func take(_ step: ConsumerStep, head: Sequence) throws(WriteFailure) -> Sequence {
    do {
      switch step.kind {
      case .begin: return try begin(step.name, head: head)
      case .move(let position): return try move(step.name, to: position)
      case .remove:
        let delete = try connection.cached("DELETE FROM datasync_consumers WHERE name = ?1")
        delete.bind(1, step.name)
        try delete.run()
        return head
      }
    } catch let failure as SQLiteFailure {
      // Where the table is gone, that is this request's affair alone.
      guard failure.code == SQLITE_ERROR else { throw .batch(failure) }
      throw .request(OwnTables.explained(failure, connection).error(while: "writing"))
    } catch let failure as WriteFailure {
      throw failure
    } catch let failure as StoreFailure {
      throw .request(failure.datasyncError(while: "writing"))
    } catch {
      throw .request(DatasyncError(.internal, "a consumer's position cannot be kept", cause: error))
    }
  }

  private func begin(_ name: String, head: Sequence) throws -> Sequence {
    let history = try OwnTables.setting("history_id", connection)
    let find = try connection.cached(
      "SELECT position, history FROM datasync_consumers WHERE name = ?1")
    find.bind(1, name)
    defer { find.reset() }
    if try find.step() {
      guard find.rawValue(1) == history else {
        throw WriteFailure.request(.consumerOfOtherHistory(name))
      }
      return Sequence(UInt64(clamping: find.int64(0)))
    }
    guard try connection.integer("SELECT count(*) FROM datasync_consumers") ?? 0 < maxCount else {
      throw WriteFailure.request(.tooManyConsumers(max: maxCount))
    }
    let insert = try connection.cached(
      """
      INSERT INTO datasync_consumers (name, history, position, moved_at) VALUES (?1, ?2, ?3, ?4)
      """)
    insert.bind(1, name)
    insert.bind(2, history)
    insert.bind(3, Int64(clamping: head.rawValue))
    insert.bind(4, now)
    try insert.run()
    return head
  }

  private func move(_ name: String, to position: Sequence) throws -> Sequence {
    let history = try OwnTables.setting("history_id", connection)
    let update = try connection.cached(
      """
      UPDATE datasync_consumers SET position = ?2, moved_at = ?3 WHERE name = ?1 AND history = ?4
      """)
    update.bind(1, name)
    update.bind(2, Int64(clamping: position.rawValue))
    update.bind(3, now)
    update.bind(4, history)
    try update.run()
    guard connection.changes == 0 else { return position }
    let isKnown = try connection.cached("SELECT 1 FROM datasync_consumers WHERE name = ?1")
    isKnown.bind(1, name)
    defer { isKnown.reset() }
    throw WriteFailure.request(
      try isKnown.step() ? .consumerOfOtherHistory(name) : .consumerRemoved(name))
  }
}
