package import DatasyncHTTP2
package import Logging
import Metrics
import Synchronization

/// Counts every limit that strikes, in `datasync_limit_reached_total` with the limit's name, and says
/// so in the log: each limit at most once in ten seconds, since whoever makes it strike may do so
/// often. Sendable.
package final class LimitMetrics: LimitObserver {
  private let counters = Mutex<[String: Counter]>([:])
  private let throttle = LogThrottle()
  private let logger: Logger

  /// - Parameter logger: Told at the level `notice`, with the number since it was told last.
  package init(logger: Logger) {
    self.logger = logger
  }

  /// On any event loop; only the first time that a limit strikes makes its counter.
  package func limitReached(_ limit: Limit) {
    limitReached(named: limit.rawValue)
  }

  /// The same for a limit that the wire does not know.
  ///
  /// - Parameter name: As ``LimitSetting/name`` has it; one of few, never from outside.
  package func limitReached(named name: String) {
    let counter = counters.withLock { counters in
      if let counter = counters[name] { return counter }
      let counter = Counter(
        label: "datasync_limit_reached_total", dimensions: [("limit", name)])
      counters[name] = counter
      return counter
    }
    counter.increment()
    guard let count = throttle.count(name) else { return }
    logger.notice("a limit was reached", metadata: ["limit": "\(name)", "count": "\(count)"])
  }
}

extension RPCOptions {
  /// Has each limit that strikes counted and logged.
  ///
  /// - Returns: Who does it, for the limits of the layers above.
  @discardableResult
  package mutating func countLimits(logger: Logger) -> LimitMetrics {
    let metrics = LimitMetrics(logger: logger)
    http2.limitObserver = metrics
    return metrics
  }
}
