/// Tells those who speak HTTP/1 from the first bytes they send. Namespace.
enum HTTP1Beginning {
  /// RFC 9110, section 9.1, and RFC 5789.
  private static let methods = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
  ].map { Array("\($0) ".utf8) }

  /// Whether bytes begin a request, as far as they go.
  static func isRequest(_ bytes: some Collection<UInt8>) -> Bool {
    methods.contains { $0.starts(with: bytes.prefix($0.count)) }
  }

  static func isHeadOnly(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.starts(with: "HEAD ".utf8)
  }
}
