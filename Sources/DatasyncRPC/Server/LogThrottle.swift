import Synchronization

/// Whether something is said again: each thing at most once in an interval, ten seconds unless given,
/// or as often as a burst allows, however often it happens. Sendable.
///
/// Keys are few and come from the program, never from outside.
package final class LogThrottle: Sendable {
  private struct Entry {
    /// When the first of those that may follow each other was said.
    var begin: ContinuousClock.Instant?
    var logged = 0
    var unlogged = 0
  }

  private let entries = Mutex<[String: Entry]>([:])
  private let interval: Duration
  private let burst: Int

  /// - Parameter burst: How often a thing is said within the interval.
  package init(interval: Duration = .seconds(10), burst: Int = 1) {
    self.interval = interval
    self.burst = burst
  }

  /// - Returns: How often it has happened since it was said last; nil: it is not to be said now.
  package func count(_ key: String, now: ContinuousClock.Instant = .now) -> Int? {
    return entries.withLock { entries in
      var entry = entries[key] ?? Entry()
      defer { entries[key] = entry }
      entry.unlogged += 1
      if let begin = entry.begin, now - begin < interval {
        guard entry.logged < burst else { return nil }
      } else {
        entry.begin = now
        entry.logged = 0
      }
      defer { entry.unlogged = 0 }
      entry.logged += 1
      return entry.unlogged
    }
  }
}
