import DatasyncHTTP2
import NIOCore

/// Puts one call's answer on its stream, as the call's protocol wants it. A value, which the call holds in
/// itself.
///
/// ``ServerCall`` says what is sent and in which order; what that is in bytes, a head, a message behind
/// its prefix, the end with its status, or a request's refusal, is known here alone. Another protocol is
/// another case.
enum ResponseWriter {
  case grpc(GRPCResponseWriter)

  init(_ head: RequestHead) {
    switch head.format {
    case .grpc(let hasSubtype): self = .grpc(GRPCResponseWriter(head, hasSubtype: hasSubtype))
    }
  }

  /// Whether messages may come with their prefixes, for ``send(framed:on:)``. Settled with the head.
  var takesFramedMessages: Bool {
    switch self {
    case .grpc(let writer): writer.encoding == nil
    }
  }

  /// Begins the answer; once, and before anything but ``finish(_:trailers:isAlone:on:)``.
  ///
  /// - Parameter compresses: Messages, where the client takes an encoding.
  mutating func sendHead(_ metadata: Metadata, compresses: Bool, on stream: HTTP2Stream) {
    switch self {
    case .grpc(var writer):
      writer.sendHead(metadata, compresses: compresses, on: stream)
      self = .grpc(writer)
    }
  }

  /// - Returns: As ``HTTP2Stream/write(_:)``; so for all that send.
  func send(_ message: ByteBuffer, compress: Bool, on stream: HTTP2Stream) -> Bool {
    switch self {
    case .grpc(let writer): writer.send(message, compress: compress, on: stream)
    }
  }

  /// The closure writes the message where it is to stand.
  func send(on stream: HTTP2Stream, writing write: (inout ByteBuffer) -> Void) -> Bool {
    switch self {
    case .grpc(let writer): writer.send(on: stream, writing: write)
    }
  }

  /// Messages that have their prefixes already; only with ``takesFramedMessages``.
  func send(framed bytes: ByteBuffer, on stream: HTTP2Stream) -> Bool {
    switch self {
    case .grpc: stream.write(shared: bytes)
    }
  }

  /// Ends the answer; nothing comes after it.
  ///
  /// - Parameter isAlone: There was no head before it.
  func finish(_ status: Status, trailers: Metadata, isAlone: Bool, on stream: HTTP2Stream) {
    switch self {
    case .grpc(let writer):
      writer.finish(status, trailers: trailers, isAlone: isAlone, on: stream)
    }
  }

  /// Answers a request that is no call, in the protocol that it may have meant; gRPC if in none.
  static func refuse(_ stream: HTTP2Stream, _ refusal: RequestHead.Refusal) {
    switch RequestFormat.read(stream.head["content-type"] ?? "") {
    case .format(.grpc(let hasSubtype)):
      GRPCResponseWriter.refuse(stream, refusal, hasSubtype: hasSubtype)
    case .otherCodec, .unknown:
      GRPCResponseWriter.refuse(stream, refusal, hasSubtype: false)
    }
  }
}
