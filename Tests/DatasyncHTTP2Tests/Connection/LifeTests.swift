import DatasyncHTTP2
import NIOCore
import NIOEmbedded
import Testing

struct LifeTests {
  @Test func `a client that says nothing is gone after the handshake's time`() throws {
    let peer = try RawPeer(greets: false)
    peer.advance(.seconds(9))
    #expect(!peer.isClosed)
    peer.advance(.seconds(2))
    #expect(peer.isClosed)
    #expect(peer.limits[.handshakeTime] == 1)
  }

  @Test func `settings that are never acknowledged end the connection`() throws {
    let peer = try RawPeer(greets: false)
    peer.send(bytes: RawPeer.preface)
    peer.send(.settings())
    peer.advance(.seconds(11))
    #expect(peer.goAways.map(\.code) == [4])
    #expect(peer.isClosed)
  }

  @Test(arguments: [true, false])
  func `a header list that does not end in time ends the connection`(inOneFrame: Bool) throws {
    let peer = try RawPeer()
    if inOneFrame {
      peer.send(bytes: Array(Frame.headers(1).bytes.dropLast(3)))
    } else {
      peer.send(.headers(1, endHeaders: false))
    }
    peer.advance(.seconds(9))
    #expect(!peer.isClosed)
    peer.advance(.seconds(2))
    #expect(peer.goAways.map(\.debug) == ["header_timeout"])
    #expect(peer.isClosed)
  }

  @Test func `headers that the library ignores or refuses start no clock`() throws {
    let peer = try RawPeer()
    peer.send(.headers(1, end: true))
    // Late trailers of a stream that is gone, and a head with a bad field.
    peer.send(.headers(3, Frame.request + [("UPPER", "1")], end: true))
    peer.send(.headers(5), .reset(5))
    peer.advance(.seconds(60))
    #expect(peer.limits[.headerTime] == 0)
  }

  @Test func `a quiet peer is pinged, and gone if it does not answer`() throws {
    let peer = try RawPeer { $0.keepaliveTime = .seconds(100) }
    peer.advance(.seconds(101))
    let ping = try #require(peer.take().first { $0.kind == Frame.Kind.ping })
    peer.send(.ping(ping.payload, isAck: true))
    peer.advance(.seconds(30))
    #expect(!peer.isClosed)
    peer.advance(.seconds(75))
    #expect(peer.take().contains { $0.kind == Frame.Kind.ping })
    peer.advance(.seconds(21))
    #expect(peer.isClosed)
    #expect(peer.limits[.keepaliveTime] == 1)
  }

  @Test(arguments: [true, false])
  func `a quiet peer is pinged again and again, whether calls run or not`(hasCall: Bool) throws {
    let peer = try RawPeer {
      $0.keepaliveTime = .seconds(100)
      $0.keepaliveTimeout = .seconds(1000)
    }
    if hasCall { peer.send(.headers(1)) }
    for _ in 0..<3 {
      peer.take()
      peer.advance(.seconds(101))
      let ping = try #require(peer.frames.first { $0.kind == Frame.Kind.ping })
      peer.send(.ping(ping.payload, isAck: true))
    }
    #expect(peer.connection.traffic.keepalivesSent == 3)
  }

  @Test func `a client pings a quiet server, and gives up one that is gone`() throws {
    var options = HTTP2Options()
    options.keepaliveTime = .seconds(100)
    let channel = EmbeddedChannel()
    let connection = HTTP2Connection(role: .client, options: options)
    try channel.pipeline.syncOperations.addHandler(connection)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    _ = try channel.writeInbound(
      ByteBuffer(bytes: Frame.settings().bytes + Frame.settingsAck.bytes))
    func pings() throws -> [Frame] {
      var bytes: [UInt8] = []
      while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
        bytes += Array(buffer: buffer)
      }
      if bytes.starts(with: RawPeer.preface) { bytes.removeFirst(RawPeer.preface.count) }
      return Frame.parse(bytes).filter { $0.kind == Frame.Kind.ping && $0.flags == 0 }
    }
    #expect(try pings().isEmpty)
    channel.embeddedEventLoop.advanceTime(by: .seconds(101))
    let ping = try #require(try pings().first)
    _ = try channel.writeInbound(ByteBuffer(bytes: Frame.ping(ping.payload, isAck: true).bytes))
    channel.embeddedEventLoop.advanceTime(by: .seconds(99))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(2))
    #expect(try pings().count == 1)
    channel.embeddedEventLoop.advanceTime(by: .seconds(21))
    #expect(!channel.isActive)
    _ = try? channel.finish(acceptAlreadyClosed: true)
  }

  @Test func `a peer may ping every ten seconds while a call runs on which nothing happens`() throws
  {
    let peer = try RawPeer { $0.keepaliveTime = .hours(1000) }
    peer.send(.headers(1))
    for _ in 0..<100 {
      peer.advance(.seconds(10))
      peer.send(.ping(Array(repeating: 1, count: 8)))
    }
    #expect(peer.take().filter { $0.kind == Frame.Kind.ping }.count == 100)
    #expect(peer.limits[.pings] == 0)
    // But not every second.
    for _ in 0..<4 {
      peer.advance(.seconds(1))
      peer.send(.ping(Array(repeating: 1, count: 8)))
    }
    #expect(peer.goAways.map(\.debug) == ["too_many_pings"])
  }

  @Test func `a connection without calls is shut down when it has been idle`() throws {
    let peer = try RawPeer { $0.maxConnectionIdle = .seconds(50) }
    peer.server.answersWithEnd = false
    peer.send(.headers(1, end: true))
    peer.advance(.seconds(200))
    #expect(peer.take().allSatisfy { $0.kind != Frame.Kind.goAway })
    peer.server.answer(peer.server.opened[0], "x")
    peer.settle()
    peer.advance(.seconds(51))
    #expect(peer.goAways.map(\.lastStream) == [0x7FFF_FFFF])
    peer.advance(.seconds(6))
    #expect(peer.goAways.map(\.debug) == ["", "max_idle"])
    #expect(peer.isClosed)
  }

  @Test func `an old connection is shut down, and ended after its grace`() throws {
    let peer = try RawPeer {
      $0.maxConnectionAge = .seconds(100)
      $0.maxConnectionAgeGrace = .seconds(30)
    }
    peer.server.answersWithEnd = false
    peer.send(.headers(1))
    peer.advance(.seconds(89))
    #expect(peer.goAways.isEmpty)
    // Give or take a tenth, and five seconds for the ping that nobody answers.
    peer.advance(.seconds(27))
    #expect(peer.goAways.count == 2)
    #expect(peer.server.drainTimes == [.seconds(30)])
    #expect(!peer.isClosed)
    peer.advance(.seconds(31))
    #expect(peer.isClosed)
    #expect(peer.goAways.map(\.debug).contains("max_age"))
  }

  @Test func `draining says so twice, serves what is under way, then closes`() throws {
    let peer = try RawPeer()
    peer.server.answersWithEnd = false
    peer.send(.headers(1, end: true))
    peer.take()
    peer.connection.beginDrain(reason: "test", grace: nil)
    peer.settle()
    #expect(peer.goAways.map(\.lastStream) == [0x7FFF_FFFF])
    // Whoever has answered the ping has read the notice, which came before it.
    #expect(peer.frames.map(\.kind) == [Frame.Kind.goAway, Frame.Kind.ping])
    let ping = try #require(peer.take().first { $0.kind == Frame.Kind.ping })
    // Under way when the first GOAWAY was sent.
    peer.send(.headers(3, end: true), .ping(ping.payload, isAck: true))
    #expect(peer.server.opened.count == 2)
    #expect(peer.goAways.map(\.lastStream) == [3])
    #expect(peer.goAways.map(\.code) == [0])
    // Too late.
    peer.send(.headers(5, end: true))
    #expect(peer.server.opened.count == 2)
    for stream in peer.server.opened { peer.server.answer(stream, "bye") }
    peer.settle()
    #expect(peer.take().filter { $0.endsStream }.map(\.stream).sorted() == [1, 3])
    #expect(peer.isClosed)
  }

  @Test func `a request that stops half-way is reset after its time`() throws {
    let peer = try RawPeer()
    peer.server.onOpen = { $0.awaitsBytes = true }
    peer.send(.headers(1), .data(1, [1]))
    peer.advance(.seconds(50))
    peer.send(.data(1, [1]))
    peer.advance(.seconds(50))
    #expect(peer.resets.isEmpty)
    peer.advance(.seconds(40))
    #expect(peer.resets.map(\.code) == [8])
    #expect(peer.limits[.bodyTime] == 1)
    #expect(!peer.isClosed)
  }

  @Test func `a stream on which nothing is due may be silent for ever`() throws {
    let peer = try RawPeer { $0.keepaliveTime = .hours(1000) }
    peer.send(.headers(1))
    peer.advance(.hours(100))
    #expect(!peer.isClosed)
    #expect(peer.resets.isEmpty)
  }

  @Test func `a peer that opens no window for what waits loses the stream`() throws {
    let peer = try RawPeer()
    peer.send(.settings([(4, 0)]))
    peer.send(.headers(1, end: true))
    peer.advance(.seconds(50))
    #expect(peer.resets.isEmpty)
    peer.advance(.seconds(40))
    #expect(peer.resets.map(\.code) == [8])
    #expect(peer.limits[.writeTime] == 1)
  }

  @Test func `a peer that opens no window for a mere end loses the stream`() throws {
    let peer = try RawPeer()
    peer.send(.settings([(4, 0)]))
    peer.server.answersWithEnd = false
    peer.send(.headers(1, end: true))
    peer.advance(.seconds(100))
    var head = HeaderBlock()
    head.add(":status", "200")
    peer.server.opened[0].respond(head)
    peer.server.opened[0].finish()
    peer.advance(.seconds(50))
    #expect(peer.resets.isEmpty)
    peer.advance(.seconds(40))
    #expect(peer.resets.map(\.code) == [8])
    #expect(peer.limits[.writeTime] == 1)
  }

  @Test func `a peer whose socket takes nothing loses the connection`() throws {
    let peer = try RawPeer()
    peer.channel.isWritable = false
    peer.channel.pipeline.fireChannelWritabilityChanged()
    peer.send(.headers(1, end: true))
    peer.advance(.seconds(90))
    #expect(peer.isClosed)
    #expect(peer.server.ends == [.connectionLost])
  }

  @Test func `a peer that says GOAWAY is served to the end`() throws {
    let peer = try RawPeer()
    peer.server.answersWithEnd = false
    peer.send(.headers(1, end: true))
    peer.send(Frame(kind: Frame.Kind.goAway, payload: Array(repeating: 0, count: 8)))
    #expect(!peer.isClosed)
    peer.server.answer(peer.server.opened[0], "still")
    peer.settle()
    #expect(peer.take().contains { $0.endsStream })
    #expect(peer.isClosed)
  }

  @Test func `nothing more is sent once a write has found the peer gone`() throws {
    let peer = try RawPeer { $0.callHighWaterMark = 16 << 20 }
    let closer = ClosesOnWrite()
    try peer.channel.pipeline.syncOperations.addHandler(closer, position: .first)
    peer.server.answersWithEnd = false
    peer.send(.settings([(4, 1 << 24)]), .windowUpdate(0, 1 << 24), .headers(1, end: true))
    closer.isArmed = true
    // More than one buffer's worth.
    peer.server.answer(peer.server.opened[0], String(repeating: "x", count: 1 << 20))
    peer.settle()
    #expect(closer.writes == 1)
    #expect(peer.server.events.last == "closed 1")
    #expect(peer.server.isClosed)
  }
}

/// A socket whose peer is gone when the next write reaches it.
private final class ClosesOnWrite: ChannelOutboundHandler {
  typealias OutboundIn = ByteBuffer

  var isArmed = false
  var writes = 0

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    context.write(data, promise: promise)
    guard isArmed else { return }
    writes += 1
    if writes == 1 { context.close(promise: nil) }
  }
}
