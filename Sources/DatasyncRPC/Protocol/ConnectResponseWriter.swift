import DatasyncHTTP2
import NIOCore

/// The answer of a unary call of Connect: everything waits for the end, since the status comes first.
/// Loop-bound. Source: connectrpc.com/docs/protocol, Unary-Response.
final class ConnectResponseWriter {
  private let codec: ConnectCodec
  private let path: String
  private let acceptsGzip: Bool
  private let crossOrigin: String?
  private let transcoder: (any MessageTranscoder)?
  private var metadata = Metadata()
  private var message: ByteBuffer?

  /// - Parameter transcoder: Nil: there is no JSON.
  init(_ head: RequestHead, _ codec: ConnectCodec, transcoder: (any MessageTranscoder)?) {
    self.codec = codec
    path = head.path
    crossOrigin = head.crossOrigin
    acceptsGzip = head.acceptedEncodings.gzip
    self.transcoder = transcoder
  }

  func keepHead(_ metadata: Metadata) {
    self.metadata = metadata
  }

  func keep(_ message: ByteBuffer) {
    self.message = message
  }

  /// Less is not worth it.
  private static let leastCompressedBytes = 1024

  func finish(_ status: Status, trailers: Metadata, on stream: ServerStream) {
    do throws(Status) {
      guard status.code == .ok else { throw status }
      send(try body(), nil, trailers, on: stream)
    } catch {
      let failure = ConnectError(error)
      send(failure.json(transcoder), failure, trailers, on: stream)
    }
    message = nil
  }

  private func body() throws(Status) -> ByteBuffer {
    guard let message else { throw Status(.internal, "the method has given no answer") }
    switch codec {
    case .proto: return message
    case .json:
      guard let transcoder else { throw Status(.internal, "there is no JSON here") }
      return try transcoder.response(message, path: path)
    }
  }

  private func send(
    _ body: ByteBuffer, _ error: ConnectError?, _ trailers: Metadata, on stream: ServerStream
  ) {
    var body = body
    var isCompressed = false
    if acceptsGzip, body.readableBytes > ConnectResponseWriter.leastCompressedBytes,
      let compressed = Compression.compress(body, .gzip)
    {
      (body, isCompressed) = (compressed, true)
    }
    stream.respond(endStream: body.readableBytes == 0) { fields in
      fields.add(":status", String(error?.httpStatus ?? 200))
      fields.add(
        "content-type", codec == .json || error != nil ? "application/json" : "application/proto")
      fields.add("content-length", String(body.readableBytes))
      if isCompressed { fields.add("content-encoding", "gzip") }
      add(error, to: &fields)
      GRPCFields.add(metadata, to: &fields)
      GRPCFields.add(trailers.prefixed("trailer-"), to: &fields)
    }
    guard body.readableBytes > 0 else { return }
    // Half an answer would be taken for a whole one.
    guard stream.write({ $0.writeImmutableBuffer(body) }) else {
      return stream.reset(.internalError)
    }
    stream.finish()
  }

  private func add(_ error: ConnectError?, to fields: inout HeaderBlock) {
    for field in WebAnswer.fields(for: crossOrigin) + WebAnswer.callFields {
      fields.add(field.name, field.value)
    }
    guard let error else { return }
    if error.httpStatus == 401 { fields.add("www-authenticate", "Bearer") }
    if let seconds = error.retryAfterSeconds { fields.add("retry-after", String(seconds)) }
  }
}

extension Metadata {
  fileprivate func prefixed(_ prefix: String) -> Metadata {
    var metadata = self
    metadata.entries = entries.map { Entry(key: prefix + $0.key, value: $0.value) }
    return metadata
  }
}
