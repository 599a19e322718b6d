/// What a connection's peer has shown of itself in its frames, and where it goes too far. A value.
struct PeerConduct {
  /// What ends a connection: the limit that was passed, or nil where the protocol was broken.
  struct Violation {
    let limit: Limit?
    let code: HTTP2ErrorCode
  }

  var watch: FrameWatch
  var ids = StreamIDWatch()
  /// The stream whose header list has begun and not ended.
  var pendingHeaders: Int32?
  /// The first one; what comes after it is not looked at any more.
  private(set) var violation: Violation?
  private var earlyRefusals = 0

  /// Streams that a peer opens before it has read how many there may be are no offence; up to so many.
  private static let maxEarlyRefusals = 1000

  init(_ options: HTTP2Options) {
    watch = FrameWatch(options)
  }

  /// - Returns: False, for the callbacks: reading stops.
  mutating func violated(_ limit: Limit?, _ code: HTTP2ErrorCode = .enhanceYourCalm) -> Bool {
    if violation == nil { violation = Violation(limit: limit, code: code) }
    return false
  }

  mutating func takeViolation() -> Violation? {
    defer { violation = nil }
    return violation
  }

  /// A stream above the number that there may be was refused; whether that counts as one of the resets
  /// that the peer has made us send.
  mutating func streamRefused() -> Bool {
    earlyRefusals += 1
    return earlyRefusals > PeerConduct.maxEarlyRefusals
  }
}
