import DatasyncHTTP1
import NIOCore
import Testing

struct HTTP1BodyReaderTests {
  /// What a body's bytes are, how it ends, and what is left.
  private func read(
    _ body: HTTP1Head.Body, _ text: String, parts: Int = .max
  ) -> (bytes: String, end: HTTP1BodyReader.Output, rest: String) {
    var reader = HTTP1BodyReader(body, maxTrailerBytes: 256)
    var buffer = ByteBuffer()
    var bytes = ByteBuffer()
    var rest = Array(text.utf8)[...]
    while true {
      switch reader.next(&buffer) {
      case .bytes(let part): bytes.writeImmutableBuffer(part)
      case .needsMore where !rest.isEmpty:
        buffer.writeBytes(rest.prefix(parts))
        rest = rest.dropFirst(parts)
      case let end:
        return (
          String(buffer: bytes), end, String(buffer: buffer) + String(decoding: rest, as: UTF8.self)
        )
      }
    }
  }

  @Test(arguments: [1, 2, 5, Int.max])
  func `a body is the same in any parts`(parts: Int) {
    let plain = read(.length(5), "helloGET /", parts: parts)
    #expect(plain.bytes == "hello" && plain.end == .end && plain.rest == "GET /")
    let chunked = read(
      .chunked, "3\r\nhel\r\n02;a=\"b\"\r\nlo\r\n0\r\nX-Trailer: a\r\n\r\nGET /", parts: parts)
    #expect(chunked.bytes == "hello" && chunked.end == .end && chunked.rest == "GET /")
    #expect(read(.length(0), "GET /", parts: parts).rest == "GET /")
  }

  @Test(arguments: [
    "g\r\n", "\r\n", "-1\r\n", "+1\r\na", "0x1\r\n", "1 1\r\na", "1\na\n0\n\n", "1\r\nab\r\n",
    "1\r\na\n\n", "ffffffffffffffff\r\n", "1;a\u{0}b\r\na", "0\r\nno field\r\n\r\n",
    "0\r\n: a\r\n\r\n", "0\r\n a: b\r\n\r\n",
  ])
  func `chunks that can be read in two ways are refused`(text: String) {
    guard case .failed(let fault) = read(.chunked, text).end else {
      Issue.record("\(text) is read as \(read(.chunked, text))")
      return
    }
    #expect(fault.status == 400)
  }

  @Test func `what means nothing in a chunked body has a bound`() {
    let long = "1;" + String(repeating: "a", count: 300)
    let many = String(
      repeating: "1;" + String(repeating: "a", count: 200) + "\r\na\r\n", count: 100)
    let trailers = "0\r\n" + String(repeating: "a: b\r\n", count: 60)
    for text in [long, many, trailers] {
      guard case .failed = read(.chunked, text).end else {
        Issue.record("\(text.prefix(30))… is read")
        return
      }
    }
  }
}
