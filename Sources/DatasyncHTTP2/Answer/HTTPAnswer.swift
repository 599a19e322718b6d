package import NIOCore

/// What is said where no call is asked for: a status with a text or a file. A value.
package struct HTTPAnswer: Hashable, Sendable {
  /// A field of the head. A value.
  package struct Field: Hashable, Sendable {
    /// In lower case.
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// HTTP's; 200...599.
  package var status: Int
  package var contentType: String
  /// The methods of a path that does not have the one asked for; empty: it is not about that.
  package var allowedMethods: [String] = []
  /// Behind those that every answer has.
  package var others: [Field] = []
  /// Sent without a copy where that is worth it.
  package var body: ByteBuffer

  package init(
    status: Int = 200, contentType: String = "text/plain; charset=utf-8", body: String
  ) {
    self.init(status: status, contentType: contentType, bytes: ByteBuffer(string: body))
  }

  package init(status: Int = 200, contentType: String, bytes: ByteBuffer) {
    self.status = status
    self.contentType = contentType
    body = bytes
  }

  private var fields: [(name: String, value: String)] {
    var fields = [("content-type", contentType), ("content-length", String(body.readableBytes))]
    // RFC 9110, section 8.6: what has no body does not say how long it is.
    if status == 204 || status == 304 { fields = [] }
    if !allowedMethods.isEmpty {
      fields.append(("allow", allowedMethods.joined(separator: ", ")))
    }
    return fields + others.map { ($0.name, $0.value) }
  }

  /// The head of a response of HTTP/2; the same for HEAD.
  package var head: HeaderBlock {
    var block = HeaderBlock()
    block.add(":status", String(status))
    for field in fields { block.add(field.name, field.value) }
    return block
  }

  /// A whole response of HTTP/1.1, after which the connection is to end.
  package func http1Text(isHeadOnly: Bool = false) -> String {
    let head = fields.map { "\($0.name): \($0.value)\r\n" }.joined()
    return "HTTP/1.1 \(status) \(HTTPAnswer.reason(status))\r\n\(head)connection: close\r\n\r\n"
      + (isHeadOnly ? "" : String(buffer: body))
  }

  /// What HTTP/1 says beside a status; nobody needs it. Source: RFC 9110, section 15.
  package static func reason(_ status: Int) -> String { reasons[status] ?? "" }

  private static let reasons = [
    101: "Switching Protocols", 200: "OK", 204: "No Content", 304: "Not Modified",
    308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict",
    413: "Content Too Large",
    414: "URI Too Long", 415: "Unsupported Media Type", 417: "Expectation Failed",
    421: "Misdirected Request", 426: "Upgrade Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
    503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
  ]
}
