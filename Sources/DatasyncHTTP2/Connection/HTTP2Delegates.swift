package import NIOCore

/// What happens on one stream. Loop-bound: called on the connection's event loop, outside of
/// nghttp2's callbacks, so that everything may be called from within.
package protocol HTTP2StreamDelegate: AnyObject {
  /// Client role: the response's head, in ``HTTP2Stream/head``. In the server role the head comes to
  /// ``HTTP2ConnectionDelegate/streamOpened(_:)``.
  func headReceived(_ stream: HTTP2Stream)
  /// The receiver owes ``HTTP2Stream/consume(_:)`` for every byte.
  func dataReceived(_ data: ByteBuffer, _ stream: HTTP2Stream)
  /// In ``HTTP2Stream/inboundTrailers``.
  func trailersReceived(_ stream: HTTP2Stream)
  /// The peer sends nothing more.
  func endReceived(_ stream: HTTP2Stream)
  /// ``HTTP2Stream/isWritable`` became true again.
  func drained(_ stream: HTTP2Stream)
  /// The last call; the stream must not be touched after it.
  func closed(_ stream: HTTP2Stream, _ end: StreamEnd)
}

/// How a stream ended. A value.
package enum StreamEnd: Hashable, Sendable {
  /// Both sides ended it, or one was reset with the code.
  case closed(HTTP2ErrorCode)
  case connectionLost
}

/// What happens on a connection. Loop-bound.
package protocol HTTP2ConnectionDelegate: AnyObject {
  /// Server role: a request's head has come, in ``HTTP2Stream/head``; sets the stream's delegate.
  func streamOpened(_ stream: HTTP2Stream)
  /// Everything that one read brought has been delivered.
  func readCompleted()
  /// The peer's settings have come for the first time.
  func settingsReceived()
  /// The peer shuts down: streams above the last one that it will serve are refused.
  func goAwayReceived(lastStreamID: Int32, code: HTTP2ErrorCode, debug: String)
  /// This side has begun to shut down by its own rules, for age or idleness.
  func drainStarted(timeLeft: TimeAmount)
  /// The grace of ``drainStarted(timeLeft:)`` is over; ends what still runs.
  func graceEnded()
  /// The last call.
  func connectionClosed()
}

extension HTTP2ConnectionDelegate {
  package func settingsReceived() {}
  package func goAwayReceived(lastStreamID: Int32, code: HTTP2ErrorCode, debug: String) {}
  /// Does nothing: for those whose calls need no warning.
  package func drainStarted(timeLeft: TimeAmount) {}
}
