import DatasyncHTTP2
import NIOCore
import Testing

@testable import DatasyncRPC

struct RequestHeadTests {
  private func parse(_ changes: [(String, String?)], adding: [(String, String)] = [])
    -> RequestHead.Outcome
  {
    var fields = [
      (":method", "POST"), (":scheme", "http"), (":path", "/p.S/M"), (":authority", "host"),
      ("content-type", "application/grpc"), ("te", "trailers"),
    ]
    for (name, value) in changes {
      fields.removeAll { $0.0 == name }
      if let value { fields.append((name, value)) }
    }
    var block = HeaderBlock()
    for (name, value) in fields + adding { block.add(name, value) }
    var routes = RouteTable()
    routes.add("/", answer: HTTPAnswer(body: "hello"))
    return RequestHeadParser.parse(block, routes: routes)
  }

  private func refusal(_ changes: [(String, String?)], adding: [(String, String)] = [])
    -> RequestHead.Refusal?
  {
    guard case .refused(let refusal) = parse(changes, adding: adding) else { return nil }
    return refusal
  }

  private func head(_ changes: [(String, String?)] = [], adding: [(String, String)] = [])
    -> RequestHead?
  {
    guard case .call(let head) = parse(changes, adding: adding) else { return nil }
    return head
  }

  private func code(_ refusal: RequestHead.Refusal?) -> [Int] {
    switch refusal {
    case .status(let status): [200, status.code.rawValue]
    case .http(let http, let status): [http, status.code.rawValue]
    case nil: []
    }
  }

  @Test func `a plain request is a call`() throws {
    let head = try #require(self.head())
    #expect(head.path == "/p.S/M")
    #expect(head.metadata.entries.isEmpty)
    #expect(head.timeout == nil)
    #expect(head.encoding == nil)
  }

  @Test func `te may be missing, and the codec may be named`() {
    #expect(head([("te", nil)]) != nil)
    #expect(head([("content-type", "application/grpc+proto")])?.format == .grpc(hasSubtype: true))
    let plain = head([("content-type", "application/grpc;charset=x")])
    #expect(plain?.format == .grpc(hasSubtype: false))
    #expect(head([("content-type", "application/grpc+proto;v=1")]) != nil)
  }

  @Test func `other content types and codecs are refused with HTTP 415`() {
    for type in ["image/jpeg", "application/grpc-web", "application/grpcx", "application/json"] {
      #expect(code(refusal([("content-type", type)])) == [415, 3])
    }
    #expect(code(refusal([("content-type", nil)])) == [415, 3])
    for type in ["application/grpc+foo", "application/grpc+json", "application/grpc+"] {
      #expect(code(refusal([("content-type", type)])) == [415, 12])
    }
  }

  @Test func `the checks come in grpc-go's order`() {
    // Each request has its own fault and all those that are looked for later.
    let later: [(String, String?)] = [
      ("content-type", "x/y"), ("grpc-timeout", "x"), (":method", "PUT"), (":path", "x"),
    ]
    #expect(code(refusal(later, adding: [("host", "a"), ("host", "b")])) == [400, 13])
    #expect(code(refusal(later)) == [415, 3])
    #expect(code(refusal(Array(later[1...]))) == [400, 13])
    #expect(code(refusal([(":method", "PUT"), ("grpc-timeout", "0S")])) == [405, 13])
    #expect(code(refusal([("grpc-timeout", "0S"), (":path", "x")])) == [200, 4])
    #expect(code(refusal([(":path", "x"), ("grpc-encoding", "foo")])) == [200, 12])
  }

  @Test(arguments: ["", "/", "/a", "a/b", "x"])
  func `a path without service and method is unimplemented`(path: String) {
    #expect(code(refusal([(":path", path)])) == [200, 12])
  }

  @Test func `an encoding that is not known is unimplemented`() {
    #expect(code(refusal([("grpc-encoding", "foo")])) == [200, 12])
    #expect(head([("grpc-encoding", "identity")])?.encoding == nil)
    #expect(head([("grpc-encoding", "gzip")])?.encoding == .gzip)
  }

  @Test func `the encodings that a client accepts are read from a list`() {
    let both = head([("grpc-accept-encoding", "identity, br,deflate , gzip")])
    #expect(both?.acceptedEncodings.choose(nil) == .gzip)
    #expect(both?.acceptedEncodings.choose(.deflate) == .deflate)
    let one = head([("grpc-accept-encoding", "deflate")])
    #expect(one?.acceptedEncodings.choose(.gzip) == .deflate)
    #expect(head([("grpc-accept-encoding", "identity")])?.acceptedEncodings.choose(.gzip) == nil)
  }

  @Test func `metadata is kept in order, binary values decoded, reserved keys left out`() throws {
    let head = try #require(
      self.head(adding: [
        ("x-a", "1"), ("user-agent", "me"), ("x-b-bin", "q6ur,Zg=="), ("grpc-anything", "x"),
        ("x-a", "2"), ("content-length", "5"), ("host", "h"),
      ]))
    #expect(head.metadata.entries.map(\.key) == ["x-a", "x-b-bin", "x-b-bin", "x-a"])
    #expect(
      head.metadata.entries.map(\.value) == [[0x31], [0xAB, 0xAB, 0xAB], [0x66], [0x32]])
  }

  @Test func `metadata that is no base64 is refused with HTTP 400`() {
    #expect(code(refusal([], adding: [("x-bin", "!!")])) == [400, 13])
  }

  @Test func `a browser's request for the root gets the page`() {
    for (method, hasBody) in [("GET", true), ("HEAD", false)] {
      let outcome = parse([(":method", method), (":path", "/"), ("content-type", nil)])
      guard case .page(let answer, !hasBody) = outcome, String(buffer: answer.body) == "hello"
      else {
        Issue.record("\(method): \(outcome)")
        continue
      }
    }
  }
}
