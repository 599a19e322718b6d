import DatasyncHTTP2
package import Logging
import Metrics
import Synchronization

/// Counts every limit that strikes, in `datasync_limit_reached_total` with the limit's name, and says
/// so in the log: each limit at most once in ten seconds, since whoever makes it strike may do so
/// often. Sendable.
final class LimitMetrics: LimitObserver {
  private struct Entry {
    let counter: Counter
    var lastLogged: ContinuousClock.Instant?
    var unlogged = 0
  }

  private let entries = Mutex<[Limit: Entry]>([:])
  private let logger: Logger
  private let logInterval: Duration = .seconds(10)

  init(logger: Logger) {
    self.logger = logger
  }

  func limitReached(_ limit: Limit) {
    let now = ContinuousClock.now
    let count: Int? = entries.withLock { entries in
      var entry =
        entries[limit]
        ?? Entry(
          counter: Counter(
            label: "datasync_limit_reached_total", dimensions: [("limit", limit.rawValue)]))
      defer { entries[limit] = entry }
      entry.counter.increment()
      entry.unlogged += 1
      if let last = entry.lastLogged, now - last < logInterval { return nil }
      defer { entry.unlogged = 0 }
      entry.lastLogged = now
      return entry.unlogged
    }
    guard let count else { return }
    logger.notice(
      "a limit was reached", metadata: ["limit": "\(limit.rawValue)", "count": "\(count)"])
  }
}

extension RPCOptions {
  /// Has each limit that strikes counted and logged.
  package mutating func countLimits(logger: Logger) {
    http2.limitObserver = LimitMetrics(logger: logger)
  }
}
