import NIOCore

/// How a unary call of Connect has ended, and what is to be written of it. A value, which any thread may
/// write.
struct ConnectAnswer: Sendable {
  let status: Status
  /// Nil: the method has given none.
  let message: ByteBuffer?
  let codec: MessageCodec
  let path: String
  let acceptsGzip: Bool
  /// Nil: there is no JSON.
  let transcoder: (any MessageTranscoder)?

  /// The answer as it is sent. A value.
  struct Written: Sendable {
    var body: ByteBuffer
    var isCompressed = false
    /// Nil: the call has succeeded.
    var error: ConnectError?
  }

  /// JSON takes some 6 ms a megabyte, and gzip as much or several times that.
  func written() -> Written {
    var written: Written
    do throws(Status) {
      guard status.code == .ok else { throw status }
      written = Written(body: try body())
    } catch {
      let failure = ConnectError(error)
      written = Written(body: failure.json(transcoder), error: failure)
    }
    if acceptsGzip, written.body.readableBytes > WebMessageWriter.leastCompressedBytes,
      let compressed = Compression.compress(written.body, .gzip)
    {
      written.body = compressed
      written.isCompressed = true
    }
    return written
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

  /// Of a message that an event loop has no time to write; nil: it is written at once.
  var largeBytes: Int? {
    guard let message, message.readableBytes >= LargeAnswers.leastBytes, status.code == .ok,
      codec == .json || acceptsGzip
    else { return nil }
    return message.readableBytes
  }
}
