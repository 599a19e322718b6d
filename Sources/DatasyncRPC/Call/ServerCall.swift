package import NIOCore

/// One call as its handler sees it: what came with it, and where its answers go. Loop-bound: every
/// method is called on ``eventLoop``, and may be called from within a handler's methods.
///
/// What is sent in one tick of the loop leaves in one flush.
package final class ServerCall {
  package let eventLoop: any EventLoop
  /// `/package.Service/Method`.
  package let path: String
  /// Without the keys that HTTP/2 and gRPC reserve.
  package let metadata: Metadata
  package let deadline: NIODeadline?
  package let peer: Peer

  init(
    eventLoop: any EventLoop, path: String, metadata: Metadata, deadline: NIODeadline?, peer: Peer
  ) {
    self.eventLoop = eventLoop
    self.path = path
    self.metadata = metadata
    self.deadline = deadline
    self.peer = peer
  }

  /// Bytes sent by the handler that HTTP/2 has not taken yet.
  package var bufferedBytes: Int { fatalError() }

  /// Whether ``bufferedBytes`` is below the mark; once it is not, ``CallHandler/drained()`` tells
  /// when it is again.
  package var isWritable: Bool { fatalError() }

  /// Sends the response headers now; otherwise they go with the first message or the status.
  package func sendInitialMetadata(_ metadata: Metadata) { fatalError() }

  package func send(_ message: ByteBuffer, compress: Bool = true) { fatalError() }

  /// Sends one message that the closure writes straight into the outbound buffer.
  package func send(writing write: (inout ByteBuffer) -> Void) { fatalError() }

  /// Ends the call. Nothing may be sent after it; a second one is ignored.
  package func finish(_ status: Status, trailers: Metadata = Metadata()) { fatalError() }

  /// Stops the delivery of messages, and with it, once the window is used up, the client.
  package func pauseReading() { fatalError() }

  package func resumeReading() { fatalError() }
}

/// Who is at the other end. A value.
package struct Peer: Hashable, Sendable {
  /// `127.0.0.1:50311`.
  package var address: String
  /// The subject of the verified client certificate, where there is one.
  package var certificateSubject: String?

  package init(address: String, certificateSubject: String? = nil) {
    self.address = address
    self.certificateSubject = certificateSubject
  }
}
