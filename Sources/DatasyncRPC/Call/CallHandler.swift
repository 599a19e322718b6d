package import NIOCore

/// Handles one call. Loop-bound: every method comes on the call's event loop, none after
/// `cancelled` or after the handler has finished the call.
///
/// For unary and server-streaming methods the runtime has checked that there is exactly one message:
/// `received` comes once, then `halfClosed`.
package protocol CallHandler: AnyObject {
  /// `wasCompressed`: the message came compressed; it is decompressed here.
  func received(_ message: ByteBuffer, wasCompressed: Bool)
  /// A request came that cannot be read, where those have ids: this is what it is to be answered.
  func receivedUnreadable(answer: ByteBuffer)
  /// The client sends nothing more.
  func halfClosed()
  /// The client reset the stream, the connection is gone, or the deadline has passed. The runtime
  /// answers; the handler only lets go.
  func cancelled(_ cause: CancellationCause)
  /// The server is about to end the call, for a reason of its own: nothing new comes, and the handler
  /// begins nothing more. It calls back once what it had begun is answered; then the runtime answers,
  /// and ``cancelled(_:)`` tells so.
  func serverEnding(_ ended: @escaping () -> Void)
  /// The call is writable again after it was not.
  func drained()
  /// The server shuts down; the call may go on for that long.
  func serverDraining(timeLeft: TimeAmount)
}

extension CallHandler {
  /// Does nothing: for those whose requests have no ids, to whom it never comes.
  package func receivedUnreadable(answer: ByteBuffer) {}
  /// Calls back at once: for those who leave nothing unanswered between two messages.
  package func serverEnding(_ ended: @escaping () -> Void) { ended() }
  /// Does nothing: for those who do not look whether the call is writable.
  package func drained() {}
  /// Does nothing: for calls that end soon by themselves.
  package func serverDraining(timeLeft: TimeAmount) {}
}

/// Why a call ended without its handler. A value.
package enum CancellationCause: Hashable, Sendable {
  case reset
  case connectionLost
  case deadlineExceeded
  /// The server ended the call itself: a malformed or too large message, a limit, a hard shutdown.
  case aborted
}
