import NIOCore

/// The moments at which a connection has something to do. A value; one timer of the loop serves all.
struct ConnectionTimers {
  enum Timer: Int, CaseIterable {
    case handshake, settings, header, keepalive, keepaliveAck, idle, age, grace, drainPing, linger
    case sweep
  }

  private var deadlines = [NIODeadline?](repeating: nil, count: Timer.allCases.count)

  subscript(timer: Timer) -> NIODeadline? {
    get { deadlines[timer.rawValue] }
    set { deadlines[timer.rawValue] = newValue }
  }

  var next: NIODeadline? {
    var next: NIODeadline?
    for case let deadline? in deadlines where next.map({ deadline < $0 }) ?? true {
      next = deadline
    }
    return next
  }

  /// Takes out one that is due.
  mutating func due(_ now: NIODeadline) -> Timer? {
    for timer in Timer.allCases {
      if let deadline = deadlines[timer.rawValue], deadline <= now {
        deadlines[timer.rawValue] = nil
        return timer
      }
    }
    return nil
  }
}
