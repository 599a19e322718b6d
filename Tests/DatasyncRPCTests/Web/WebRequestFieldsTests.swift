import DatasyncHTTP2
import NIOCore
import Testing

@testable import DatasyncRPC

struct ConnectRequestFieldsTests {
  private func fields(_ changes: [(String, String)]) -> ConnectRequestFields {
    var fields = [
      (":method", "POST"), (":scheme", "http"), (":path", "/p.S/M"), (":authority", "host:1"),
      ("content-type", "application/json"),
    ]
    for (name, value) in changes {
      fields.removeAll { $0.0 == name }
      fields.append((name, value))
    }
    var block = HeaderBlock()
    for (name, value) in fields { block.add(name, value) }
    return ConnectRequestFields(block)
  }

  @Test(arguments: [
    ("application/proto", ConnectCodec.proto), ("application/json", .json),
    ("Application/JSON; Charset=UTF-8", .json), ("application/json;charset=latin1", nil),
    ("application/json; charset=utf-8; x=y", nil), ("application/proto; charset=utf-8", nil),
    ("application/connect+json", nil), ("application/jsonx", nil), ("text/plain", nil), ("", nil),
  ])
  func `A content type says how the message is written`(_ type: String, _ codec: ConnectCodec?) {
    #expect(fields([("content-type", type)]).postCodec == codec)
  }

  @Test(arguments: [
    ("http://host:1", false), ("HTTP://HOST:1", false), ("https://host:1", true),
    ("http://host", true), ("http://host:1.evil", true), ("null", true), ("", true),
  ])
  func `Whoever is of another origin is foreign`(_ origin: String, _ isForeign: Bool) {
    #expect(fields([("origin", origin)]).crossOrigin == (isForeign ? origin : nil))
    #expect(fields([]).crossOrigin == nil)
  }

  @Test(arguments: [
    ("https://app.example.com", true), ("http://localhost:8080", true), ("HTTPS://A.b", true),
    ("https://[::1]:1", true), ("*", false), ("null", false), ("https://", false),
    ("https://a.b/", false), ("ftp://a.b", false), ("https://a.b\n", false), ("a.b", false),
    ("https://é.b", false),
  ])
  func `An origin is a scheme and a host`(_ text: String, _ isOne: Bool) {
    #expect(WebOptions.origin(text) == (isOne ? text.lowercased() : nil))
  }

  @Test(arguments: [
    ("gzip", true), ("br, gzip;q=0.1", true), ("*", true), ("GZIP ; q=1", true),
    ("gzip;q=0", false),
    ("gzip; q=0.000", false), ("br", false), ("", false), ("xgzip", false), ("gzip;q=x", false),
  ])
  func `Answers are compressed for whoever takes it`(_ list: String, _ takes: Bool) {
    let (head, fault) = fields([("accept-encoding", list)]).head(.json)
    #expect(fault == nil)
    #expect(head.acceptedEncodings.gzip == takes)
  }

  @Test(arguments: [
    ("1", Optional(TimeAmount.milliseconds(1)), Status.Code?.none),
    ("9999999999", .milliseconds(9_999_999_999), nil),
    ("0", nil, .deadlineExceeded), ("", nil, .invalidArgument), ("-1", nil, .invalidArgument),
    ("+1", nil, .invalidArgument), ("1.5", nil, .invalidArgument),
    ("10000000000", nil, .invalidArgument),
  ])
  func `A timeout is one to ten digits`(
    _ text: String, _ timeout: TimeAmount?, _ code: Status.Code?
  ) {
    let (head, fault) = fields([("connect-timeout-ms", text)]).head(.proto)
    #expect(fault?.code == code)
    #expect(head.timeout == timeout)
  }

  @Test
  func `What is gRPC's or HTTP's is no metadata`() {
    let metadata = fields([
      ("grpc-timeout", "x"), ("connect-whatever", "1"), ("user-agent", "curl"), ("x-a", "1"),
      ("x-bin", "AQ, Ag=="), ("authorization", "Bearer t"),
    ]).metadata
    #expect(metadata.entries.map(\.key) == ["x-a", "x-bin", "x-bin", "authorization"])
    #expect(metadata.entries[2].value == [2])
  }

  @Test
  func `A query is read byte by byte`() throws {
    let plain = ConnectQuery("encoding=json&message=%7B%22a%22%3a+%zz%2&connect=v1&x")
    #expect(String(buffer: try plain.message()) == "{\"a\": %zz%2")
    #expect(plain.version == "v1")
    #expect(plain.encoding == "json")
    let coded = ConnectQuery("base64=1&message=-_8%3D")
    #expect(Array(try coded.message().readableBytesView) == [0xFB, 0xFF])
    #expect(
      Array(try ConnectQuery("base64=1&message=+/8").message().readableBytesView) == [0xFB, 0xFF])
    #expect(throws: Status.self) { try ConnectQuery("base64=1&message=a").message() }
    #expect(throws: Status.self) { try ConnectQuery("").message() }
    #expect(try ConnectQuery("message=").message().readableBytes == 0)
  }
}
