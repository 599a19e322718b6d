import DatasyncHTTP2
import NIOCore
import Testing

@testable import DatasyncRPC

struct WebRequestFieldsTests {
  private func fields(_ changes: [(String, String)]) -> WebRequestFields {
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
    return WebRequestFields(block)
  }

  @Test(arguments: [
    ("application/proto", RequestFormat.connectUnary(.proto)),
    ("application/json", .connectUnary(.json)),
    ("Application/JSON; Charset=UTF-8", .connectUnary(.json)),
    ("application/connect+proto", .connectStream(.proto)),
    ("application/connect+json;charset=utf-8", .connectStream(.json)),
    ("application/grpc-web", .grpcWeb(GRPCWebType())),
    ("application/grpc-web+proto", .grpcWeb(GRPCWebType(subtype: .proto))),
    ("application/grpc-web+json", .grpcWeb(GRPCWebType(subtype: .json))),
    ("application/grpc-web-text", .grpcWeb(GRPCWebType(isText: true))),
    ("application/grpc-web-text+proto", .grpcWeb(GRPCWebType(isText: true, subtype: .proto))),
    ("application/json;charset=latin1", nil), ("application/json; charset=utf-8; x=y", nil),
    ("application/proto; charset=utf-8", nil), ("application/connect", nil),
    ("application/grpc-web+foo", nil), ("application/grpc", nil), ("application/jsonx", nil),
    ("text/plain", nil), ("", nil),
  ])
  func `A content type says which protocol it is`(_ type: String, _ format: RequestFormat?) {
    #expect(RequestFormat.readWeb(type) == format)
    guard case .grpcWeb(let own) = format else { return }
    #expect(own.contentType == type)
  }

  @Test(arguments: [
    ("127.0.0.1:8080", true), ("[::1]:8080", true), ("10.0.0.1", true), ("LOCALHOST:1", true),
    ("app.example.com", true), ("pears.local:80", true), ("evil.example", false), ("", false),
    ("localhost.evil.example", false), ("127.0.0.1.evil.example", false), ("[::1", false),
    ("app.example.com.evil", false), ("1234", false),
  ])
  func `A server without TLS is asked by names it knows`(_ host: String, _ isOwn: Bool) {
    let web = WebOptions(
      transcoder: NoTranscoder(), origins: ["https://app.example.com:8443"],
      hosts: ["Pears.local"])
    #expect(web.isOwn(host: host) == isOwn)
  }

  @Test(arguments: [
    ("pears.local", true), ("A-1", true), ("a:80", false), ("http://a", false), ("a/b", false),
    ("", false), ("*", false), ("[::1]", false),
  ])
  func `A host is a name without a port`(_ text: String, _ isOne: Bool) {
    #expect(WebOptions.isHostName(text) == isOne)
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
    let (head, fault) = fields([("accept-encoding", list)]).head(.connectUnary(.json))
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
    let (head, fault) = fields([("connect-timeout-ms", text)]).head(.connectUnary(.proto))
    #expect(fault?.code == code)
    #expect(head.timeout == timeout)
  }

  @Test
  func `Each protocol reads its own timeout`() {
    let fields = fields([("connect-timeout-ms", "1"), ("grpc-timeout", "2S")])
    #expect(fields.head(.connectUnary(.json)).0.timeout == .milliseconds(1))
    #expect(fields.head(.connectStream(.json)).0.timeout == .milliseconds(1))
    #expect(fields.head(.grpcWeb(GRPCWebType())).0.timeout == .seconds(2))
  }

  @Test
  func `A stream's messages are compressed as its own fields say`() {
    let fields = fields([
      ("connect-content-encoding", "gzip"), ("connect-accept-encoding", "gzip"),
      ("content-encoding", "br"),
    ])
    let (head, fault) = fields.head(.connectStream(.proto))
    #expect(fault == nil)
    #expect(head.encoding == .gzip)
    #expect(head.acceptedEncodings.gzip)
    #expect(fields.head(.connectUnary(.proto)).fault?.code == .unimplemented)
  }

  @Test
  func `What is gRPC's or HTTP's is no metadata`() {
    let metadata = fields([
      ("grpc-timeout", "x"), ("connect-whatever", "1"), ("user-agent", "curl"),
      ("x-grpc-web", "1"), ("x-user-agent", "grpc-web-javascript/0.1"), ("x-a", "1"),
      ("x-bin", "AQ, Ag=="), ("authorization", "Bearer t"),
    ]).head(.connectUnary(.json)).0.metadata
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
