import DatasyncModel
import DatasyncRPC
import DatasyncStorage
import Logging
import Synchronization

/// What goes wrong without anybody's fault, told to whoever runs the server: what, and what to do. Each
/// thing at most once in ten seconds, and without a word of what rows hold. Sendable.
final class ServiceLog: Sendable {
  private let logger: Logger
  private let throttle: LogThrottle
  private let unservedNames = Mutex<Set<String>>([])

  private static let maxUnservedNames = 32

  /// What a scan may take before it is spoken of.
  static let slowScan: Duration = .seconds(10)
  /// The same for rows of other programs, and for one phase of a transaction.
  static let longAdoption: Duration = .seconds(5)
  static let stuckWriter: Duration = .seconds(5)

  init(logger: Logger, throttle: LogThrottle = LogThrottle()) {
    self.logger = logger
    self.throttle = throttle
  }

  private func say(
    _ key: String, _ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata
  ) {
    guard let count = throttle.count(key) else { return }
    var metadata = metadata
    if count > 1 { metadata["count"] = "\(count)" }
    logger.log(level: level, message, metadata: metadata)
  }

  /// How many tables a line names.
  private static let maxNames = 20

  /// What `serve --attach` has found, in one line.
  func attached(_ store: any Storage) {
    let unserved = store.unservedTables.map(\.name)
    var metadata: Logger.Metadata = [
      "attached": "\(store.attachedAtStart.count)", "served": "\(store.catalog.tables.count)",
      "not_served": "\(unserved.count)",
    ]
    if !store.attachedAtStart.isEmpty {
      metadata["tables"] = "\(ServiceLog.listed(store.attachedAtStart))"
    }
    if !unserved.isEmpty { metadata["without"] = "\(ServiceLog.listed(unserved))" }
    logger.notice("tables attached", metadata: metadata)
  }

  /// The first of many names, each shortened and on the same line.
  private static func listed(_ names: [String]) -> String {
    let rest = names.count - maxNames
    return names.prefix(maxNames)
      .map { String($0.shortened.map { $0.isNewline ? " " : $0 }) }.joined(separator: ", ")
      + (rest > 0 ? " and \(rest) more" : "")
  }

  func writesFail(_ error: DatasyncError) {
    let message: Logger.Message =
      switch error.reason {
      case "DISK_FULL":
        "writes are refused: the disk is full; free some space on it, and they go on by themselves"
      case "OUT_OF_MEMORY": "writes are refused: the system has no memory left for them"
      case "DATABASE_CORRUPT":
        "writes are refused: the database is damaged; run `datasync check`, and restore a backup where that says so"
      case "READ_ONLY_DATABASE":
        "writes are refused: the database, or its directory, is not writable for the server"
      case "OWN_TABLES_GONE":
        "reads and writes are refused: another program has dropped tables of datasync's; stop the server, run `datasync check`, and restore a backup, or begin a new history with `datasync detach` and `datasync attach`"
      case "STORAGE_FAILED":
        "writes are refused: the storage fails; look at the system's log for the disk or the file system"
      default: "writes are refused: SQLite refused the transaction"
      }
    say(
      "write \(error.reason)", .error, message,
      ["reason": "\(error.reason)", "cause": "\(error.cause.map { "\($0)" } ?? "")"])
  }

  /// Without what was shown.
  func credentialsRefused(_ reason: String, because cause: String) {
    say(
      "credentials \(cause)", .info, "credentials refused",
      ["reason": "\(reason)", "cause": "\(cause)"])
  }

  func accessReloaded() {
    logger.notice("the access file, or what it names, has changed and is in use")
  }

  /// Each fault is told once for what stands in a file.
  func accessNotReloaded(_ fault: String) {
    logger.error(
      "a file of the access file's cannot be used, and what stood there before stays in use",
      metadata: ["fault": "\(fault)"])
  }

  /// A rule that does not fit the schema any more: its table is refused.
  func nobodyAdmitted() {
    logger.warning(
      "the access file admits nobody: it names no credentials, and anonymous callers neither")
  }

  func ruleBroken(_ fault: String) {
    say(
      "rule \(fault)", .error,
      "a rule of the access file does not fit the schema, and its table is refused: mend the rule or the schema",
      ["fault": "\(fault)"])
  }

  func readFailed(_ error: DatasyncError) {
    guard ["STORAGE_FAILED", "DATABASE_CORRUPT", "OUT_OF_MEMORY"].contains(error.reason) else {
      return
    }
    say(
      "read \(error.reason)", .error,
      "a read failed for the storage's sake; run `datasync check`, and look at the system's log",
      ["reason": "\(error.reason)", "cause": "\(error.cause.map { "\($0)" } ?? "")"])
  }

  func writerStuck(_ state: WriterState) {
    let message: Logger.Message =
      switch state.phase {
      case .waitingForLock:
        "writes wait: another program holds the database's write lock; find it, with lsof for instance, and end its transaction"
      case .committing:
        "writes wait: the disk takes long over a commit; look at its load and at the system's log"
      case .writing, .idle:
        "writes wait: one transaction takes long; most likely a trigger of the database does much, or many rows of another program are taken over"
      }
    say(
      "stuck \(state.phase)", .warning, message,
      ["phase": "\(state.phase)", "seconds": "\(state.duration.inSeconds)"])
  }

  func adoptionLasts(rows: Int, in duration: Duration) {
    say(
      "adoption", .warning,
      "another program has changed many rows at once: writes and new reads wait while they are taken over; have it write in smaller transactions",
      ["rows": "\(rows)", "seconds": "\(duration.inSeconds)"])
  }

  func scanWasSlow(table: String, for duration: Duration) {
    say(
      "scan \(table)", .warning,
      "a query took long: `datasync explain` says which index would help",
      ["table": "\(table)", "seconds": "\(duration.inSeconds)"])
  }

  func consumerBehind(table: String, clientID: String, by count: UInt64) {
    say(
      "consumer", .notice,
      "a subscriber does not take its events as fast as they come; it is served from the log, and refused once the log no longer reaches back that far",
      ["table": "\(table)", "client_id": "\(clientID)", "changes": "\(count)"])
  }

  /// Other programs may make and drop tables without end: the first names are a thing each, the others
  /// are one together.
  ///
  /// - Parameter isStarting: Whether all are named that there are.
  func tableIsUnserved(_ table: String, reason: String, isStarting: Bool) {
    let metadata: Logger.Metadata = ["table": "\(table)", "reason": "\(reason)"]
    guard !isStarting else {
      logger.warning("a table is not served", metadata: metadata)
      return
    }
    let isKnown = unservedNames.withLock { names in
      if names.count < ServiceLog.maxUnservedNames { names.insert(table) }
      return names.contains(table)
    }
    say(
      isKnown ? "unserved \(table)" : "unserved", .warning, "a table is not served", metadata)
  }

  func consumerFellOut(_ name: String) {
    say(
      "consumer \(name)", .error,
      "the log no longer reaches back to a consumer's position; `datasync consumers` lists it, and with `rm` it begins anew",
      ["consumer": "\(name)"])
  }

  func hookFailed(_ error: DatasyncError) {
    say(
      "hook \(error.reason)", .error, "a hook failed",
      ["reason": "\(error.reason)", "error": "\(error.cause.map { "\($0)" } ?? error.message)"])
  }

  func historyBegunAnew() {
    say(
      "history", .warning,
      "the database's content was put back or replaced while it is served; its history begins anew, and clients begin anew, too",
      [:])
  }

  /// What the store says; the end of all service each time.
  func noticed(_ notice: StorageNotice) {
    let metadata = notice.metadata.mapValues { Logger.MetadataValue.string($0) }
    switch notice.severity {
    case .critical: logger.critical("\(notice.message)", metadata: metadata)
    case .warning: say(notice.message, .warning, "\(notice.message)", metadata)
    }
  }
}
