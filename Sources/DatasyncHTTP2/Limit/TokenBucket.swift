package import NIOCore

/// A rate with a burst: so many at once, so many a second after that. A value.
package struct TokenBucket: Sendable {
  private let capacity: Double
  private let perNanosecond: Double
  private var tokens: Double
  private var last: NIODeadline?

  /// Begins full. With a rate of 0 it is never filled again.
  package init(capacity: Int, perSecond: Int) {
    self.capacity = Double(capacity)
    perNanosecond = Double(perSecond) / 1e9
    tokens = Double(capacity)
  }

  /// Takes one; false: there was none.
  package mutating func take(now: NIODeadline) -> Bool {
    if let last, now > last {
      tokens = min(capacity, tokens + Double((now - last).nanoseconds) * perNanosecond)
    }
    last = now
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }
}
