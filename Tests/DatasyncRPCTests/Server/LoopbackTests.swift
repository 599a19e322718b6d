import DatasyncGRPCServices
import DatasyncHTTP2
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import DatasyncRPC

struct LoopbackTests {
  @Test(arguments: [
    ("127.0.0.1", true), ("127.3.2.1", true), ("::1", true), ("::ffff:127.0.0.1", true),
    ("10.0.0.1", false), ("128.0.0.1", false), ("::2", false), ("::ffff:10.0.0.1", false),
    ("fe80::127.0.0.1", false), ("2001:db8::1", false), ("0.0.0.0", false),
  ])
  func `an address is of this machine or of another`(text: String, isLoopback: Bool) throws {
    #expect(try SocketAddress(ipAddress: text, port: 1).isLoopback == isLoopback)
  }

  @Test(arguments: [("127.0.0.1", "0"), ("10.1.2.3", "7")])
  func `channelz answers the loopback interface alone`(address: String, status: String) throws {
    let loop = EmbeddedEventLoop()
    let registry = ServiceRegistry([])
    let server = RPCServer(
      registry: registry, group: loop, logger: Logger(label: "test"))
    registry.replace([ChannelzService(server: server).service])
    let channel = EmbeddedChannel(loop: loop)
    try channel.connect(to: SocketAddress(ipAddress: address, port: 7)).wait()
    try server.accept(channel)
    let client = EmbeddedChannel(loop: loop)
    let answer = Answer()
    let connection = HTTP2Connection(role: .client, options: HTTP2Options())
    try client.pipeline.syncOperations.addHandler(connection)
    try client.connect(to: SocketAddress(ipAddress: address, port: 8)).wait()
    var head = HeaderBlock()
    for (name, value) in [
      (":method", "POST"), (":scheme", "http"), (":authority", "a"), ("te", "trailers"),
      (":path", "/grpc.channelz.v1.Channelz/GetTopChannels"), ("content-type", "application/grpc"),
    ].sorted(by: { $0.0.hasPrefix(":") && !$1.0.hasPrefix(":") }) {
      head.add(name, value)
    }
    let stream = connection.openStream(head, delegate: answer)
    stream?.write { $0.writeBytes([0, 0, 0, 0, 0]) }
    stream?.finish()
    for _ in 0..<8 {
      loop.run()
      while let bytes = try client.readOutbound(as: ByteBuffer.self) {
        try channel.writeInbound(bytes)
      }
      loop.run()
      while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
        try client.writeInbound(bytes)
      }
    }
    #expect(answer.status == status)
    for end in [client, channel] { _ = try? end.finish(acceptAlreadyClosed: true) }
  }

  private final class Answer: HTTP2StreamDelegate {
    var status: String?

    func headReceived(_ stream: HTTP2Stream) {
      status = stream.head["grpc-status"] ?? status
    }
    func trailersReceived(_ stream: HTTP2Stream) {
      status = stream.inboundTrailers["grpc-status"] ?? status
    }
    func dataReceived(_ data: ByteBuffer, _ stream: HTTP2Stream) {
      stream.consume(data.readableBytes)
    }
    func endReceived(_ stream: HTTP2Stream) {}
    func drained(_ stream: HTTP2Stream) {}
    func closed(_ stream: HTTP2Stream, _ end: StreamEnd) {}
  }
}
