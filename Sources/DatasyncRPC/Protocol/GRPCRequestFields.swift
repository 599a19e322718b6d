import DatasyncHTTP2
import NIOCore

/// What gRPC says in the fields of a request, besides its metadata. A value.
/// Source: grpc/doc/PROTOCOL-HTTP2.md, Requests.
struct GRPCRequestFields {
  private var timeout: TimeAmount?
  private var isTimeoutMalformed = false
  private var encoding: Encoding?
  private var unknownEncoding: String?
  private var acceptedEncodings = Encoding.Accepted()

  /// - Returns: Whether the field is gRPC's, and so nobody else's; also where it means nothing to us.
  mutating func read(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
    guard name.starts(with: "grpc-".utf8) else { return false }
    if name.matches("grpc-timeout") {
      timeout = Timeout.parse(value)
      isTimeoutMalformed = timeout == nil
    } else if name.matches("grpc-encoding") {
      let text = String(decoding: value, as: UTF8.self)
      encoding = Encoding(rawValue: text)
      if encoding == nil, text != "identity" { unknownEncoding = text }
    } else if name.matches("grpc-accept-encoding") {
      acceptedEncodings.add(value)
    }
    return true
  }

  /// Adds what was read to a head, or says what is wrong with it, in the order in which grpc-go does.
  ///
  /// - Parameters:
  ///   - method: HTTP's.
  ///   - isMetadataMalformed: Some of it is not base64, where that is due.
  func judge(
    _ head: inout RequestHead, method: String, isMetadataMalformed: Bool
  ) -> RequestHead.Refusal? {
    if isTimeoutMalformed { return .http(400, Status(.internal, "bad grpc-timeout")) }
    if isMetadataMalformed {
      return .http(400, Status(.internal, "binary metadata is not base64"))
    }
    if method != "POST" {
      return .http(405, Status(.internal, "the method is \(method), not POST"))
    }
    if let timeout, timeout.nanoseconds <= 0 {
      return .status(Status(.deadlineExceeded, "the deadline had passed on arrival"))
    }
    if !head.isPathWellFormed {
      return .status(Status(.unimplemented, "malformed method name"))
    }
    if let unknownEncoding {
      return .status(
        Status(.unimplemented, "grpc-encoding '\(unknownEncoding)' is not one of ours"))
    }
    head.timeout = timeout
    head.encoding = encoding
    head.acceptedEncodings = acceptedEncodings
    return nil
  }

  // MARK: - Writing

  /// Adds the fields of a client's request, behind those of HTTP.
  ///
  /// - Parameter encoding: Of the messages that are to come.
  static func add(
    timeout: TimeAmount?, encoding: Encoding?, metadata: Metadata, to block: inout HeaderBlock
  ) {
    block.add("content-type", "application/grpc")
    block.add("te", "trailers")
    if let timeout { block.add("grpc-timeout", Timeout.format(timeout)) }
    if let encoding { block.add("grpc-encoding", encoding.rawValue) }
    block.add("grpc-accept-encoding", Encoding.accepted)
    GRPCFields.add(metadata, to: &block)
  }
}
