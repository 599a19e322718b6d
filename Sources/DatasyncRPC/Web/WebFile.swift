import DatasyncHTTP2
package import NIOCore

/// A file that a web listener serves out of memory. A value; its bytes are shared by all who send them.
package struct WebFile: Sendable {
  private let whole: Representation
  /// Nil: it would not be shorter.
  private let compressed: Representation?

  /// The file as it is sent. Each has a tag of its own: RFC 9110, section 8.8.3.
  private struct Representation: Sendable {
    let tag: String
    let answer: HTTPAnswer
    let unchanged: HTTPAnswer
  }

  /// Compresses it, once for all.
  ///
  /// - Parameters:
  ///   - tag: Of these bytes and no others, without quotes.
  ///   - others: Fields that the answer has besides.
  package init(
    _ bytes: ByteBuffer, contentType: String, tag: String, others: [(String, String)] = []
  ) {
    let compressed = Compression.compress(bytes, .gzip).flatMap {
      $0.readableBytes < bytes.readableBytes ? ByteBuffer(bytes: $0.readableBytesView) : nil
    }
    let others = others.map { HTTPAnswer.Field($0.0, $0.1) }
    let make = { (bytes: ByteBuffer, tag: String, own: [HTTPAnswer.Field]) in
      let fields =
        WebAnswer.fields.filter { $0.name != "vary" } + others + own + [
          .init("vary", "Origin, Accept-Encoding"), .init("cache-control", "no-cache"),
          .init("etag", "\"\(tag)\""),
        ]
      var answer = HTTPAnswer(contentType: contentType, bytes: bytes)
      answer.others = fields
      var unchanged = HTTPAnswer(status: 304, body: "")
      unchanged.others = fields
      return Representation(tag: tag, answer: answer, unchanged: unchanged)
    }
    whole = make(bytes, tag, [])
    self.compressed = compressed.map {
      make($0, "\(tag)-gzip", [.init("content-encoding", "gzip")])
    }
  }

  /// To GET or HEAD.
  ///
  /// - Parameter knownTags: Of `if-none-match`.
  func answer(acceptsGzip: Bool, knownTags: String?) -> HTTPAnswer {
    let representation = acceptsGzip ? compressed ?? whole : whole
    let isKnown = knownTags.map { WebFile.list($0, has: representation.tag) } ?? false
    return isKnown ? representation.unchanged : representation.answer
  }

  /// Weak ones count as well: RFC 9110, section 13.1.2.
  private static func list(_ tags: String, has tag: String) -> Bool {
    tags.split(separator: ",").contains { item in
      let item = item.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
      let text = String(item)
      return text == "*" || text == "\"\(tag)\"" || text == "W/\"\(tag)\""
    }
  }
}
