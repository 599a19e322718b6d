import Synchronization

/// Whether something is said again: each thing at most once in an interval, ten seconds unless given,
/// however often it happens. Sendable.
///
/// Keys are few and come from the program, never from outside.
package final class LogThrottle: Sendable {
  private struct Entry {
    var lastLogged: ContinuousClock.Instant?
    var unlogged = 0
  }

  private let entries = Mutex<[String: Entry]>([:])
  private let interval: Duration

  package init(interval: Duration = .seconds(10)) {
    self.interval = interval
  }

  /// - Returns: How often it has happened since it was said last; nil: it is not to be said now.
  package func count(_ key: String, now: ContinuousClock.Instant = .now) -> Int? {
    return entries.withLock { entries in
      var entry = entries[key] ?? Entry()
      defer { entries[key] = entry }
      entry.unlogged += 1
      if let last = entry.lastLogged, now - last < interval { return nil }
      defer { entry.unlogged = 0 }
      entry.lastLogged = now
      return entry.unlogged
    }
  }
}
