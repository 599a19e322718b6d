import DatasyncHTTP2
import NIOCore

/// What a request says on a web listener, as Connect's unary protocol has it. A value.
/// Source: connectrpc.com/docs/protocol, Unary-Request.
struct ConnectRequestFields {
  private(set) var method = ""
  private(set) var path = ""
  /// Behind the question mark.
  private(set) var query: Substring?
  private(set) var contentType = ""
  private(set) var origin: String?
  private(set) var metadata = Metadata()
  private var scheme = ""
  private var authority = ""
  private var contentEncoding = ""
  private(set) var acceptsGzip = false
  /// Of `if-none-match`.
  private(set) var knownTags: String?
  private var timeout: String?
  private var version: String?
  private var isMetadataMalformed = false
  private(set) var isPreflight = false

  init(_ block: HeaderBlock) {
    for (name, value) in block.pairs { read(name, value) }
  }

  private mutating func read(_ name: String, _ value: String) {
    switch name {
    case ":method": method = value
    case ":scheme": scheme = value
    case ":authority": authority = value
    case "host": if authority.isEmpty { authority = value }
    case ":path":
      let parts = value.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      path = String(parts[0])
      query = parts.count > 1 ? parts[1] : nil
    case "content-type": contentType = value
    case "origin": origin = value
    case "access-control-request-method": isPreflight = true
    case "content-encoding": contentEncoding = value
    case "accept-encoding": if ConnectRequestFields.takesGzip(value) { acceptsGzip = true }
    case "if-none-match": knownTags = value
    case "connect-timeout-ms": timeout = value
    case "connect-protocol-version": version = value
    default: readMetadata(name, value)
    }
  }

  private mutating func readMetadata(_ name: String, _ value: String) {
    guard GRPCFields.isPermitted(name), !name.hasPrefix("connect-") else { return }
    guard name.hasSuffix("-bin") else { return metadata.add(name, value) }
    for part in value.split(separator: ",", omittingEmptySubsequences: false) {
      guard let bytes = Base64.decode(part.drop { $0 == " " }.utf8) else {
        isMetadataMalformed = true
        return
      }
      metadata.add(name, bytes: bytes)
    }
  }

  /// Whether a list of encodings has gzip, and not with the weight of nothing.
  private static func takesGzip(_ list: String) -> Bool {
    list.lowercased().split(separator: ",").contains { item in
      let parts = item.filter { $0 != " " && $0 != "\t" }.split(separator: ";")
      guard let name = parts.first, name == "gzip" || name == "*" else { return false }
      let weight = parts.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2)
      return weight.map { (Double($0) ?? 0) > 0 } ?? true
    }
  }

  /// Of the page that asks, where that is of another origin.
  var crossOrigin: String? {
    guard let origin else { return nil }
    let isOwn = origin.lowercased() == "\(scheme)://\(authority)".lowercased()
    return isOwn ? nil : origin
  }

  // MARK: - Judging

  /// How the message comes; nil: in a type that is not Connect's.
  var postCodec: ConnectCodec? {
    let parts = contentType.lowercased().split(separator: ";", omittingEmptySubsequences: false)
      .map { $0.filter { $0 != " " && $0 != "\t" } }
    switch parts.first {
    case "application/proto" where parts.count == 1: return .proto
    case "application/json" where parts.count == 1: return .json
    case "application/json" where parts.count == 2 && parts[1] == "charset=utf-8": return .json
    default: return nil
    }
  }

  /// The head of the call, with what is wrong with it.
  ///
  /// - Parameter query: Of a GET, where there is one.
  func head(_ codec: ConnectCodec, query: ConnectQuery? = nil) -> (RequestHead, fault: Status?) {
    var head = RequestHead()
    head.format = .connectUnary(codec)
    head.path = path
    head.metadata = metadata
    head.crossOrigin = crossOrigin
    if acceptsGzip { head.acceptedEncodings.addGzip() }
    let fault = fault(&head, query)
    return (head, fault)
  }

  private func fault(_ head: inout RequestHead, _ query: ConnectQuery?) -> Status? {
    let version = query == nil ? version : query?.version
    let ours = query == nil ? "1" : "v1"
    if let version, version != ours {
      return Status(
        .invalidArgument, "the version of Connect's protocol is \(ours), not '\(version)'")
    }
    if isMetadataMalformed {
      return Status(.invalidArgument, "binary metadata is not base64")
    }
    switch query == nil ? contentEncoding : query?.compression ?? "" {
    case "", "identity": break
    case "gzip": head.encoding = .gzip
    case let other:
      return Status(
        .unimplemented, "the encoding '\(other)' is none of ours: gzip, identity")
    }
    guard let timeout else { return nil }
    guard (1...10).contains(timeout.utf8.count), timeout.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }),
      let milliseconds = Int64(timeout)
    else {
      return Status(
        .invalidArgument, "connect-timeout-ms is one to ten digits, not '\(timeout)'")
    }
    guard milliseconds > 0 else {
      return Status(.deadlineExceeded, "the deadline had passed on arrival")
    }
    head.timeout = .milliseconds(milliseconds)
    return nil
  }
}

/// How a message of Connect is written. A value.
enum ConnectCodec: String, Hashable, Sendable {
  case proto
  case json
}

/// What is in the URL of a call that is made with GET. A value.
/// Source: connectrpc.com/docs/protocol, Unary-Get-Request.
struct ConnectQuery {
  private(set) var version: String?
  private(set) var encoding: String?
  private(set) var compression: String?
  private var text: [UInt8]?
  private var isBase64 = false

  /// Of a name that is there twice, the last counts.
  init(_ query: Substring) {
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let value = ConnectQuery.unescaped(parts.count > 1 ? parts[1] : "")
      let string = String(decoding: value, as: UTF8.self)
      switch parts[0] {
      case "connect": version = string
      case "encoding": encoding = string
      case "compression": compression = string
      case "base64": isBase64 = string == "1"
      case "message": text = value
      default: break
      }
    }
  }

  /// - Throws: INVALID_ARGUMENT: there is none, or it is not base64 where it says so.
  func message() throws(Status) -> ByteBuffer {
    guard let text else { throw Status(.invalidArgument, "the query has no message") }
    guard isBase64 else { return ByteBuffer(bytes: text) }
    // Both alphabets are read, also where a plus came as it is.
    let standard = text.map { byte in
      switch byte {
      case UInt8(ascii: "-"), UInt8(ascii: " "): UInt8(ascii: "+")
      case UInt8(ascii: "_"): UInt8(ascii: "/")
      default: byte
      }
    }
    guard let bytes = Base64.decode(standard) else {
      throw Status(.invalidArgument, "the query's message is not base64")
    }
    return ByteBuffer(bytes: bytes)
  }

  /// Percent and two digits are a byte, a plus is a space; what is no such thing stays as it is.
  private static func unescaped(_ text: Substring) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        continue
      }
      let digits = rest.prefix(2)
      if digits.count == 2, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }
}
