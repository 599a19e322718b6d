/// The protocol in which a call comes, told by its content type; another protocol is another case here and
/// in ``ResponseWriter``. A value.
enum RequestFormat: Hashable, Sendable {
  /// With the codec named, as `application/grpc+proto`, or without.
  case grpc(hasSubtype: Bool)
  /// One message each way, without a prefix; only where ``RPCOptions/web`` is set, and never read here.
  case connectUnary(ConnectCodec)

  /// What a content type says.
  enum Reading: Equatable {
    case format(RequestFormat)
    /// A protocol of ours, with messages in a codec that is not.
    case otherCodec
    /// No call at all, or of a protocol that is not spoken here.
    case unknown
  }

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
}
