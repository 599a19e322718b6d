import NIOCore
import Synchronization

/// The calls of a connection or a server since it began. A value.
struct CallCounts: Hashable, Sendable {
  private(set) var started = 0
  /// Ended with OK.
  private(set) var succeeded = 0
  private(set) var failed = 0
  private(set) var lastStarted: NIODeadline?

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

/// Numbers for servers and sockets, each given once in the process and none of them zero. Namespace.
enum ChannelzID {
  private static let last = Atomic<Int>(0)

  static func next() -> Int {
    last.add(1, ordering: .relaxed).newValue
  }
}
