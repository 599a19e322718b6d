import NIOCore

/// What Connect says in the fields of a request, besides its metadata. A value.
/// Source: connectrpc.com/docs/protocol, Unary-Request and Streaming-Request.
struct ConnectFields {
  private var timeout: String?
  private var version: String?
  /// Of a unary call's body.
  private var contentEncoding = ""
  /// Of a stream's messages.
  private var messageEncoding = ""
  private var acceptsCompressedMessages = false

  /// - Returns: Whether the field is Connect's, and so nobody else's; also where it means nothing to us.
  mutating func read(_ name: String, _ value: String) -> Bool {
    switch name {
    case "content-encoding": contentEncoding = value
    case "connect-timeout-ms": timeout = value
    case "connect-protocol-version": version = value
    case "connect-content-encoding": messageEncoding = value
    case "connect-accept-encoding":
      if WebRequestFields.takesGzip(value) { acceptsCompressedMessages = true }
    default: return name.hasPrefix("connect-")
    }
    return true
  }

  /// Adds what was read to the head of a unary call, or says what is wrong with it.
  ///
  /// - Parameter query: Of a GET, where there is one.
  func judge(_ head: inout RequestHead, _ query: ConnectQuery?) -> Status? {
    let version = query == nil ? version : query?.version
    let encoding = query == nil ? contentEncoding : query?.compression ?? ""
    return ConnectFields.versionFault(version, query == nil ? "1" : "v1")
      ?? ConnectFields.add(encoding, to: &head) ?? addTimeout(to: &head)
  }

  /// The same for a stream.
  func judgeStream(_ head: inout RequestHead) -> Status? {
    if acceptsCompressedMessages { head.acceptedEncodings.addGzip() }
    return ConnectFields.versionFault(version, "1")
      ?? ConnectFields.add(messageEncoding, to: &head) ?? addTimeout(to: &head)
  }

  private static func versionFault(_ version: String?, _ ours: String) -> Status? {
    guard let version, version != ours else { return nil }
    return Status(
      .invalidArgument, "the version of Connect's protocol is \(ours), not '\(version)'")
  }

  private static func add(_ encoding: String, to head: inout RequestHead) -> Status? {
    switch encoding {
    case "", "identity": return nil
    case "gzip":
      head.encoding = .gzip
      return nil
    default:
      return Status(
        .unimplemented, "the encoding '\(encoding)' is none of ours: gzip, identity")
    }
  }

  private func addTimeout(to head: inout RequestHead) -> Status? {
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
