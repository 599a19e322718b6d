import DatasyncHTTP2
import NIOCore

/// The answer of a unary call of Connect: everything waits for the end, since the status comes first.
/// Loop-bound. Source: connectrpc.com/docs/protocol, Unary-Response.
final class ConnectResponseWriter {
  private let codec: MessageCodec
  private let path: String
  private let acceptsGzip: Bool
  private let crossOrigin: String?
  private let transcoder: (any MessageTranscoder)?
  private var metadata = Metadata()
  private var message: ByteBuffer?

  /// - Parameter transcoder: Nil: there is no JSON.
  init(_ head: RequestHead, _ codec: MessageCodec, transcoder: (any MessageTranscoder)?) {
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

  func answer(_ status: Status) -> ConnectAnswer {
    ConnectAnswer(
      status: status, message: message, codec: codec, path: path, acceptsGzip: acceptsGzip,
      transcoder: transcoder)
  }

  func send(_ written: ConnectAnswer.Written, trailers: Metadata, on stream: ServerStream) {
    message = nil
    let (body, error) = (written.body, written.error)
    stream.respond(endStream: body.readableBytes == 0) { fields in
      fields.add(":status", String(error?.httpStatus ?? 200))
      fields.add(
        "content-type", codec == .json || error != nil ? "application/json" : "application/proto")
      fields.add("content-length", String(body.readableBytes))
      if written.isCompressed { fields.add("content-encoding", "gzip") }
      add(error, to: &fields)
      GRPCFields.add(metadata, to: &fields)
      GRPCFields.add(trailers.prefixed("trailer-"), to: &fields)
    }
    guard body.readableBytes > 0 else { return }
    // Half an answer would be taken for a whole one.
    guard stream.write(shared: body) else { return stream.reset(.internalError) }
    stream.finish()
  }

  private func add(_ error: ConnectError?, to fields: inout HeaderBlock) {
    let all =
      WebAnswer.fields(for: crossOrigin) + WebAnswer.callFields + WebAnswer.bodyFields
      + (error?.fields ?? [])
    for field in all { fields.add(field.name, field.value) }
  }
}

extension Metadata {
  fileprivate func prefixed(_ prefix: String) -> Metadata {
    var metadata = self
    metadata.entries = entries.map { Entry(key: prefix + $0.key, value: $0.value) }
    return metadata
  }
}
