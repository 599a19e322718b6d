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
  case connectUnary(ConnectResponseWriter)
  case webStream(WebStreamWriter)
  case webSocket(WebSocketWriter)

  /// - Parameter web: Asked for where the call is not gRPC.
  init(_ head: RequestHead, web: @autoclosure () -> WebOptions?) {
    switch head.format {
    case .grpc(let hasSubtype): self = .grpc(GRPCResponseWriter(head, hasSubtype: hasSubtype))
    case .connectUnary(let codec):
      self = .connectUnary(ConnectResponseWriter(head, codec, transcoder: web()?.transcoder))
    case .connectStream(let codec):
      self = .webStream(WebStreamWriter(head, .connect(codec), transcoder: web()?.transcoder))
    case .grpcWeb(let type):
      self = .webStream(WebStreamWriter(head, .grpcWeb(type), transcoder: web()?.transcoder))
    case .webSocket(let opening):
      self = .webSocket(WebSocketWriter(head, opening, transcoder: web()?.transcoder))
    }
  }

  /// Whether messages may come with their prefixes, for ``send(framed:on:)``. Settled with the head.
  var takesFramedMessages: Bool {
    switch self {
    case .grpc(let writer): writer.encoding == nil
    case .connectUnary, .webSocket: false
    case .webStream(let writer): writer.takesFramedMessages
    }
  }

  /// Why a message could not be sent, where that is not for want of room.
  var fault: Status? {
    switch self {
    case .grpc, .connectUnary: nil
    case .webStream(let writer): writer.fault
    case .webSocket(let writer): writer.fault
    }
  }

  /// Begins the answer; once, and before anything but ``finish(_:trailers:isAlone:on:)``.
  ///
  /// - Parameter compresses: Messages, where the client takes an encoding.
  mutating func sendHead(_ metadata: Metadata, compresses: Bool, on stream: ServerStream) {
    switch self {
    case .grpc(var writer):
      writer.sendHead(metadata, compresses: compresses, on: stream)
      self = .grpc(writer)
    case .connectUnary(let writer):
      writer.keepHead(metadata)
    case .webStream(let writer):
      writer.sendHead(metadata, on: stream)
    case .webSocket(let writer):
      writer.sendHead(on: stream)
    }
  }

  /// - Returns: As ``ServerStream/write(_:)``, and false with a ``fault``; so for all that send.
  func send(_ message: ByteBuffer, compress: Bool, on stream: ServerStream) -> Bool {
    switch self {
    case .grpc(let writer): return writer.send(message, compress: compress, on: stream)
    case .connectUnary(let writer):
      writer.keep(message)
      return true
    case .webStream(let writer):
      return writer.send(message, compress: compress, on: stream)
    case .webSocket(let writer): return writer.send(message, on: stream)
    }
  }

  /// The closure writes the message where it is to stand.
  func send(on stream: ServerStream, writing write: (inout ByteBuffer) -> Void) -> Bool {
    switch self {
    case .grpc(let writer): return writer.send(on: stream, writing: write)
    case .connectUnary(let writer):
      var message = ByteBuffer()
      write(&message)
      writer.keep(message)
      return true
    case .webStream(let writer):
      if writer.takesFramedMessages {
        return stream.write { MessageFramer.append(to: &$0, writing: write) }
      }
      var message = ByteBuffer()
      write(&message)
      return writer.send(message, compress: true, on: stream)
    case .webSocket(let writer):
      var message = ByteBuffer()
      write(&message)
      return writer.send(message, on: stream)
    }
  }

  /// Messages that have their prefixes already; only with ``takesFramedMessages``.
  func send(framed bytes: ByteBuffer, on stream: ServerStream) -> Bool {
    switch self {
    case .grpc, .webStream: stream.write(shared: bytes)
    case .connectUnary, .webSocket: preconditionFailure("messages have no prefixes here")
    }
  }

  /// An answer that is written as a whole, and is large; nil: it is none.
  func largeAnswer(_ status: Status) -> ConnectAnswer? {
    guard case .connectUnary(let writer) = self else { return nil }
    let answer = writer.answer(status)
    return answer.largeBytes == nil ? nil : answer
  }

  func send(_ written: ConnectAnswer.Written, trailers: Metadata, on stream: ServerStream) {
    if case .connectUnary(let writer) = self {
      writer.send(written, trailers: trailers, on: stream)
    }
  }

  /// Ends the answer; nothing comes after it.
  ///
  /// - Parameter isAlone: There was no head before it.
  func finish(_ status: Status, trailers: Metadata, isAlone: Bool, on stream: ServerStream) {
    switch self {
    case .grpc(let writer):
      writer.finish(status, trailers: trailers, isAlone: isAlone, on: stream)
    case .connectUnary(let writer):
      writer.send(writer.answer(status).written(), trailers: trailers, on: stream)
    case .webStream(let writer):
      writer.finish(status, trailers: trailers, isAlone: isAlone, on: stream)
    case .webSocket(let writer):
      writer.finish(status, isAlone: isAlone, on: stream)
    }
  }

  /// Answers a request that is no call, in the protocol that it may have meant; gRPC if in none.
  static func refuse(_ stream: ServerStream, _ refusal: RequestHead.Refusal) {
    switch RequestFormat.read(stream.head["content-type"] ?? "") {
    case .format(.grpc(let hasSubtype)):
      GRPCResponseWriter.refuse(stream, refusal, hasSubtype: hasSubtype)
    case .format, .otherCodec, .unknown:
      GRPCResponseWriter.refuse(stream, refusal, hasSubtype: false)
    }
  }
}
