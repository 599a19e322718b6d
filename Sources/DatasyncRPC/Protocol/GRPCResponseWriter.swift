import DatasyncHTTP2
import NIOCore

/// A call's answer in gRPC over HTTP/2: each message behind its prefix, the status in the trailers, or in
/// the head where there is no message. A value. Source: grpc/doc/PROTOCOL-HTTP2.md, Responses.
struct GRPCResponseWriter {
  /// The type is said as it was in the request.
  private let hasSubtype: Bool
  private let requestEncoding: Encoding?
  private let acceptedEncodings: Encoding.Accepted
  /// Of the messages that go; chosen with the head.
  private(set) var encoding: Encoding?

  init(_ head: RequestHead, hasSubtype: Bool) {
    self.hasSubtype = hasSubtype
    requestEncoding = head.encoding
    acceptedEncodings = head.acceptedEncodings
  }

  // MARK: - Head

  mutating func sendHead(_ metadata: Metadata, compresses: Bool, on stream: ServerStream) {
    if compresses { encoding = acceptedEncodings.choose(requestEncoding) }
    if encoding == nil, requestEncoding == nil, metadata.entries.isEmpty {
      stream.respond(hasSubtype ? Self.subtypeHead : Self.plainHead)
      return
    }
    stream.respond { fields in
      Self.begin(&fields, hasSubtype: hasSubtype)
      switch encoding {
      case .gzip: fields.add("grpc-encoding", "gzip")
      case .deflate: fields.add("grpc-encoding", "deflate")
      case nil: break
      }
      addAcceptedEncodings(&fields)
      GRPCFields.add(metadata, to: &fields)
    }
  }

  /// Of a response that goes on, where nothing is to be added to it.
  private static let plainHead = FixedFields([
    (":status", "200"), ("content-type", "application/grpc"),
  ])
  private static let subtypeHead = FixedFields([
    (":status", "200"), ("content-type", "application/grpc+proto"),
  ])

  private static func begin(_ fields: inout HeaderBlock, hasSubtype: Bool) {
    fields.add(":status", "200")
    fields.add("content-type", contentType(hasSubtype: hasSubtype))
  }

  private static func contentType(hasSubtype: Bool) -> StaticString {
    hasSubtype ? "application/grpc+proto" : "application/grpc"
  }

  /// Only those ask who compress themselves.
  private func addAcceptedEncodings(_ fields: inout HeaderBlock) {
    if requestEncoding != nil { fields.add("grpc-accept-encoding", Encoding.accepted) }
  }

  // MARK: - Messages

  func send(_ message: ByteBuffer, compress: Bool, on stream: ServerStream) -> Bool {
    if compress, let encoding, let compressed = Compression.compress(message, encoding) {
      return write(compressed, .compressed, on: stream)
    }
    return write(message, [], on: stream)
  }

  private func write(
    _ message: ByteBuffer, _ flags: MessagePrefix.Flags, on stream: ServerStream
  ) -> Bool {
    message.withUnsafeReadableBytes { bytes in
      stream.write { MessageFramer.append(bytes, flags, to: &$0) }
    }
  }

  func send(on stream: ServerStream, writing write: (inout ByteBuffer) -> Void) -> Bool {
    guard encoding == nil else {
      var message = ByteBuffer()
      write(&message)
      return send(message, compress: true, on: stream)
    }
    return stream.write { MessageFramer.append(to: &$0, writing: write) }
  }

  // MARK: - The end

  func finish(_ status: Status, trailers: Metadata, isAlone: Bool, on stream: ServerStream) {
    if isAlone {
      stream.respond(endStream: true) { fields in
        Self.begin(&fields, hasSubtype: hasSubtype)
        addAcceptedEncodings(&fields)
        GRPCFields.add(status, to: &fields)
        GRPCFields.add(trailers, to: &fields)
      }
    } else if status.code == .ok, trailers.entries.isEmpty {
      stream.finish(trailers: Self.okTrailers)
    } else {
      stream.finish { fields in
        GRPCFields.add(status, to: &fields)
        GRPCFields.add(trailers, to: &fields)
      }
    }
  }

  /// Of most calls.
  private static let okTrailers = FixedFields([("grpc-status", "0")])

  static func refuse(
    _ stream: ServerStream, _ refusal: RequestHead.Refusal, hasSubtype: Bool
  ) {
    stream.respond(endStream: true) { fields in
      switch refusal {
      case .status(let status):
        begin(&fields, hasSubtype: hasSubtype)
        fields.add("grpc-accept-encoding", Encoding.accepted)
        GRPCFields.add(status, to: &fields)
      case .http(let code, let status):
        fields.add(":status", String(code))
        fields.add("content-type", contentType(hasSubtype: hasSubtype))
        GRPCFields.add(status, to: &fields)
      }
    }
  }
}
