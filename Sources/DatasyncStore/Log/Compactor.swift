import DatasyncModel

/// Trims the change log by age and size, a few entries at a time. A value: one state of the log's
/// bounds, kept in `datasync_state`.
struct Compactor: Hashable {
  /// Everything after this sequence is in the log.
  var oldest: Sequence
  /// What the log takes, in bytes, about.
  var logBytes: Int
  /// Microseconds.
  let retention: Int64
  let maxBytes: Int

  init(oldest: Sequence, logBytes: Int, options: StoreOptions) {
    self.oldest = oldest
    self.logBytes = logBytes
    let (seconds, attoseconds) = options.logRetention.components
    retention =
      seconds.multipliedReportingOverflow(by: 1_000_000).partialValue
      + attoseconds / 1_000_000_000_000
    maxBytes = options.maxLogBytes
  }

  static func load(
    _ connection: Connection, options: StoreOptions
  ) throws(SQLiteFailure) -> Compactor {
    let statement = try connection.cached("SELECT oldest, log_bytes FROM datasync_state")
    defer { statement.reset() }
    guard try statement.step() else {
      return Compactor(oldest: .zero, logBytes: 0, options: options)
    }
    return Compactor(
      oldest: Sequence(UInt64(clamping: statement.int64(0))), logBytes: statement.int(1),
      options: options)
  }

  func save(_ connection: Connection) throws(SQLiteFailure) {
    let statement = try connection.cached("UPDATE datasync_state SET oldest = ?1, log_bytes = ?2")
    statement.bind(1, Int64(clamping: oldest.rawValue))
    statement.bind(2, Int64(logBytes))
    try statement.run()
  }

  /// Removes whole commits that are too old or too many; the last commit stays.
  ///
  /// - Parameter limit: Most entries at once. A longer commit leaves at one stroke from what readers
  ///   see, and over several steps from the file.
  mutating func step(
    _ connection: Connection, now: Int64, head: Sequence, atMost limit: Int
  ) throws(SQLiteFailure) {
    let list = try connection.cached(
      """
      SELECT sequence, time, length(CAST(key AS BLOB)) + ifnull(length(before), 0)
        + ifnull(length(after), 0)
      FROM datasync_log ORDER BY sequence LIMIT ?1
      """)
    list.bind(1, Int64(limit + 1))
    defer { list.reset() }
    // Entries of commits that are judged already; of the commit being looked at.
    var removable = (last: Sequence.zero, bytes: 0)
    var open = (last: Sequence.zero, bytes: 0)
    var isOpenRemovable = false
    while try list.step() {
      let sequence = Sequence(UInt64(clamping: list.int64(0)))
      let bytes = list.int(2) + ChangeLog.entryOverhead
      if !list.isNull(1) || sequence <= oldest {
        if isOpenRemovable { removable = (open.last, removable.bytes + open.bytes) }
        open = (sequence, 0)
        isOpenRemovable =
          sequence <= oldest || list.int64(1) < now - retention
          || logBytes - removable.bytes > maxBytes
        guard isOpenRemovable else { break }
      }
      open = (sequence, open.bytes + bytes)
    }
    list.reset()
    if removable.last == .zero, isOpenRemovable, open.last < head {
      // One commit fills the step: it goes from the readers' view now.
      guard let next = try nextCommit(connection, after: open.last), next <= head else { return }
      oldest = max(oldest, Sequence(next.rawValue - 1))
      removable = open
    }
    guard removable.last != .zero, removable.last < head else { return }
    oldest = max(oldest, removable.last)
    let delete = try connection.cached("DELETE FROM datasync_log WHERE sequence <= ?1")
    delete.bind(1, Int64(clamping: removable.last.rawValue))
    try delete.run()
    logBytes = max(0, logBytes - removable.bytes)
  }

  private func nextCommit(
    _ connection: Connection, after sequence: Sequence
  ) throws(SQLiteFailure) -> Sequence? {
    let statement = try connection.cached(
      "SELECT sequence FROM datasync_log WHERE sequence > ?1 AND time IS NOT NULL LIMIT 1")
    defer { statement.reset() }
    statement.bind(1, Int64(clamping: sequence.rawValue))
    guard try statement.step() else { return nil }
    return Sequence(UInt64(clamping: statement.int64(0)))
  }
}
