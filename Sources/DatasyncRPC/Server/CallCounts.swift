package import NIOCore

/// The calls of a connection or a server since it began. A value.
package struct CallCounts: Hashable, Sendable {
  /// Among them those that run.
  package private(set) var started = 0
  /// Ended with OK.
  package private(set) var succeeded = 0
  /// With another status, or with their connection.
  package private(set) var failed = 0
  /// Nil: none yet.
  package private(set) var lastStarted: NIODeadline?

  mutating func started(now: NIODeadline) {
    started += 1
    lastStarted = now
  }

  mutating func finished(_ status: Status) {
    if status.code == .ok { succeeded += 1 } else { failed += 1 }
  }

  /// What still runs has failed.
  mutating func endAll() {
    failed = started - succeeded
  }

  mutating func add(_ other: CallCounts) {
    started += other.started
    succeeded += other.succeeded
    failed += other.failed
    lastStarted = [lastStarted, other.lastStarted].compactMap(\.self).max()
  }
}
