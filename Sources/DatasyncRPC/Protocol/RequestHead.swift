import DatasyncHTTP2
import NIOCore

/// What the head of a request says. A value.
struct RequestHead: Sendable {
  /// How a request that is no call is answered.
  enum Refusal: Equatable {
    /// The status alone; HTTP's own is that of an answer.
    case status(Status)
    /// Another HTTP status with it.
    case http(Int, Status)

    /// For protocols that say it another way.
    var status: Status {
      switch self {
      case .status(let status), .http(_, let status): status
      }
    }
  }

  enum Outcome {
    case call(RequestHead)
    case refused(Refusal)
    /// No call, but a request for what a route answers.
    case page(HTTPAnswer, isHeadOnly: Bool)
  }

  var format = RequestFormat.grpc(hasSubtype: false)
  var path = ""
  var metadata = Metadata()
  var timeout: TimeAmount?
  /// Of the messages that come; nil: they are not compressed.
  var encoding: Encoding?
  /// For the messages that go.
  var acceptedEncodings = Encoding.Accepted()

  /// Of a page of another origin that may ask; for protocols that browsers speak.
  var crossOrigin: String?

  /// `/service/method`, the service possibly with slashes, none of them first.
  var isPathWellFormed: Bool {
    let path = path.utf8
    guard path.first == UInt8(ascii: "/") else { return false }
    guard let last = path.lastIndex(of: UInt8(ascii: "/")) else { return false }
    return last != path.startIndex
  }
}

/// Reads a head in one pass over its fields, then judges it. What belongs to a protocol is kept apart for
/// it, since the content type may come last.
struct RequestHeadParser {
  private var head = RequestHead()
  private var method = ""
  private var contentType = ""
  private var authorities = 0
  private var hosts = 0
  private var isMetadataMalformed = false
  private var grpc = GRPCRequestFields()

  /// - Parameter routes: For what is no call.
  static func parse(_ fields: HeaderBlock, routes: RouteTable) -> RequestHead.Outcome {
    var parser = RequestHeadParser()
    fields.forEach { name, value in
      parser.read(name, value)
      return true
    }
    return parser.judge(routes)
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
    case _ where grpc.read(name, value):
      return
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

  private func judge(_ routes: RouteTable) -> RequestHead.Outcome {
    if authorities > 1 || hosts > 1 {
      return .refused(.http(400, Status(.internal, "more than one :authority or host")))
    }
    switch RequestFormat.read(contentType) {
    case .format(let format):
      var head = head
      head.format = format
      let refusal = grpc.judge(&head, method: method, isMetadataMalformed: isMetadataMalformed)
      return refusal.map { .refused($0) } ?? .call(head)
    case .otherCodec:
      return .refused(
        .http(415, Status(.unimplemented, "content-type '\(contentType)' has another codec")))
    case .unknown:
      if let answer = routes.answer(method: method, target: head.path) {
        return .page(answer, isHeadOnly: method == "HEAD")
      }
      return .refused(
        .http(415, Status(.invalidArgument, "content-type '\(contentType)' is not gRPC")))
    }
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
