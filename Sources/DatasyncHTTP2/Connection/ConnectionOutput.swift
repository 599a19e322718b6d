import NIOCore

/// What leaves a connection: the frames of the write at hand, and where they go. A value.
struct ConnectionOutput {
  /// One write's worth, with the last frame just under 256 KiB; more goes in several, with the
  /// channel asked in between.
  private static let maxFlushBytes = (256 << 10) - 16_384 - 9

  /// For the next write; empty between them.
  var frames = FrameOutput()
  /// Of the open channel; nil: frames leave through the channel.
  var socket: NIOBSDSocket.Handle?
  /// Whether the channel takes more; it says when that changes.
  var isChannelWritable = true
  /// Writes that the channel has not finished: what follows waits behind them.
  private(set) var channelWrites = 0
  /// When the channel last took something.
  var lastFlush = NIODeadline.uptimeNanoseconds(0)

  /// Streams whose trailers are out while the peer could still send; they are reset gently, or
  /// their slots would stay taken.
  private var endedEarly: [Int32] = []
  /// Streams whose head or trailers the library refused to send.
  private var failedHeads: [Int32] = []

  // Inlined, as what is called with every frame: a part that is called is copied, and what it holds counted.
  @inline(__always)
  var isFull: Bool {
    frames.count >= ConnectionOutput.maxFlushBytes || frames.isFullOfParts
  }

  /// What the socket takes at once of the frames at hand, in bytes.
  mutating func writeToSocket() -> Int {
    guard channelWrites == 0, let socket else { return 0 }
    return frames.write(to: socket)
  }

  mutating func channelWriteBegan() {
    channelWrites += 1
  }

  mutating func channelWriteEnded() {
    channelWrites -= 1
  }

  // MARK: - Resets

  mutating func endedEarly(_ id: Int32) {
    endedEarly.append(id)
  }

  mutating func headFailed(_ id: Int32) {
    failedHeads.append(id)
  }

  /// Resets what frames just sent have left to be reset.
  ///
  /// - Returns: Whether there was something.
  mutating func submitResets(to session: HTTP2Session) -> Bool {
    guard !endedEarly.isEmpty || !failedHeads.isEmpty else { return false }
    for id in endedEarly { session.submitReset(id, .noError) }
    endedEarly.removeAll(keepingCapacity: true)
    for id in failedHeads { session.submitReset(id, .internalError) }
    failedHeads.removeAll(keepingCapacity: true)
    return true
  }
}
