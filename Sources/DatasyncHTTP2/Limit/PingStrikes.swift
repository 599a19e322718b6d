package import NIOCore

/// Counts pings that come more often than a server allows. A value. Source: gRFC A8.
package struct PingStrikes: Sendable {
  private let minInterval: TimeAmount
  private let minIntervalWithoutCalls: TimeAmount
  private let maxStrikes: Int
  private var last: NIODeadline?
  private var strikes = 0

  /// - Parameter maxStrikes: So many are borne from one answer to the next; 0: none.
  package init(minInterval: TimeAmount, minIntervalWithoutCalls: TimeAmount, maxStrikes: Int) {
    self.minInterval = minInterval
    self.minIntervalWithoutCalls = minIntervalWithoutCalls
    self.maxStrikes = maxStrikes
  }

  /// False: one too many.
  package mutating func pingReceived(now: NIODeadline, hasCalls: Bool) -> Bool {
    defer { last = now }
    guard let last else { return true }
    if now - last < (hasCalls ? minInterval : minIntervalWithoutCalls) { strikes += 1 }
    return strikes <= maxStrikes
  }

  /// HEADERS or DATA went out: clients measure the path with a ping on what they receive.
  package mutating func answered() {
    strikes = 0
    last = nil
  }
}
