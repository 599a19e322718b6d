/// The protocol in which a call comes, told by its content type; another protocol is another case here and
/// in ``ResponseWriter``. A value.
enum RequestFormat: Hashable, Sendable {
  /// With the codec named, as `application/grpc+proto`, or without.
  case grpc(hasSubtype: Bool)
  /// One message each way, without a prefix; as the next two only where ``RPCOptions/web`` is set.
  case connectUnary(MessageCodec)
  /// Messages with their prefixes, and one that tells the end.
  case connectStream(MessageCodec)
  case grpcWeb(GRPCWebType)
  /// Each message a WebSocket's; so, too, and told by the path.
  case webSocket(WebSocketOpening)

  /// What a content type says.
  enum Reading: Equatable {
    case format(RequestFormat)
    /// A protocol of ours, with messages in a codec that is not.
    case otherCodec
    /// No call at all, or of a protocol that is not spoken here.
    case unknown
  }

  /// gRPC alone: what is spoken everywhere.
  static func read(_ contentType: String) -> Reading {
    let type = contentType.utf8
    let grpc = "application/grpc".utf8
    guard type.starts(with: grpc) else { return .unknown }
    let rest = type.dropFirst(grpc.count)
    switch rest.first {
    case nil, UInt8(ascii: ";"):
      return .format(.grpc(hasSubtype: false))
    case UInt8(ascii: "+"):
      let codec = rest.dropFirst().prefix { $0 != UInt8(ascii: ";") }
      return codec.elementsEqual("proto".utf8) ? .format(.grpc(hasSubtype: true)) : .otherCodec
    default:
      return .unknown
    }
  }

  /// What is spoken on web listeners besides gRPC; nil: the type is none of that.
  static func readWeb(_ contentType: String) -> RequestFormat? {
    let parts = contentType.lowercased().split(separator: ";", omittingEmptySubsequences: false)
      .map { $0.filter { $0 != " " && $0 != "\t" } }
    guard let type = parts.first, let format = webFormats[type] else { return nil }
    // JSON is in UTF-8, which may be said.
    let isPlain = parts.count == 1
    return isPlain || format.codec == .json && parts.dropFirst() == ["charset=utf-8"] ? format : nil
  }

  private static let webFormats: [String: RequestFormat] = {
    var formats: [String: RequestFormat] = [
      "application/proto": .connectUnary(.proto), "application/json": .connectUnary(.json),
      "application/connect+proto": .connectStream(.proto),
      "application/connect+json": .connectStream(.json),
    ]
    for type in GRPCWebType.all { formats[type.contentType] = .grpcWeb(type) }
    return formats
  }()

  /// Of the messages.
  var codec: MessageCodec {
    switch self {
    case .grpc: .proto
    case .connectUnary(let codec), .connectStream(let codec): codec
    case .grpcWeb(let type): type.codec
    case .webSocket(let opening): opening.codec
    }
  }

  /// Which status ends a call whose request cannot be read.
  var malformedMessageCode: Status.Code {
    switch self {
    case .grpc, .grpcWeb: .internal
    case .connectUnary, .connectStream, .webSocket: .invalidArgument
    }
  }
}

/// A content type of gRPC-Web, which answers have as well. A value.
/// Source: grpc/doc/PROTOCOL-WEB.md, Content-Type.
struct GRPCWebType: Hashable, Sendable {
  /// Whether the bytes travel as base64.
  var isText = false
  /// Nil: it is not named, and is protobuf.
  var subtype: MessageCodec?

  var codec: MessageCodec { subtype ?? .proto }

  var contentType: String {
    "application/grpc-web" + (isText ? "-text" : "") + (subtype.map { "+\($0.rawValue)" } ?? "")
  }

  static let all = [
    GRPCWebType(), GRPCWebType(subtype: .proto), GRPCWebType(subtype: .json),
    GRPCWebType(isText: true), GRPCWebType(isText: true, subtype: .proto),
  ]
}
