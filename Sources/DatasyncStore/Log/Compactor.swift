import DatasyncModel

/// Trims the change log by age and size, a few entries at a time. A value: one state of the log's
/// bounds, kept in `datasync_state`.
///
/// The size is saved only now and then, with the sequence up to which it is right: that spares every
/// commit a page. What came after is added up when the database is opened.
struct Compactor {
  /// Everything after this sequence is in the log.
  var oldest: Sequence
  /// What the log takes, in bytes, about.
  var logBytes: Int
  /// Microseconds.
  let retention: Int64
  let maxBytes: Int
  /// As they are in the database.
  private var saved: (oldest: Sequence, logBytes: Int)
  /// Before this time nothing is too old, in microseconds.
  private var quietUntil = Int64.min

  /// By how much the log grows before its size is saved again.
  static let saveStep = 256 << 10

  init(oldest: Sequence, logBytes: Int, options: StoreOptions) {
    self.oldest = oldest
    self.logBytes = logBytes
    let (seconds, attoseconds) = options.logRetention.components
    retention =
      seconds.multipliedReportingOverflow(by: 1_000_000).partialValue
      + attoseconds / 1_000_000_000_000
    maxBytes = options.maxLogBytes
    saved = (oldest, logBytes)
  }

  /// More than any log takes: what lies beyond is damage, and must not overflow with what is added.
  private static let mostBytes = Int.max / 4

  static func load(
    _ connection: Connection, options: StoreOptions
  ) throws(SQLiteFailure) -> Compactor {
    let statement = try connection.cached(
      """
      SELECT oldest, log_bytes + (SELECT ifnull(sum(\(entryBytes)), 0) FROM datasync_log
        WHERE sequence > log_through) FROM datasync_state
      """)
    defer { statement.reset() }
    guard try statement.step() else {
      throw .damaged("datasync_state has lost its row")
    }
    let oldest = Sequence(UInt64(clamping: statement.int64(0)))
    let bytes = min(max(0, statement.int(1)), mostBytes)
    statement.reset()
    // The end of the log stays, whatever the bound says.
    return Compactor(
      oldest: min(oldest, try ChangeLog.head(connection)), logBytes: bytes, options: options)
  }

  /// Saves the bounds where others look at them, or where much would have to be added up.
  mutating func saveIfDue(_ connection: Connection, head: Sequence) throws(SQLiteFailure) {
    guard oldest != saved.oldest || abs(logBytes - saved.logBytes) >= Compactor.saveStep else {
      return
    }
    try save(connection, head: head)
  }

  /// - Parameter head: The last sequence in the log.
  mutating func save(_ connection: Connection, head: Sequence) throws(SQLiteFailure) {
    let statement = try connection.cached(
      "UPDATE datasync_state SET oldest = ?1, log_bytes = ?2, log_through = ?3")
    statement.bind(1, Int64(clamping: oldest.rawValue))
    statement.bind(2, Int64(logBytes))
    statement.bind(3, Int64(clamping: head.rawValue))
    try statement.run()
    saved = (oldest, logBytes)
  }

  /// What an entry of the log takes.
  static let entryBytes = """
    length(CAST(key AS BLOB)) + ifnull(length(before), 0) + ifnull(length(after), 0)
      + \(ChangeLog.entryOverhead)
    """

  /// Removes whole commits that are too old or too many; the last commit stays.
  ///
  /// - Parameter limit: Most entries at once. A longer commit leaves at one stroke from what readers
  ///   see, and over several steps from the file.
  mutating func step(
    _ connection: Connection, now: Int64, head: Sequence, atMost limit: Int
  ) throws(SQLiteFailure) {
    guard logBytes > maxBytes || now >= quietUntil else { return }
    let list = try connection.cached(
      """
      SELECT sequence, time, \(Compactor.entryBytes) FROM datasync_log ORDER BY sequence LIMIT ?1
      """)
    list.bind(1, Int64(limit + 1))
    defer { list.reset() }
    // Entries of commits that are judged already; of the commit being looked at.
    var removable = (last: Sequence.zero, bytes: 0)
    var open = (last: Sequence.zero, bytes: 0)
    var isOpenRemovable = false
    while try list.step() {
      let sequence = Sequence(UInt64(clamping: list.int64(0)))
      let bytes = list.int(2)
      if !list.isNull(1) || sequence <= oldest {
        if isOpenRemovable { removable = (open.last, removable.bytes + open.bytes) }
        open = (sequence, 0)
        isOpenRemovable =
          sequence <= oldest || list.int64(1) < now.subtractingClamped(retention)
          || logBytes - removable.bytes > maxBytes
        guard isOpenRemovable else {
          if removable.last == .zero {
            quietUntil = list.int64(1).addingReportingOverflow(retention).partialValue
          }
          break
        }
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
