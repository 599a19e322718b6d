/// What a client of HTTP/1 is told. Namespace.
package enum HTTP1Answer {
  /// RFC 9110, section 9.1, and RFC 5789.
  private static let methods = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
  ].map { Array("\($0) ".utf8) }

  /// Whether bytes begin a request, as far as they go.
  static func isDue(for bytes: some Collection<UInt8>) -> Bool {
    methods.contains { $0.starts(with: bytes.prefix($0.count)) }
  }

  static func isHeadOnly(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.starts(with: "HEAD ".utf8)
  }

  /// A response that ends the connection.
  ///
  /// - Parameter line: One line of text, with its end.
  package static func text(_ line: String, isHeadOnly: Bool = false) -> String {
    """
    HTTP/1.1 505 HTTP Version Not Supported\r
    Content-Type: text/plain; charset=utf-8\r
    Content-Length: \(line.utf8.count)\r
    Connection: close\r
    \r
    \(isHeadOnly ? "" : line)
    """
  }
}
