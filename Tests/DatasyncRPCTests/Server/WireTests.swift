import DatasyncHTTP2
import DatasyncRPC
import NIOCore
import NIOPosix
import Testing

/// What goes over the wire, seen by a client that knows HTTP/2 alone.
// Under a sanitizer, others hold the few threads that tests share for more than a minute.
@Suite(.timeLimit(.minutes(5)))
struct WireTests {
  private static let call = [
    (":method", "POST"), (":scheme", "http"), (":path", "/test.Echo/Unary"), (":authority", "a"),
    ("content-type", "application/grpc"), ("te", "trailers"),
  ]

  private static let message: [UInt8] = [0, 0, 0, 0, 2, 104, 105]

  private static func fields(_ changes: [(String, String?)]) -> [(String, String)] {
    var fields = call
    for (name, value) in changes {
      guard let value else {
        fields.removeAll { $0.0 == name }
        continue
      }
      if let index = fields.firstIndex(where: { $0.0 == name }) {
        fields[index].1 = value
      } else {
        fields.append((name, value))
      }
    }
    return fields
  }

  private func exchange(
    _ test: TestServer, _ changes: [(String, String?)] = [], body: [UInt8] = message,
    ends: Bool = true
  ) async throws -> RawExchange {
    try await RawExchange.run(test, Self.fields(changes), body: body, ends: ends)
  }

  @Test func `a call's response has its fields where they belong`() async throws {
    try await TestServer.run { test in
      let answer = try await exchange(test)
      #expect(
        answer.head == [":status: 200", "content-type: application/grpc"])
      #expect(answer.body == Self.message)
      #expect(answer.trailers == ["grpc-status: 0"])
      let named = try await exchange(test, [("content-type", "application/grpc+proto")])
      #expect(named.head.contains("content-type: application/grpc+proto"))
    }
  }

  @Test func `a failure before any message is the trailers alone`() async throws {
    try await TestServer.run { test in
      let answer = try await exchange(
        test, [(":path", "/test.Echo/Fail")], body: [0, 0, 0, 0, 2, 10, 37])
      #expect(
        answer.head == [
          ":status: 200", "content-type: application/grpc", "grpc-status: 10",
          "grpc-message: %0A%25", "grpc-status-details-bin: CAo",
        ])
      #expect(answer.body.isEmpty)
      #expect(answer.trailers.isEmpty)
    }
  }

  @Test func `what is no call is refused with its HTTP status`() async throws {
    try await TestServer.run { test in
      let cases: [([(String, String?)], String, String)] = [
        ([("content-type", "image/jpeg")], ":status: 415", "grpc-status: 3"),
        ([("content-type", "application/grpc+json")], ":status: 415", "grpc-status: 12"),
        ([(":method", "DELETE")], ":status: 405", "grpc-status: 13"),
        ([("grpc-timeout", "5x")], ":status: 400", "grpc-status: 13"),
        ([("x-bin", "***")], ":status: 400", "grpc-status: 13"),
        ([("grpc-timeout", "0S")], ":status: 200", "grpc-status: 4"),
        ([(":path", "/nothing")], ":status: 200", "grpc-status: 12"),
        ([("grpc-encoding", "foo")], ":status: 200", "grpc-status: 12"),
      ]
      for (changes, http, status) in cases {
        let answer = try await exchange(test, changes)
        #expect(answer.head.contains(http), "\(changes)")
        #expect(answer.head.contains(status), "\(changes)")
        #expect(answer.end == .closed(.noError), "\(changes)")
      }
      let encoding = try await exchange(test, [("grpc-encoding", "foo")])
      #expect(encoding.head.contains("grpc-accept-encoding: identity,gzip,deflate"))
    }
  }

  @Test func `a head that is too long is refused, and the next one served`() async throws {
    try await TestServer.run { test in
      let long = try await exchange(test, [("x-long", String(repeating: "v", count: 17_000))])
      #expect(long.head.contains("grpc-status: 8"))
      let next = try await exchange(test)
      #expect(next.trailers == ["grpc-status: 0"])
    }
  }

  @Test func `malformed messages end the call with INTERNAL`() async throws {
    try await TestServer.run { test in
      for body: [UInt8] in [[2, 0, 0, 0, 0], [1, 0, 0, 0, 1, 9], [0, 0, 0, 0, 5, 1], [0, 0]] {
        let answer = try await exchange(test, body: body)
        #expect(answer.head.contains("grpc-status: 13"), "\(body)")
      }
      let zip = try await exchange(test, [("grpc-encoding", "gzip")], body: [1, 0, 0, 0, 1, 9])
      #expect(zip.head.contains("grpc-status: 13"))
      #expect(zip.head.contains("grpc-accept-encoding: identity,gzip,deflate"))
    }
  }

  @Test func `a message that is announced over the limit is refused before it comes`() async throws
  {
    try await TestServer.run { test in
      let answer = try await exchange(test, body: [0, 0, 0x40, 0, 1], ends: false)
      #expect(answer.head.contains("grpc-status: 8"))
      #expect(answer.end == .closed(.noError))
    }
  }

  @Test func `a status before the client has ended is followed by a gentle reset`() async throws {
    try await TestServer.run { test in
      let answer = try await exchange(test, [(":path", "/test.Echo/Nothing")], ends: false)
      #expect(answer.head.contains("grpc-status: 12"))
      #expect(answer.end == .closed(.noError))
    }
  }

  @Test func `answers are compressed only for those who accept it and compress themselves`()
    async throws
  {
    try await TestServer.run { test in
      let silent = try await exchange(test, [("grpc-accept-encoding", "gzip")])
      #expect(!silent.head.contains { $0.hasPrefix("grpc-encoding") })
      #expect(silent.body.first == 0)
      let both = try await exchange(
        test, [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "identity,gzip")])
      #expect(both.head.contains("grpc-encoding: gzip"))
      #expect(both.body.first == 1)
      let unaccepting = try await exchange(test, [("grpc-encoding", "gzip")])
      #expect(!unaccepting.head.contains { $0.hasPrefix("grpc-encoding") })
      #expect(unaccepting.body == Self.message)
    }
  }

  @Test func `a browser gets a page in plain text`() async throws {
    try await TestServer.run({ $0.greeting = "hello" }) { test in
      let answer = try await exchange(
        test, [(":method", "GET"), (":path", "/"), ("content-type", nil), ("te", nil)], body: [])
      #expect(answer.head.contains(":status: 200"))
      #expect(answer.head.contains("content-type: text/plain; charset=utf-8"))
      #expect(String(decoding: answer.body, as: UTF8.self) == "hello")
    }
  }

  @Test func `a page waits for the end of its request, and not for ever`() async throws {
    let page: [(String, String?)] = [(":path", "/"), ("content-type", nil), ("te", nil)]
    try await TestServer.run({ $0.greeting = "hello" }) { test in
      let posted = try await exchange(test, page)
      #expect(String(decoding: posted.body, as: UTF8.self) == "hello")
      #expect(posted.end == .closed(.noError))
      let head = try await exchange(test, page + [(":method", "HEAD")], body: [])
      #expect(head.head.contains("content-length: 5"))
      #expect(head.body.isEmpty)
    }
    try await TestServer.run({ $0.bodyIdleTimeout = .milliseconds(100) }) { test in
      let unfinished = try await exchange(test, page, ends: false)
      #expect(unfinished.head.isEmpty)
      #expect(unfinished.end == .closed(.cancel))
    }
  }

  @Test func `a deadline ends a silent call with its status`() async throws {
    try await TestServer.run { test in
      let answer = try await exchange(
        test, [(":path", "/test.Echo/SilentUnary"), ("grpc-timeout", "50m")])
      #expect(answer.head.contains("grpc-status: 4"))
      // Behind what the client does not take, a reset is all that can reach it.
      let stuck = try await RawExchange.run(
        test, Self.fields([(":path", "/test.Echo/Expand"), ("grpc-timeout", "200m")]),
        body: [0, 0, 0, 0, 10] + Array("1000 50000".utf8), ends: true, consumes: false)
      #expect(stuck.end == .closed(.cancel))
    }
  }
}

/// A request and all that came back.
struct RawExchange: Sendable {
  var head: [String] = []
  var body: [UInt8] = []
  var trailers: [String] = []
  var end = StreamEnd.connectionLost

  static func run(
    _ test: TestServer, _ fields: [(String, String)], body: [UInt8], ends: Bool,
    consumes: Bool = true
  ) async throws -> RawExchange {
    let eventLoop = test.group.next()
    let channel = try await ClientBootstrap(group: eventLoop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            HTTP2Connection(role: .client, options: HTTP2Options()))
        }
      }
      .connect(host: "127.0.0.1", port: test.port).get()
    let promise = eventLoop.makePromise(of: RawExchange.self)
    try await eventLoop.submit {
      let connection = try channel.pipeline.syncOperations.handler(type: HTTP2Connection.self)
      var block = HeaderBlock()
      for (name, value) in fields { block.add(name, value) }
      let stream = connection.openStream(
        block, delegate: Collector(promise, consumes: consumes))
      stream?.write { $0.writeBytes(body) }
      if ends { stream?.finish() }
    }.get()
    let timer = eventLoop.scheduleTask(in: .minutes(1)) {
      promise.fail(NotInTime(description: "the stream did not end within a minute: \(fields)"))
    }
    defer { timer.cancel() }
    let result = try await promise.futureResult.get()
    try? await channel.close()
    return result
  }

  /// Loop-bound.
  private final class Collector: HTTP2StreamDelegate {
    var exchange = RawExchange()
    let promise: EventLoopPromise<RawExchange>
    let consumes: Bool

    init(_ promise: EventLoopPromise<RawExchange>, consumes: Bool) {
      self.promise = promise
      self.consumes = consumes
    }

    func headReceived(_ stream: HTTP2Stream) {
      exchange.head = stream.head.pairs.map { "\($0.name): \($0.value)" }
    }

    func dataReceived(_ data: ByteBuffer, _ stream: HTTP2Stream) {
      exchange.body += Array(buffer: data)
      if consumes { stream.consume(data.readableBytes) }
    }

    func trailersReceived(_ stream: HTTP2Stream) {
      exchange.trailers = stream.inboundTrailers.pairs.map { "\($0.name): \($0.value)" }
    }

    func endReceived(_ stream: HTTP2Stream) {}
    func drained(_ stream: HTTP2Stream) {}

    func closed(_ stream: HTTP2Stream, _ end: StreamEnd) {
      exchange.end = end
      promise.succeed(exchange)
    }
  }
}
