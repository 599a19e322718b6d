import DatasyncHTTP2
import NIOCore

/// What a request says on a web listener, whichever protocol it is in. A value.
struct WebRequestFields {
  private(set) var method = ""
  private(set) var path = ""
  /// Behind the question mark.
  private(set) var query: Substring?
  /// As it came.
  private(set) var contentType = ""
  /// Of `:authority`, or else of `host`; with the port.
  private(set) var authority = ""
  private(set) var isPreflight = false
  /// Of an answer as a whole.
  private(set) var acceptsGzip = false
  /// Of `if-none-match`.
  private(set) var knownTags: String?
  private var origin: String?
  private var scheme = ""
  private var metadata = Metadata()
  private var isMetadataMalformed = false
  private var connect = ConnectFields()
  private var grpc = GRPCRequestFields()

  init(_ block: HeaderBlock) {
    block.forEach { name, value in
      if !grpc.read(name, value) {
        read(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
      }
      return true
    }
  }

  private mutating func read(_ name: String, _ value: String) {
    switch name {
    case ":method": method = value
    case ":scheme": scheme = value
    case ":authority": authority = value
    case "host": if authority.isEmpty { authority = value }
    case ":path":
      let parts = value.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      path = parts.first.map(String.init) ?? ""
      query = parts.count > 1 ? parts[1] : nil
    case "content-type": contentType = value
    case "origin": origin = value
    case "access-control-request-method": isPreflight = true
    case "if-none-match": knownTags = value
    case "accept-encoding": if WebRequestFields.takesGzip(value) { acceptsGzip = true }
    case "x-grpc-web", "x-user-agent": break
    default: if !connect.read(name, value) { readMetadata(name, value) }
    }
  }

  private mutating func readMetadata(_ name: String, _ value: String) {
    guard GRPCFields.isPermitted(name) else { return }
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
  static func takesGzip(_ list: String) -> Bool {
    list.lowercased().split(separator: ",").contains { item in
      let parts = item.filter { $0 != " " && $0 != "\t" }.split(separator: ";")
      guard let name = parts.first, name == "gzip" || name == "*" else { return false }
      let weight = parts.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2)
      return weight.map { (Double($0) ?? 0) > 0 } ?? true
    }
  }

  /// Of the page that asks, where that is of another origin; `null` always is.
  var crossOrigin: String? {
    guard let origin else { return nil }
    let isOwn = origin.lowercased() == "\(scheme)://\(authority)".lowercased()
    return isOwn ? nil : origin
  }

  var isRead: Bool { method == "GET" || method == "HEAD" }

  // MARK: - Judging

  /// The head of a call, with what is wrong with it.
  ///
  /// - Parameter query: Of a GET, where there is one.
  func head(_ format: RequestFormat, query: ConnectQuery? = nil) -> (RequestHead, fault: Status?) {
    var head = RequestHead()
    head.format = format
    head.path = path
    head.metadata = metadata
    head.crossOrigin = crossOrigin
    let fault: Status?
    switch format {
    case .grpc, .grpcWeb:
      fault = grpc.judge(&head, method: method, isMetadataMalformed: isMetadataMalformed)?.status
    case .webSocket:
      fault = nil
    case .connectUnary, .connectStream:
      if isMetadataMalformed {
        fault = Status(.invalidArgument, "binary metadata is not base64")
      } else if case .connectStream = format {
        fault = connect.judgeStream(&head)
      } else {
        if acceptsGzip { head.acceptedEncodings.addGzip() }
        fault = connect.judge(&head, query)
      }
    }
    return (head, fault)
  }
}
