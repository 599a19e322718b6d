import DatasyncHTTP2

/// Reads one whole head. A value.
struct HTTP1HeadParser {
  private let scheme: String
  private let maxFields: Int
  private var head = HTTP1Head()
  private var target = ""
  /// From the target, where it is a whole URL.
  private var targetAuthority: String?
  private var hosts: [String] = []
  private var lengths: [String] = []
  private var codings: [String] = []
  private var connection: [String] = []
  private var upgrade: String?
  private var expectation: String?
  private var others = HeaderBlock()
  private var count = 0

  init(scheme: String, maxFields: Int) {
    self.scheme = scheme
    self.maxFields = maxFields
  }

  // MARK: - The first line

  /// - Parameter line: Without its end.
  mutating func readLine(_ line: UnsafeRawBufferPointer) throws(HTTP1Fault) {
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(HTTP1Syntax.isToken),
      !parts[1].isEmpty, parts[1].allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw .bad("The first line is no request of HTTP/1.1.") }
    switch String(decoding: parts[2], as: UTF8.self) {
    case "HTTP/1.1": break
    case "HTTP/1.0": head.isVersion10 = true
    case let version where version.hasPrefix("HTTP/"):
      throw HTTP1Fault(505, "HTTP/1.1 and HTTP/2 are spoken here.")
    default: throw .bad("The first line names no version of HTTP.")
    }
    guard parts[1].count <= HTTP1HeadReader.maxTargetBytes else {
      throw HTTP1Fault(414, "The URL is over 8 KiB.")
    }
    head.method = String(decoding: parts[0], as: UTF8.self)
    try readTarget(String(decoding: parts[1], as: UTF8.self))
  }

  /// Source: RFC 9112, section 3.2.
  private mutating func readTarget(_ text: String) throws(HTTP1Fault) {
    if text.hasPrefix("/") || (text == "*" && head.method == "OPTIONS") {
      target = text
      return
    }
    let lowered = text.lowercased()
    guard let start = ["http://", "https://"].first(where: { lowered.hasPrefix($0) }) else {
      throw .bad("The request is for neither a path nor a URL.")
    }
    let rest = text.dropFirst(start.count)
    let authority = rest.prefix { !"/?#".contains($0) }
    targetAuthority = String(authority)
    let path = rest.dropFirst(authority.count)
    target = path.hasPrefix("/") ? String(path) : "/" + path
  }

  // MARK: - Fields

  /// - Parameter lines: Each with its end.
  mutating func readFields(_ lines: UnsafeRawBufferPointer) throws(HTTP1Fault) {
    var start = 0
    while start < lines.count {
      var end = start
      while end + 1 < lines.count, !(lines[end] == 0x0D && lines[end + 1] == 0x0A) { end += 1 }
      try readField(UnsafeRawBufferPointer(rebasing: lines[start..<end]))
      start = end + 2
    }
  }

  private mutating func readField(_ line: UnsafeRawBufferPointer) throws(HTTP1Fault) {
    count += 1
    guard count <= maxFields else {
      throw HTTP1Fault(431, "The request has too many header fields (max_header_fields).")
    }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
      line[..<colon].allSatisfy(HTTP1Syntax.isToken)
    else { throw .bad("A line of the head is no header field.") }
    let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
    let value = HTTP1Syntax.trimmed(UnsafeRawBufferPointer(rebasing: line[(colon + 1)...]))
    guard value.allSatisfy(HTTP1Syntax.isFieldValue) else {
      throw .bad("A header field has a byte that none may have.")
    }
    keep(name, value)
  }

  private mutating func keep(_ name: String, _ value: UnsafeRawBufferPointer) {
    let text = { String(decoding: value, as: UTF8.self) }
    switch name {
    case "host": hosts.append(text())
    case "content-length":
      lengths.append(text())
      others.add(name, text())
    case "transfer-encoding": codings.append(text().lowercased())
    case "connection": connection += HTTP1Syntax.list(text())
    case "upgrade": upgrade = text().lowercased()
    case "expect": expectation = text().lowercased()
    // Of this connection alone.
    case "keep-alive", "proxy-connection", "te", "http2-settings", "trailer": break
    default:
      var name = name
      name.withUTF8 { others.add(UnsafeRawBufferPointer($0), value) }
    }
  }

  // MARK: - Judging

  mutating func whole() throws(HTTP1Fault) -> HTTP1Head {
    let authority = try judgeHost()
    head.body = try judgeBody()
    head.keepsAlive =
      head.isVersion10 ? connection.contains("keep-alive") : !connection.contains("close")
    if let expectation, !head.isVersion10 {
      guard expectation == "100-continue" else {
        throw HTTP1Fault(417, "Expect: 100-continue is all that is understood.")
      }
      head.expectsContinue = head.body != .length(0)
    }
    head.fields.add(":method", head.method)
    head.fields.add(":scheme", scheme)
    head.fields.add(":authority", authority)
    head.fields.add(":path", target)
    if let upgrade, connection.contains("upgrade"), !head.isVersion10 {
      head.fields.add("upgrade", upgrade)
    }
    others.forEach { name, value in
      head.fields.add(name, value)
      return true
    }
    return head
  }

  /// Source: RFC 9112, section 3.2.
  private func judgeHost() throws(HTTP1Fault) -> String {
    guard hosts.count <= 1, head.isVersion10 || hosts.count == 1 else {
      throw .bad("A request has one Host, not \(hosts.count).")
    }
    let authority = targetAuthority ?? hosts.first ?? ""
    for host in [hosts.first ?? "", authority] {
      guard host.utf8.allSatisfy(HTTP1Syntax.isAuthority) else { throw .bad("Host is no host.") }
    }
    return authority
  }

  /// Source: RFC 9112, sections 6.1 to 6.3.
  private func judgeBody() throws(HTTP1Fault) -> HTTP1Head.Body {
    guard lengths.count <= 1, codings.count <= 1, lengths.isEmpty || codings.isEmpty else {
      throw .bad("The length of the body is said twice.")
    }
    if let coding = codings.first {
      guard !head.isVersion10 else { throw .bad("HTTP/1.0 has no Transfer-Encoding.") }
      guard coding == "chunked" else {
        throw HTTP1Fault(501, "The only Transfer-Encoding here is chunked.")
      }
      return .chunked
    }
    guard let length = lengths.first else { return .length(0) }
    guard (1...18).contains(length.utf8.count),
      length.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
      let count = Int(length)
    else { throw .bad("Content-Length is no number of bytes.") }
    return .length(count)
  }
}
