import DatasyncHTTP2
import NIOCore

/// Puts messages on a stream in the protocols of the web that frame them, each behind its prefix, in the
/// call's codec. A value.
struct WebMessageWriter {
  private let path: String
  private let codec: MessageCodec
  private let transcoder: (any MessageTranscoder)?
  /// Whether the bytes travel as base64: each frame is a chunk of its own.
  private let isText: Bool
  /// Of the messages that are long enough; nil: the client takes none.
  let encoding: Encoding?

  init(_ head: RequestHead, transcoder: (any MessageTranscoder)?) {
    path = head.path
    codec = head.format.codec
    self.transcoder = transcoder
    encoding = head.acceptedEncodings.choose(head.encoding)
    if case .grpcWeb(let type) = head.format { isText = type.isText } else { isText = false }
  }

  /// Whether messages are sent as the handler made them.
  var takesFramedMessages: Bool { codec == .proto && encoding == nil && !isText }

  /// Less is not worth compressing.
  static let leastCompressedBytes = 1024

  /// - Returns: As ``ServerStream/write(_:)``.
  /// - Throws: The status with which the call ends: the message cannot be said in JSON.
  func write(
    _ message: ByteBuffer, compress: Bool, on stream: ServerStream
  ) throws(Status) -> Bool {
    var message = message
    if codec == .json {
      guard let transcoder else { throw Status(.internal, "there is no JSON here") }
      message = try transcoder.response(message, path: path)
    }
    if compress, let encoding, message.readableBytes > WebMessageWriter.leastCompressedBytes,
      let compressed = Compression.compress(message, encoding)
    {
      return write(compressed, .compressed, on: stream)
    }
    return write(message, [], on: stream)
  }

  func write(_ bytes: ByteBuffer, _ flags: MessagePrefix.Flags, on stream: ServerStream) -> Bool {
    stream.write { WebMessageWriter.append(bytes, flags, isText: isText, to: &$0) }
  }

  static func append(
    _ bytes: ByteBuffer, _ flags: MessagePrefix.Flags, isText: Bool, to buffer: inout ByteBuffer
  ) {
    bytes.withUnsafeReadableBytes { bytes in
      guard isText else { return MessageFramer.append(bytes, flags, to: &buffer) }
      var frame = ByteBuffer()
      MessageFramer.append(bytes, flags, to: &frame)
      buffer.writeBytes(Base64.encode(Array(frame.readableBytesView), isPadded: true))
    }
  }
}
