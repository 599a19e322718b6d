import Logging
import Synchronization

/// Says each kind of thing at most once a minute, and how often it happened since it was last said:
/// whoever makes it happen may do so often. Sendable.
final class RareLog: Sendable {
  private struct Entry {
    var lastSaid: ContinuousClock.Instant?
    var unsaid = 0
  }

  private let entries = Mutex<[String: Entry]>([:])
  private let logger: Logger
  private let interval: Duration

  init(logger: Logger, interval: Duration = .seconds(60)) {
    self.logger = logger
    self.interval = interval
  }

  /// - Parameter kind: One of few: each is remembered.
  func warning(
    _ message: Logger.Message, kind: String, now: ContinuousClock.Instant = .now,
    metadata: Logger.Metadata
  ) {
    let count: Int? = entries.withLock { entries in
      var entry = entries[kind] ?? Entry()
      defer { entries[kind] = entry }
      entry.unsaid += 1
      if let last = entry.lastSaid, now - last < interval { return nil }
      defer { entry.unsaid = 0 }
      entry.lastSaid = now
      return entry.unsaid
    }
    guard let count else { return }
    logger.warning(message, metadata: metadata.merging(["count": "\(count)"]) { $1 })
  }
}
