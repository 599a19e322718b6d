import CDatasyncSQLite
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Waits for another program's lock as long as it takes, or until told to give up. Sendable.
///
/// A foreign writer only delays ours; its lock is never an answer to a client.
final class BusyWait: Sendable {
  /// Nanoseconds of ``MonotonicClock`` after which nothing is waited for.
  private let deadline = Atomic(Int64.max)
  /// Since when the writer waits; 0: it does not.
  private let since = Atomic<Int64>(0)

  /// The writer waits no more.
  func lockTaken() {
    since.store(0, ordering: .relaxed)
  }

  /// Whether another program has kept the writer waiting for longer than short transactions do.
  func isKeptWaiting(longerThan duration: Duration) -> Bool {
    let since = since.load(ordering: .relaxed)
    return since != 0 && MonotonicClock.now.nanoseconds - since > duration.nanoseconds
  }

  func giveUp(after delay: Duration) {
    deadline.store((MonotonicClock.now + delay).nanoseconds, ordering: .relaxed)
  }

  /// The connection keeps `self` alive.
  func install(on handle: OpaquePointer) {
    sqlite3_busy_handler(
      handle,
      { context, attempts in
        guard let context else { return 0 }
        let wait = Unmanaged<BusyWait>.fromOpaque(context).takeUnretainedValue()
        if attempts == 0 {
          wait.since.store(MonotonicClock.now.nanoseconds, ordering: .relaxed)
        }
        let deadline = wait.deadline.load(ordering: .relaxed)
        guard deadline == .max || MonotonicClock.now.nanoseconds < deadline else { return 0 }
        // Quick at first: most locks are short. At most 5 ms, so that we are not starved.
        usleep(attempts < 10 ? 200 : attempts < 50 ? 1000 : 5000)
        return 1
      }, Unmanaged.passUnretained(self).toOpaque())
  }
}
