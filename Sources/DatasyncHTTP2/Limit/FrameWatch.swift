package import NIOCore

/// Judges what a peer sends by its amount, where each frame alone is right. A value.
///
/// Each method says which limit is passed, or nil.
package struct FrameWatch: Sendable {
  private let controlFramesPerStream: Int
  private let controlFramesPerDataFrame: Int
  private let controlFramesPerMessage: Int
  private let maxEmptyDataFrames: Int
  private var controlFrames = 0
  private var allowance: Int
  private var emptyDataFrames = 0
  private var resetsReceived: TokenBucket
  private var resetsSent: TokenBucket
  private var settings: TokenBucket
  private var pings: PingStrikes

  /// Begins with full buckets.
  package init(_ options: HTTP2Options) {
    controlFramesPerStream = options.controlFramesPerStream
    controlFramesPerDataFrame = options.controlFramesPerDataFrame
    controlFramesPerMessage = options.controlFramesPerMessage
    maxEmptyDataFrames = options.maxEmptyDataFrames
    allowance = options.maxControlFrames
    resetsReceived = TokenBucket(
      capacity: options.maxResetsReceived, perSecond: options.resetsReceivedPerSecond)
    resetsSent = TokenBucket(
      capacity: options.maxResetsSent, perSecond: options.resetsSentPerSecond)
    settings = TokenBucket(capacity: options.maxSettings, perSecond: options.settingsPerSecond)
    pings = PingStrikes(
      minInterval: options.minPingInterval,
      minIntervalWithoutCalls: options.permitsPingsWithoutCalls
        ? options.minPingInterval : options.minPingIntervalWithoutCalls,
      maxStrikes: options.maxPingStrikes)
  }

  /// By the peer. What it adds to the allowance for control frames never expires.
  package mutating func streamOpened() {
    allowance += controlFramesPerStream
  }

  /// HEADERS or DATA.
  package mutating func answerSent(isData: Bool) {
    pings.answered()
    if isData { allowance += controlFramesPerDataFrame }
  }

  /// Messages of the layer above: a client may open its windows anew for each that it takes, also
  /// where one frame held hundreds.
  package mutating func messagesSent(_ count: Int) {
    allowance += count * controlFramesPerMessage
  }

  /// PRIORITY, WINDOW_UPDATE, or of an unknown type.
  package mutating func controlFrameReceived() -> Limit? {
    controlFrames += 1
    return controlFrames > allowance ? .controlFrames : nil
  }

  /// On any stream: other streams' DATA break the row too. Padding alone is empty.
  package mutating func dataReceived(isEmpty: Bool, endsStream: Bool) -> Limit? {
    guard isEmpty, !endsStream else {
      emptyDataFrames = 0
      return nil
    }
    emptyDataFrames += 1
    return emptyDataFrames > maxEmptyDataFrames ? .emptyData : nil
  }

  /// Not for acknowledgements.
  package mutating func settingsReceived(now: NIODeadline) -> Limit? {
    settings.take(now: now) ? nil : .settings
  }

  /// Not for acknowledgements. With `hasCalls`, the shorter interval holds.
  package mutating func pingReceived(now: NIODeadline, hasCalls: Bool) -> Limit? {
    pings.pingReceived(now: now, hasCalls: hasCalls) ? nil : .pings
  }

  package mutating func resetReceived(now: NIODeadline) -> Limit? {
    resetsReceived.take(now: now) ? nil : .resetsReceived
  }

  /// Sent because the peer broke the protocol, not because this side wished to.
  package mutating func resetSent(now: NIODeadline) -> Limit? {
    resetsSent.take(now: now) ? nil : .resetsSent
  }
}
