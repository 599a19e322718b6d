import DatasyncHTTP1
import DatasyncHTTP2
import NIOCore
import Testing

struct HTTP1HeadReaderTests {
  /// Reads a text in parts of so many bytes, up to a head or a fault.
  private func read(_ text: String, parts: Int = .max) -> HTTP1HeadReader.Output {
    var reader = HTTP1HeadReader(maxBytes: 16 << 10, maxFields: 128, scheme: "http")
    var buffer = ByteBuffer()
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      buffer.writeBytes(rest.prefix(parts))
      rest = rest.dropFirst(parts)
      switch reader.next(&buffer) {
      case .needsMore: continue
      case let output: return output
      }
    }
    return .needsMore
  }

  private func head(_ text: String, parts: Int = .max) throws -> HTTP1Head {
    guard case .head(let head) = read(text, parts: parts) else {
      throw Unexpected(text: "\(read(text, parts: parts))")
    }
    return head
  }

  private struct Unexpected: Error { let text: String }

  private func fault(_ text: String) -> Int? {
    guard case .failed(let fault) = read(text) else { return nil }
    return fault.status
  }

  @Test(arguments: [1, 2, 3, 7, Int.max])
  func `a head is the same in any parts`(parts: Int) throws {
    let head = try head(
      "\r\nPOST /a/b?c=d HTTP/1.1\r\nHost: h:1\r\nX-Key:  one two \r\nContent-Length: 12\r\n\r\n",
      parts: parts)
    #expect(head.method == "POST" && head.body == .length(12) && head.keepsAlive)
    let pairs = head.fields.pairs.map { "\($0.name)=\($0.value)" }
    #expect(
      pairs == [
        ":method=POST", ":scheme=http", ":authority=h:1", ":path=/a/b?c=d", "x-key=one two",
        "content-length=12",
      ])
  }

  @Test func `what is about the connection says whether it goes on`() throws {
    #expect(try !head("GET / HTTP/1.1\r\nHost: h\r\nConnection: Foo, CLOSE\r\n\r\n").keepsAlive)
    #expect(try !head("GET / HTTP/1.0\r\n\r\n").keepsAlive)
    #expect(try head("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keepsAlive)
    #expect(
      try head("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n").fields["upgrade"] == nil)
    let upgrade = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n"
    #expect(try head(upgrade).fields["upgrade"] == "websocket")
    let absolute = try head("GET HTTP://other:2?q HTTP/1.1\r\nHost: h\r\n\r\n")
    #expect(absolute.fields[":authority"] == "other:2" && absolute.fields[":path"] == "/?q")
    let chunked = try head(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n")
    #expect(chunked.body == .chunked && chunked.expectsContinue)
  }

  /// Shapes by which one of two programs on a connection is led to see other requests than the other.
  @Test(arguments: [
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", 400),
    ("Content-Length: 5\r\nContent-Length: 5", 400),
    ("Content-Length: 5, 5", 400), ("Content-Length: +5", 400), ("Content-Length: 0x5", 400),
    ("Content-Length: 99999999999999999999", 400), ("Content-Length:", 400),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
    ("Transfer-Encoding: gzip, chunked", 501), ("Transfer-Encoding: xchunked", 501),
    ("Transfer-Encoding : chunked", 400), ("Transfer-Encoding:\u{0B}chunked", 400),
    ("X: a\r\n b", 400), ("X: a\r\n\tb", 400), (" X: a", 400), ("X", 400), (": a", 400),
    ("X: a\nContent-Length: 5", 400), ("X: a\rY: b", 400), ("X: a\u{0}b", 400),
    ("X y: a", 400), ("Host: other", 400), ("Expect: the-unexpected", 417),
  ])
  func `a head that can be read in two ways is refused`(fields: String, status: Int) {
    #expect(fault("POST / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\r\n") == status)
  }

  @Test(arguments: [
    ("GET / HTTP/1.1", 400), ("GET  / HTTP/1.1\r\nHost: h", 400), ("GET /\r\nHost: h", 400),
    ("GET / HTTP/2.0\r\nHost: h", 505), ("GET / http/1.1\r\nHost: h", 400),
    ("GET /\u{7F} HTTP/1.1\r\nHost: h", 400), ("GET /ä HTTP/1.1\r\nHost: h", 400),
    ("GET host:80 HTTP/1.1\r\nHost: h", 400), ("CONNECT host:80 HTTP/1.1\r\nHost: h", 400),
    ("G{}T / HTTP/1.1\r\nHost: h", 400), ("GET / HTTP/1.1\r\nHost: a b", 400),
    ("GET / HTTP/1.1\r\nHost: a/b", 400), ("GET http://a@b/ HTTP/1.1\r\nHost: h", 400),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked", 400),
    ("GET / HTTP/1.0\r\nHost: a\r\nHost: b", 400),
  ])
  func `a first line and a host that are none are refused`(head: String, status: Int) {
    #expect(fault("\(head)\r\n\r\n") == status)
  }

  @Test func `what is too long is refused before it has come whole`() {
    let long = String(repeating: "a", count: 8300)
    #expect(fault("GET /\(long)") == 414)
    #expect(fault("GET /\(long) HTTP/1.1\r\nHost: h\r\n\r\n") == 414)
    let value = String(repeating: "a", count: 17 << 10)
    #expect(fault("GET / HTTP/1.1\r\nHost: h\r\nX: \(value)") == 431)
    let fields = String(repeating: "X: a\r\n", count: 129)
    #expect(fault("GET / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n") == 431)
  }

  @Test func `a request is taken and what follows stays`() throws {
    var reader = HTTP1HeadReader(maxBytes: 1 << 10, maxFields: 8, scheme: "https")
    var buffer = ByteBuffer(
      string: "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nrest")
    for path in ["/1", "/2"] {
      guard case .head(let head) = reader.next(&buffer) else { throw Unexpected(text: path) }
      #expect(head.fields[":path"] == path && head.fields[":scheme"] == "https")
    }
    #expect(buffer == ByteBuffer(string: "rest"))
  }
}
