import NIOCore

extension TimerQueue.Purpose {
  /// A heartbeat may come by ``Subscription/heartbeatGrain`` too early, never too late.
  static var heartbeat: TimerQueue.Purpose {
    TimerQueue.Purpose(
      grain: Subscription.heartbeatGrain, place: \.heartbeatPlace, due: { $0.heartbeat() })
  }

  static var interval: TimerQueue.Purpose {
    TimerQueue.Purpose(
      grain: .milliseconds(5), place: \.intervalPlace, due: { $0.intervalEnded() },
      woken: { $0.wokenFromRest() })
  }
}

extension Subscription {
  static let heartbeatGrain: TimeAmount = .milliseconds(25)
}
