import DatasyncModel
package import NIOCore

/// The service as it is seen from outside, at one moment. A value.
package struct ServiceState: Sendable {
  /// How far the subscription is behind that is furthest, in sequences.
  package var largestLag: UInt64 = 0
  /// Subscriptions that have something to be sent.
  package var laggingCount = 0
  /// Pages that wait for streams that are full: of queries, and of the log.
  package var pageBytes = 0
  /// The log's, counted and not in bytes: each takes ``ServiceOptions/replayChunkBytes``, about.
  package var logPageCount = 0
  /// Of the newest commits, which all loops share.
  package var tailBytes = 0

  mutating func add(_ other: ServiceState) {
    largestLag = max(largestLag, other.largestLag)
    laggingCount += other.laggingCount
    pageBytes += other.pageBytes
    logPageCount += other.logPageCount
    tailBytes = max(tailBytes, other.tailBytes)
  }
}

extension ServiceLoop {
  /// Asks every subscription; to be called now and then.
  var state: ServiceState {
    var state = ServiceState(
      pageBytes: pageBytesHeld, logPageCount: pagesHeld, tailBytes: tail.memoryCost)
    for subscription in heartbeats.subscriptions {
      // Who rests has asked for it.
      guard case .replaying(let position, _) = subscription.phase, position < head else { continue }
      state.laggingCount += 1
      state.largestLag = max(state.largestLag, head.rawValue - position.rawValue)
    }
    return state
  }
}

extension DatasyncService {
  /// Every loop asked in its turn.
  package func state(on eventLoop: any EventLoop) -> EventLoopFuture<ServiceState> {
    let parts = allLoops.map { loop in loop.eventLoop.submit { loop.value.state } }
    return EventLoopFuture.reduce(into: ServiceState(), parts, on: eventLoop) { $0.add($1) }
  }
}
