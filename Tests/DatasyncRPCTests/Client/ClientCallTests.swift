import DatasyncHTTP2
import NIOCore
import NIOEmbedded
import Testing

@testable import DatasyncRPC

/// What a client makes of responses that no server of ours sends.
struct ClientCallTests {
  /// Answers each request with some bytes and a status.
  private final class Server: HTTP2ConnectionDelegate, HTTP2StreamDelegate {
    let bytes: [UInt8]
    let status: String
    let encoding: String?

    init(bytes: [UInt8], status: String, encoding: String? = nil) {
      self.bytes = bytes
      self.status = status
      self.encoding = encoding
    }

    func streamOpened(_ stream: HTTP2Stream) {
      stream.delegate = self
      var head = HeaderBlock()
      head.add(":status", "200")
      head.add("content-type", "application/grpc")
      if let encoding { head.add("grpc-encoding", encoding) }
      stream.respond(head)
      stream.write { $0.writeBytes(bytes) }
      stream.finish { $0.add("grpc-status", status) }
    }

    func headReceived(_ stream: HTTP2Stream) {}
    func dataReceived(_ data: ByteBuffer, _ stream: HTTP2Stream) {}
    func trailersReceived(_ stream: HTTP2Stream) {}
    func endReceived(_ stream: HTTP2Stream) {}
    func drained(_ stream: HTTP2Stream) {}
    func closed(_ stream: HTTP2Stream, _ end: StreamEnd) {}
    func readCompleted() {}
    func graceEnded() {}
    func connectionClosed() {}
  }

  private final class Outcome: ClientCallDelegate {
    var messages: [ByteBuffer] = []
    var status: Status?

    func received(_ message: ByteBuffer) { messages.append(message) }
    func finished(_ status: Status, trailers: Metadata) { self.status = status }
  }

  private func outcome(of answering: Server, maxMessageBytes: Int = 1000) throws -> Outcome {
    let loop = EmbeddedEventLoop()
    let (client, server) = (EmbeddedChannel(loop: loop), EmbeddedChannel(loop: loop))
    let connection = HTTP2Connection(role: .client, options: HTTP2Options())
    try client.pipeline.syncOperations.addHandler(connection)
    try server.pipeline.syncOperations.addHandler(
      HTTP2Connection(role: .server, options: HTTP2Options(), delegate: answering))
    for end in [client, server] {
      try end.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }
    let outcome = Outcome()
    let call = ClientCall(
      eventLoop: loop, delegate: outcome, requestEncoding: nil, maxMessageBytes: maxMessageBytes)
    var head = HeaderBlock()
    for (name, value) in [
      (":method", "POST"), (":scheme", "http"), (":path", "/a/b"), (":authority", "a"),
      ("content-type", "application/grpc"), ("te", "trailers"),
    ] {
      head.add(name, value)
    }
    call.start(connection.openStream(head, delegate: call), timeout: nil)
    for _ in 0..<8 {
      loop.run()
      while let bytes = try client.readOutbound(as: ByteBuffer.self) {
        try server.writeInbound(bytes)
      }
      loop.run()
      while let bytes = try server.readOutbound(as: ByteBuffer.self) {
        try client.writeInbound(bytes)
      }
    }
    for end in [client, server] { _ = try? end.finish(acceptAlreadyClosed: true) }
    return outcome
  }

  @Test(arguments: [[0], [0, 0, 0, 0], [0, 0, 0, 0, 3, 1, 2]] as [[UInt8]])
  func `a response that stops within a message is no success`(rest: [UInt8]) throws {
    let whole: [UInt8] = [0, 0, 0, 0, 2, 7, 7]
    let outcome = try outcome(of: Server(bytes: whole + rest, status: "0"))
    #expect(outcome.messages == [ByteBuffer(bytes: [7, 7])])
    #expect(outcome.status?.code == .internal)
    let good = try self.outcome(of: Server(bytes: whole, status: "0"))
    #expect(good.status?.code == .ok)
    // The server's own error says why nothing more came.
    let failed = try self.outcome(of: Server(bytes: whole + rest, status: "8"))
    #expect(failed.status?.code == .resourceExhausted)
  }

  @Test func `why a message is not decompressed is told apart`() throws {
    let packed = try #require(
      Compression.compress(ByteBuffer(repeating: 0, count: 2000), .gzip))
    func framed(_ message: ByteBuffer) -> [UInt8] {
      [1, 0, 0, 0, UInt8(message.readableBytes)] + Array(message.readableBytesView)
    }
    let large = try outcome(of: Server(bytes: framed(packed), status: "0", encoding: "gzip"))
    #expect(large.status?.code == .resourceExhausted)
    let broken = ByteBuffer(bytes: [1, 2, 3])
    let malformed = try outcome(of: Server(bytes: framed(broken), status: "0", encoding: "gzip"))
    #expect(malformed.status?.code == .internal)
    let unnamed = try outcome(of: Server(bytes: framed(packed), status: "0"))
    #expect(unnamed.status?.code == .internal)
  }
}
