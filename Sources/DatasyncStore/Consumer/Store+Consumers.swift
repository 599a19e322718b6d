package import DatasyncModel

/// How far somebody has come who follows the log by name. A value.
package struct ConsumerReport: Hashable, Sendable {
  package let name: String
  package let position: Sequence
  /// When the position was written, in microseconds since 1970 UTC.
  package let movedAt: Int64
  /// Changes that come after it.
  package let changes: UInt64
  /// What they take in the log, about.
  package let bytes: Int
  /// When the first of them was committed; nil: there are none.
  package let behindSince: Int64?
  /// Whether it can go on from its position: the log reaches back so far, and is the same.
  package let canGoOn: Bool
}

extension Store {
  /// Those who follow the log of a database by name, in order of name. The database may be served meanwhile.
  package static func consumers(path: String) throws(DatasyncError) -> [ConsumerReport] {
    try looking(at: path) { connection in
      guard try OwnTables.hasPrincipals(connection) else { return [] }
      try connection.execute("PRAGMA query_only = ON; BEGIN")
      let history = try OwnTables.setting("history_id", connection)
      let head = try ChangeLog.head(connection)
      let oldest = try connection.integer("SELECT oldest FROM datasync_state") ?? 0
      let list = try connection.prepare(
        """
        SELECT name, position, moved_at, history,
          (SELECT sum(\(Compactor.entryBytes)) FROM datasync_log WHERE sequence > position),
          (SELECT time FROM datasync_log WHERE sequence > position AND time IS NOT NULL
            ORDER BY sequence LIMIT 1)
        FROM datasync_consumers ORDER BY name
        """)
      var reports: [ConsumerReport] = []
      while try list.step() {
        let position = Sequence(UInt64(clamping: list.int64(1)))
        reports.append(
          ConsumerReport(
            name: list.text(0), position: position, movedAt: list.int64(2),
            changes: head.rawValue.subtractingClamped(position.rawValue),
            bytes: list.int(4), behindSince: list.isNull(5) ? nil : list.int64(5),
            canGoOn: list.rawValue(3) == history && list.int64(1) >= oldest))
      }
      return reports
    }
  }

  /// Forgets one of them; who follows by that name is told.
  ///
  /// - Throws: NOT_FOUND, reason CONSUMER_NOT_FOUND.
  package static func removeConsumer(_ name: String, path: String) throws(DatasyncError) {
    try looking(at: path) { connection in
      var isKnown = try OwnTables.hasPrincipals(connection)
      if isKnown {
        let delete = try connection.prepare("DELETE FROM datasync_consumers WHERE name = ?1")
        delete.bind(1, name)
        try delete.run()
        isKnown = connection.changes > 0
      }
      guard isKnown else {
        throw DatasyncError(
          .notFound, reason: "CONSUMER_NOT_FOUND",
          "\(path) has no consumer \"\(name.shortened)\": datasync consumers lists them")
      }
    }
  }

  private static func looking<Result>(
    at path: String, _ body: (Connection) throws -> Result
  ) throws(DatasyncError) -> Result {
    let opening = StoreOpening(path: path, options: StoreOptions())
    let connection = try opening.connect(busyWait: nil, isLooking: true)
    defer { connection.close() }
    do {
      guard try OwnTables.exist(connection) else { throw opening.neverServed }
      return try body(connection)
    } catch {
      throw opening.datasyncError(error)
    }
  }
}
