package import DatasyncHTTP2
package import NIOCore

/// What happens on one request's stream. Loop-bound: may be called from within its own methods, and may
/// call anything.
package protocol HTTP1StreamDelegate: AnyObject {
  /// The receiver owes ``HTTP1Stream/consume(_:)`` for every byte.
  func dataReceived(_ data: ByteBuffer, _ stream: HTTP1Stream)
  /// The client sends nothing more of this request.
  func endReceived(_ stream: HTTP1Stream)
  /// ``HTTP1Stream/isWritable`` became true again.
  func drained(_ stream: HTTP1Stream)
  /// The last call.
  func closed(_ stream: HTTP1Stream, _ end: StreamEnd)
}

/// What happens on a connection of HTTP/1. Loop-bound.
package protocol HTTP1ConnectionDelegate: AnyObject {
  /// A request's head has come, in ``HTTP1Stream/request``; sets the stream's delegate.
  func streamOpened(_ stream: HTTP1Stream)
  /// Everything that one read brought has been delivered.
  func readCompleted()
  /// This side has begun to shut down.
  func drainStarted(timeLeft: TimeAmount)
  /// The grace of ``drainStarted(timeLeft:)`` is over; ends what still runs.
  func graceEnded()
  /// A request that is not served, in the words of HTTP.
  func answer(to fault: HTTP1Fault) -> HTTPAnswer
  /// The last call.
  func connectionClosed()
}
