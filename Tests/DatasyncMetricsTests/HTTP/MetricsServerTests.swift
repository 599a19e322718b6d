import CoreMetrics
import NIOCore
import NIOPosix
import Testing

@testable import DatasyncMetrics

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The listener, as Prometheus and a supervisor ask it, over a socket.
@Suite(.serialized) struct MetricsServerTests {
  private func withServer(
    live: String? = nil, ready: String? = nil, _ body: (SocketAddress) throws -> Void
  ) async throws {
    let registry = MetricRegistry()
    registry.makeCounter(label: "asked_total", dimensions: []).increment(by: 7)
    let server = MetricsServer(
      registry: registry,
      probes: Probes(
        isLive: { $0.makeSucceededFuture(live) }, isReady: { $0.makeSucceededFuture(ready) },
        prepare: { $0.makeSucceededVoidFuture() }))
    let address = try await server.bind(host: "127.0.0.1", port: 0)
    let result = Result { try body(address) }
    await server.close()
    try result.get()
  }

  private func dial(_ address: SocketAddress) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let code = address.withSockAddr { connect(descriptor, $0, socklen_t($1)) }
    try #require(code == 0)
    return descriptor
  }

  /// What comes until the other end closes; within ten seconds.
  private func exchange(_ request: String, with address: SocketAddress) throws -> String {
    let descriptor = try dial(address)
    defer { close(descriptor) }
    let bytes = Array(request.utf8)
    try #require(write(descriptor, bytes, bytes.count) == bytes.count)
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      answer += buffer[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }

  private func get(_ path: String, _ address: SocketAddress) throws -> String {
    try exchange("GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address)
  }

  @Test func `metrics come in the format that their type says`() async throws {
    try await withServer { address in
      let answer = try get("/metrics", address)
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(answer.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
      #expect(answer.contains("\nasked_total 7\n"))
    }
  }

  @Test func `the probes say what is wrong`() async throws {
    try await withServer { address in
      let live = try get("/livez", address)
      #expect(live.contains("200 OK"))
      let answer = try get("/readyz?verbose", address)
      #expect(answer.hasSuffix("\r\n\r\nok\n"))
    }
    try await withServer(live: "stuck", ready: "draining") { address in
      let live = try get("/livez", address)
      #expect(live.hasPrefix("HTTP/1.1 503"))
      let answer = try get("/readyz", address)
      #expect(answer.hasSuffix("\r\n\r\ndraining\n"))
    }
  }

  @Test func `what is not there, or not HTTP, is refused and the next is answered`() async throws {
    try await withServer { address in
      let none = try get("/", address)
      #expect(none.hasPrefix("HTTP/1.1 404"))
      let post = try exchange(
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
        with: address)
      #expect(post.hasPrefix("HTTP/1.1 405"))
      #expect(post.contains("Allow: GET, HEAD"))
      let head = try exchange(
        "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address)
      #expect(head.hasSuffix("\r\n\r\n"))
      let other = try exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", with: address)
      #expect(!other.contains("200"))
      let answer = try get("/metrics", address)
      #expect(answer.contains("asked_total 7"))
    }
  }

  @Test func `two requests on one connection are answered in order`() async throws {
    try await withServer { address in
      let request = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
      let last = "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
      let answers = try exchange(request + last, with: address)
      #expect(answers.components(of: "HTTP/1.1 ").map { $0.prefix(3) } == ["200", "404"])
    }
  }

  @Test func `one connection more than the limit takes the place of the oldest`() async throws {
    try await withServer { address in
      var held: [Int32] = []
      for _ in 0..<MetricsServer.maxConnections { held.append(try dial(address)) }
      #expect(try get("/livez", address).contains("200 OK"))
      // Of those that are held one was closed, the first.
      var byte: UInt8 = 0
      #expect(read(held[0], &byte, 1) == 0)
      #expect(recv(held[1], &byte, 1, Int32(MSG_DONTWAIT)) == -1 && errno == EAGAIN)
      for descriptor in held { close(descriptor) }
      #expect(try get("/livez", address).contains("200 OK"))
    }
  }
}

extension String {
  fileprivate func components(of separator: String) -> [Substring] {
    var parts: [Substring] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      rest = rest[range.upperBound...]
      parts.append(rest)
    }
    return parts
  }
}
