import DatasyncHTTP2
import NIOCore

/// A call's answer in Connect's streaming protocol or in gRPC-Web: the status 200, messages behind their
/// prefixes, and in a last frame of the body how it ended. Loop-bound.
///
/// Source: connectrpc.com/docs/protocol, Streaming-Response; grpc/doc/PROTOCOL-WEB.md.
final class WebStreamWriter {
  /// What the two do not have in common.
  enum Dialect {
    case connect(MessageCodec)
    case grpcWeb(GRPCWebType)
  }

  private let dialect: Dialect
  private let crossOrigin: String?
  private let transcoder: (any MessageTranscoder)?
  private let messages: WebMessageWriter
  /// Why a message could not be sent, which is how the call ends then.
  private(set) var fault: Status?

  /// - Parameter transcoder: Nil: there is no JSON.
  init(_ head: RequestHead, _ dialect: Dialect, transcoder: (any MessageTranscoder)?) {
    self.dialect = dialect
    self.transcoder = transcoder
    crossOrigin = head.crossOrigin
    messages = WebMessageWriter(head, transcoder: transcoder)
  }

  var takesFramedMessages: Bool { messages.takesFramedMessages }

  // MARK: - Head

  func sendHead(_ metadata: Metadata, on stream: ServerStream) {
    stream.respond { fields in
      fields.add(":status", "200")
      for field in head + WebAnswer.fields(for: crossOrigin) { fields.add(field.name, field.value) }
      GRPCFields.add(metadata, to: &fields)
    }
  }

  private var head: [HTTPAnswer.Field] {
    let fields = dialect.head + WebAnswer.callFields
    return fields
      + (messages.encoding.map { [.init(dialect.encodingField, $0.rawValue)] } ?? [])
  }

  // MARK: - Messages

  func send(_ message: ByteBuffer, compress: Bool, on stream: ServerStream) -> Bool {
    do throws(Status) {
      return try messages.write(message, compress: compress, on: stream)
    } catch {
      fault = error
      return false
    }
  }

  // MARK: - The end

  /// - Parameter isAlone: There was no head before it.
  func finish(_ status: Status, trailers: Metadata, isAlone: Bool, on stream: ServerStream) {
    if isAlone { sendHead(Metadata(), on: stream) }
    let end = dialect.end(status, trailers, transcoder)
    // Who sees no end takes the answer for cut off; it must not be taken for whole.
    guard messages.write(end, dialect.endFlags, on: stream) else {
      return stream.reset(.internalError)
    }
    stream.finish()
  }

  /// The answer to a request that begins no call.
  static func refusal(
    _ status: Status, _ dialect: Dialect, _ transcoder: any MessageTranscoder
  ) -> HTTPAnswer {
    var body = ByteBuffer()
    WebMessageWriter.append(
      dialect.end(status, Metadata(), transcoder), dialect.endFlags, isText: dialect.isText,
      to: &body)
    var answer = HTTPAnswer(contentType: dialect.contentType, bytes: body)
    answer.others = dialect.acceptedEncodings + WebAnswer.callFields + WebAnswer.fields
    return answer
  }
}

extension WebStreamWriter.Dialect {
  fileprivate var contentType: String {
    switch self {
    case .connect(let codec): "application/connect+\(codec.rawValue)"
    case .grpcWeb(let type): type.contentType
    }
  }

  fileprivate var isText: Bool {
    if case .grpcWeb(let type) = self { type.isText } else { false }
  }

  fileprivate var encodingField: String {
    switch self {
    case .connect: "connect-content-encoding"
    case .grpcWeb: "grpc-encoding"
    }
  }

  fileprivate var acceptedEncodings: [HTTPAnswer.Field] {
    switch self {
    case .connect: [.init("connect-accept-encoding", "gzip")]
    case .grpcWeb: [.init("grpc-accept-encoding", "\(Encoding.accepted)")]
    }
  }

  fileprivate var head: [HTTPAnswer.Field] {
    [.init("content-type", contentType)] + acceptedEncodings
  }

  fileprivate var endFlags: MessagePrefix.Flags {
    switch self {
    case .connect: .connectEnd
    case .grpcWeb: .trailers
    }
  }

  /// The last frame's bytes.
  fileprivate func end(
    _ status: Status, _ trailers: Metadata, _ transcoder: (any MessageTranscoder)?
  ) -> ByteBuffer {
    switch self {
    case .connect: ConnectEnd.json(status, trailers, transcoder)
    case .grpcWeb: GRPCFields.text(status, trailers)
    }
  }
}

extension GRPCFields {
  /// The trailers as lines, each with its end.
  static func text(_ status: Status, _ trailers: Metadata) -> ByteBuffer {
    var block = HeaderBlock()
    add(status, to: &block)
    add(trailers, to: &block)
    var text = ByteBuffer()
    block.forEach { name, value in
      text.writeBytes(name)
      text.writeString(": ")
      text.writeBytes(value)
      text.writeString("\r\n")
      return true
    }
    return text
  }
}
