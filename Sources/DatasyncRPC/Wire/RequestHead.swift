import DatasyncHTTP2
import NIOCore

/// What the head of a request says. A value.
struct RequestHead: Sendable {
  /// How a request that is no call is answered.
  enum Refusal: Equatable {
    /// HTTP status 200, the gRPC status alone.
    case status(Status)
    /// Another HTTP status with it.
    case http(Int, Status)
    /// Not gRPC at all, but the page that a person may look at.
    case greeting(hasBody: Bool)
  }

  enum Outcome {
    case call(RequestHead)
    case refused(Refusal)
  }

  var path = ""
  var metadata = Metadata()
  var timeout: TimeAmount?
  /// Of the messages that come; nil: they are not compressed.
  var encoding: Encoding?
  /// For the messages that go.
  var acceptedEncodings = Encoding.Accepted()
  /// Whether the type was given as `application/grpc+proto`.
  var hasSubtype = false
}

/// Reads a head in one pass over its fields, then judges it in the order in which grpc-go does.
struct RequestHeadParser {
  private var head = RequestHead()
  private var method = ""
  private var contentType: String?
  private var authorities = 0
  private var hosts = 0
  private var isTimeoutMalformed = false
  private var isMetadataMalformed = false
  private var unknownEncoding: String?

  static func parse(_ fields: HeaderBlock) -> RequestHead.Outcome {
    var parser = RequestHeadParser()
    fields.forEach { name, value in
      parser.read(name, value)
      return true
    }
    return parser.judge()
  }

  private mutating func read(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    switch name.count {
    case 0:
      return
    case _ where name[0] == UInt8(ascii: ":"):
      readPseudo(name, value)
    case 2 where name.matches("te"), 10 where name.matches("user-agent"),
      14 where name.matches("content-length"):
      return
    case 4 where name.matches("host"):
      hosts += 1
    case 12 where name.matches("content-type"):
      contentType = String(decoding: value, as: UTF8.self)
    case _ where name.starts(with: "grpc-".utf8):
      readReserved(name, value)
    default:
      readMetadata(name, value)
    }
  }

  private mutating func readPseudo(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) {
    if name.matches(":path") {
      head.path = String(decoding: value, as: UTF8.self)
    } else if name.matches(":method") {
      method = value.matches("POST") ? "POST" : String(decoding: value, as: UTF8.self)
    } else if name.matches(":authority") {
      authorities += 1
    }
  }

  private mutating func readReserved(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) {
    if name.matches("grpc-timeout") {
      head.timeout = Timeout.parse(value)
      isTimeoutMalformed = head.timeout == nil
    } else if name.matches("grpc-encoding") {
      let text = String(decoding: value, as: UTF8.self)
      head.encoding = Encoding(rawValue: text)
      if head.encoding == nil, text != "identity" { unknownEncoding = text }
    } else if name.matches("grpc-accept-encoding") {
      head.acceptedEncodings.add(value)
    }
  }

  private mutating func readMetadata(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) {
    let key = String(decoding: name, as: UTF8.self)
    guard key.hasSuffix("-bin") else {
      head.metadata.add(key, bytes: Array(value))
      return
    }
    for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let trimmed = part.drop { $0 == 0x20 }
      guard let bytes = Base64.decode(trimmed) else {
        isMetadataMalformed = true
        return
      }
      head.metadata.add(key, bytes: bytes)
    }
  }

  // MARK: - Judging

  private func judge() -> RequestHead.Outcome {
    if authorities > 1 || hosts > 1 {
      return .refused(.http(400, Status(.internal, "more than one :authority or host")))
    }
    switch contentKind {
    case .grpc:
      break
    case .otherCodec:
      return .refused(
        .http(415, Status(.unimplemented, "content-type '\(contentType ?? "")' has another codec")))
    case .other:
      if head.path == "/" { return .refused(.greeting(hasBody: method != "HEAD")) }
      return .refused(
        .http(415, Status(.invalidArgument, "content-type '\(contentType ?? "")' is not gRPC")))
    }
    if isTimeoutMalformed { return .refused(.http(400, Status(.internal, "bad grpc-timeout"))) }
    if isMetadataMalformed {
      return .refused(.http(400, Status(.internal, "binary metadata is not base64")))
    }
    if method != "POST" {
      return .refused(.http(405, Status(.internal, "the method is \(method), not POST")))
    }
    if let timeout = head.timeout, timeout.nanoseconds <= 0 {
      return .refused(.status(Status(.deadlineExceeded, "the deadline had passed on arrival")))
    }
    if !isPathWellFormed {
      return .refused(.status(Status(.unimplemented, "malformed method name")))
    }
    if let unknownEncoding {
      return .refused(
        .status(
          Status(.unimplemented, "grpc-encoding '\(unknownEncoding)' is not one of ours")))
    }
    var head = head
    head.hasSubtype = contentType?.hasPrefix("application/grpc+") == true
    return .call(head)
  }

  private enum ContentKind {
    case grpc, otherCodec, other
  }

  private var contentKind: ContentKind {
    guard let contentType, contentType.hasPrefix("application/grpc") else { return .other }
    let rest = contentType.utf8.dropFirst("application/grpc".utf8.count)
    switch rest.first {
    case nil, UInt8(ascii: ";"):
      return .grpc
    case UInt8(ascii: "+"):
      let codec = rest.dropFirst().prefix { $0 != UInt8(ascii: ";") }
      return codec.elementsEqual("proto".utf8) ? .grpc : .otherCodec
    default:
      return .other
    }
  }

  /// `/service/method`, the service possibly with slashes, none of them first.
  private var isPathWellFormed: Bool {
    let path = head.path.utf8
    guard path.first == UInt8(ascii: "/") else { return false }
    guard let last = path.lastIndex(of: UInt8(ascii: "/")) else { return false }
    return last != path.startIndex
  }
}

extension UnsafeRawBufferPointer {
  @inline(__always)
  func matches(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    let other = UnsafeBufferPointer(start: text.utf8Start, count: count)
    return elementsEqual(other)
  }
}
