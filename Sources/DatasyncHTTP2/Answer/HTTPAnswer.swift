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
    return "HTTP/1.1 \(status) \(reason)\r\n\(head)connection: close\r\n\r\n"
      + (isHeadOnly ? "" : String(buffer: body))
  }

  /// Source: RFC 9110, section 15; nobody needs it.
  private var reason: String {
    switch status {
    case 200: "OK"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 505: "HTTP Version Not Supported"
    default: ""
    }
  }
}
