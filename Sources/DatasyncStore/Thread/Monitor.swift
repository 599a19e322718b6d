#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A value under a lock that threads may wait on. Sendable.
///
/// `@unchecked`: the value is touched only with the mutex held.
final class Monitor<State>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  init(_ state: sending State) {
    self.state = state
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    #if canImport(Glibc)
      var attributes = pthread_condattr_t()
      pthread_condattr_init(&attributes)
      // Deadlines must not move when somebody sets the clock.
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
      pthread_cond_init(condition, &attributes)
      pthread_condattr_destroy(&attributes)
    #else
      pthread_cond_init(condition, nil)
    #endif
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func withLock<Result, Failure>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  func signal() {
    pthread_cond_signal(condition)
  }

  func broadcast() {
    pthread_cond_broadcast(condition)
  }

  /// Waits until the condition holds or the time is over, then runs the body under the same lock.
  ///
  /// - Parameter timeout: nil: without end.
  func wait<Result>(
    timeout: Duration? = nil, until isReady: (State) -> Bool, _ body: (inout State) -> Result
  ) -> Result {
    let deadline = timeout.map { MonotonicClock.now + $0 }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !isReady(state) {
      guard let deadline else {
        pthread_cond_wait(condition, mutex)
        continue
      }
      guard waitOnce(until: deadline) else { break }
    }
    return body(&state)
  }

  private func waitOnce(until deadline: Duration) -> Bool {
    #if canImport(Glibc)
      var time = deadline.timespec
      return pthread_cond_timedwait(condition, mutex, &time) == 0
    #else
      let rest = deadline - MonotonicClock.now
      guard rest > .zero else { return false }
      var time = rest.timespec
      return pthread_cond_timedwait_relative_np(condition, mutex, &time) == 0
    #endif
  }
}

extension Duration {
  fileprivate var timespec: timespec {
    let (seconds, attoseconds) = components
    #if canImport(Glibc)
      return Glibc.timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    #else
      return Darwin.timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    #endif
  }
}

/// Time that never goes back, as a span from an arbitrary start.
enum MonotonicClock {
  static var now: Duration {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
  }

  /// The same in whole microseconds; a `Duration` costs a division of 128 bits to take apart.
  static var microseconds: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(clamping: time.tv_sec) * 1_000_000 + UInt64(clamping: time.tv_nsec) / 1000
  }
}

extension Duration {
  /// Whole nanoseconds.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
