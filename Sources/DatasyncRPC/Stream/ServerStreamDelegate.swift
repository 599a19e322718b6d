package import DatasyncHTTP1
package import DatasyncHTTP2
package import NIOCore

/// What happens on a stream of a server, whichever HTTP carries it. Loop-bound.
///
/// Every method means what it does in ``HTTP2StreamDelegate``.
package protocol ServerStreamDelegate: HTTP2StreamDelegate, HTTP1StreamDelegate {
  /// That the stream serves; nil: it is no call.
  var call: ServerCall? { get }
  /// It is the call's turn: what ``ServerConnection`` has put off is delivered now.
  func deliver()
  func dataReceived(_ data: ByteBuffer, _ stream: ServerStream)
  func endReceived(_ stream: ServerStream)
  func drained(_ stream: ServerStream)
  func closed(_ stream: ServerStream, _ end: StreamEnd)
}

extension ServerStreamDelegate {
  /// Never comes in the server role.
  package func headReceived(_ stream: HTTP2Stream) {}
  /// A request's trailers have no meaning; their end is what counts.
  package func trailersReceived(_ stream: HTTP2Stream) {}

  package func dataReceived(_ data: ByteBuffer, _ stream: HTTP2Stream) {
    dataReceived(data, .http2(stream))
  }

  package func endReceived(_ stream: HTTP2Stream) { endReceived(.http2(stream)) }

  package func drained(_ stream: HTTP2Stream) { drained(.http2(stream)) }

  package func closed(_ stream: HTTP2Stream, _ end: StreamEnd) { closed(.http2(stream), end) }

  package func dataReceived(_ data: ByteBuffer, _ stream: HTTP1Stream) {
    dataReceived(data, .http1(stream))
  }

  package func endReceived(_ stream: HTTP1Stream) { endReceived(.http1(stream)) }

  package func drained(_ stream: HTTP1Stream) { drained(.http1(stream)) }

  package func closed(_ stream: HTTP1Stream, _ end: StreamEnd) { closed(.http1(stream), end) }
}
