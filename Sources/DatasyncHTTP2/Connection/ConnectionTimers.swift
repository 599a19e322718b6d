import NIOCore

/// The moments at which a connection has something to do. A value; one timer of the loop serves all.
struct ConnectionTimers {
  enum Timer: Int, CaseIterable {
    case handshake, settings, header, keepalive, keepaliveAck, idle, age, grace, drainPing, linger
    case sweep
  }

  /// Of the loop; nil: none is set.
  var callback: NIOScheduledCallback?
  /// When it fires.
  var armedFor: NIODeadline?
  private var deadlines = [NIODeadline?](repeating: nil, count: Timer.allCases.count)

  subscript(timer: Timer) -> NIODeadline? {
    get { deadlines[timer.rawValue] }
    set { deadlines[timer.rawValue] = newValue }
  }

  /// What the loop's timer is to be set to; nil: it fires soon enough. One that fires too early costs a
  /// look.
  var nextToArm: NIODeadline? {
    guard let next else { return nil }
    if let armedFor, armedFor <= next { return nil }
    return next
  }

  /// The loop's timer has fired.
  mutating func fired() {
    callback = nil
    armedFor = nil
  }

  /// None is due any more; the loop's timer stays, for the next one.
  mutating func removeAll() {
    for timer in Timer.allCases { self[timer] = nil }
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
