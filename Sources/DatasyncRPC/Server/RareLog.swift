import Logging

/// Says each kind of thing at most once a minute, and how often it happened since it was last said:
/// whoever makes it happen may do so often. Sendable.
final class RareLog: Sendable {
  private let throttle: LogThrottle
  private let logger: Logger

  init(logger: Logger, interval: Duration = .seconds(60)) {
    self.logger = logger
    throttle = LogThrottle(interval: interval)
  }

  /// - Parameter kind: One of few: each is remembered.
  func warning(
    _ message: Logger.Message, kind: String, now: ContinuousClock.Instant = .now,
    metadata: Logger.Metadata
  ) {
    guard let count = throttle.count(kind, now: now) else { return }
    logger.warning(message, metadata: metadata.merging(["count": "\(count)"]) { $1 })
  }
}
