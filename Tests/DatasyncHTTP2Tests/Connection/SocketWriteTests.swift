import NIOCore
import NIOPosix
import Testing

@testable import DatasyncHTTP2

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Frames that leave past the channel, over a socket whose other end reads when it is told.
struct SocketWriteTests {
  /// A server's connection on a loop of its own, and the client's end of its socket.
  private final class Exchange {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let listener: any Channel
    let client: CInt
    let connection: NIOLoopBoundBox<HTTP2Connection?>
    let server: NIOLoopBoundBox<RecordingServer?>

    init() async throws {
      let loop = group.next()
      let connection = NIOLoopBoundBox.makeEmptyBox(
        valueType: HTTP2Connection.self, eventLoop: loop)
      let server = NIOLoopBoundBox.makeEmptyBox(valueType: RecordingServer.self, eventLoop: loop)
      self.connection = connection
      self.server = server
      listener = try await ServerBootstrap(group: group)
        .childChannelOption(.socketOption(.so_sndbuf), value: 64 << 10)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let recorder = RecordingServer()
            recorder.onOpen = RecordingServer.respond
            let made = HTTP2Connection(role: .server, options: HTTP2Options(), delegate: recorder)
            made.writesToSocket = true
            recorder.connection = made
            server.value = recorder
            connection.value = made
            try channel.pipeline.syncOperations.addHandler(made)
          }
        }
        .bind(host: "127.0.0.1", port: 0).get()
      let port = try #require(listener.localAddress?.port)
      client = try Self.open(port)
    }

    private static func open(_ port: Int) throws -> CInt {
      #if canImport(Glibc)
        let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
      #else
        let client = socket(AF_INET, SOCK_STREAM, 0)
      #endif
      var room: CInt = 64 << 10
      setsockopt(client, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<CInt>.size))
      let result = try SocketAddress(ipAddress: "127.0.0.1", port: port).withSockAddr {
        connect(client, $0, socklen_t($1))
      }
      try #require(result == 0)
      return client
    }

    func begin(with frames: Frame...) {
      let bytes = RawPeer.preface + frames.flatMap(\.bytes)
      #expect(send(client, bytes, bytes.count, 0) == bytes.count)
    }

    /// On the connection's loop.
    func onLoop<Result: Sendable>(
      _ body: @escaping @Sendable (HTTP2Connection, RecordingServer) throws -> Result
    ) async throws -> Result {
      let (connection, server) = (connection, server)
      return try await group.next().submit {
        try body(#require(connection.value), #require(server.value))
      }.get()
    }

    /// Waits until something holds on the connection's loop, for ninety seconds.
    func until(
      _ what: String,
      _ condition: @escaping @Sendable (HTTP2Connection, RecordingServer) -> Bool
    ) async throws {
      let deadline = ContinuousClock.now + .seconds(90)
      while try await !onLoop(condition) {
        try #require(ContinuousClock.now < deadline, "not within 90 seconds: \(what)")
      }
    }

    /// What there is to read, without waiting for more.
    static func takeReady(_ client: CInt) -> [UInt8] {
      var all: [UInt8] = []
      var bytes = [UInt8](repeating: 0, count: 64 << 10)
      while true {
        let count = recv(client, &bytes, bytes.count, CInt(MSG_DONTWAIT))
        guard count > 0 else { return all }
        all += bytes.prefix(count)
      }
    }

    func end() async throws {
      close(client)
      try await listener.close()
      try await group.shutdownGracefully()
    }
  }

  /// The stream's bytes: a number every four, so that a piece out of place is seen.
  private static func chunk(_ number: Int) -> [UInt8] {
    (0..<2048).flatMap { index in
      let value = UInt32(number * 2048 + index)
      return [
        UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255),
      ]
    }
  }

  @Test(arguments: [false, true])
  func `what follows waits behind what the channel still writes`(isShared: Bool) async throws {
    let exchange = try await Exchange()
    let client = exchange.client
    exchange.begin(
      with: .settings([(4, 0x7fff_ffff)]), .windowUpdate(0, 0x7000_0000), .settingsAck, .headers(1))
    try await exchange.until("the server opens the stream") { !$1.opened.isEmpty }
    var sent = 0
    // As long as the socket takes all.
    while try await exchange.onLoop({ [sent] connection, server in
      try Self.write(sent, isShared, to: server)
      connection.pump()
      return connection.output.channelWrites == 0
    }) {
      sent += 1
      try #require(sent < 10_000, "80 MB fit into the socket")
    }
    sent += 1
    // The peer reads, and more is sent before the channel has learned that there is room.
    var received = try await exchange.onLoop { [sent] connection, server in
      let ready = Exchange.takeReady(client)
      try #require(!ready.isEmpty && connection.output.channelWrites > 0)
      try Self.write(sent, isShared, to: server)
      connection.pump()
      return ready
    }
    sent += 1
    let expected = (0..<sent).flatMap(Self.chunk)
    let deadline = ContinuousClock.now + .seconds(90)
    var body: [UInt8] = []
    while body.count < expected.count, .now < deadline {
      received += Exchange.takeReady(client)
      body = Frame.parse(received).filter { $0.kind == Frame.Kind.data }.flatMap(\.payload)
    }
    #expect(body == expected)
    // Then it writes itself again.
    try await exchange.until("the channel has written all") { connection, _ in
      connection.output.channelWrites == 0
    }
    #expect(try await exchange.onLoop { connection, _ in connection.output.socket != nil })
    try await exchange.end()
  }

  private static func write(_ number: Int, _ isShared: Bool, to server: RecordingServer) throws {
    let stream = try #require(server.opened.first)
    let bytes = chunk(number)
    if isShared {
      #expect(stream.write(shared: ByteBuffer(bytes: bytes)))
    } else {
      #expect(stream.write { $0.writeBytes(bytes) })
    }
  }

  @Test func `whoever closes the channel takes the socket away first`() async throws {
    let exchange = try await Exchange()
    exchange.begin(with: .settings(), .headers(1))
    try await exchange.until("the server opens the stream") { !$1.opened.isEmpty }
    let had = try await exchange.onLoop { connection, server in
      let had = connection.output.socket != nil
      connection.channel?.close(promise: nil)
      #expect(connection.output.socket == nil)
      // Goes nowhere, and above all into no other's socket.
      server.opened.first?.write { $0.writeString("late") }
      connection.pump()
      return had
    }
    #expect(had)
    try await exchange.until("the connection closes") { $1.isClosed }
    try await exchange.end()
  }
}
