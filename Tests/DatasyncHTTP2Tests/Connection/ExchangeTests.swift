import DatasyncHTTP2
import NIOCore
import NIOEmbedded
import Testing

struct ExchangeTests {
  @Test func `the server's settings come first and bound streams and windows`() throws {
    let peer = try RawPeer(greets: false)
    let settings = try #require(peer.frames.first)
    #expect(settings.kind == Frame.Kind.settings)
    let entries = stride(from: 0, to: settings.payload.count, by: 6).map { offset in
      [
        UInt32(settings.payload[offset]) << 8 | UInt32(settings.payload[offset + 1]),
        settings.number(at: offset + 2),
      ]
    }
    #expect(entries.contains([3, 128]))
    #expect(entries.contains([4, 1 << 20]))
    #expect(entries.contains([6, 16 << 10]))
    #expect(
      peer.frames.contains {
        $0.kind == Frame.Kind.windowUpdate && $0.stream == 0
          && $0.number(at: 0) == (4 << 20) - 65_535
      })
  }

  @Test func `a bad preface closes the connection at once`() throws {
    let peer = try RawPeer(greets: false)
    peer.send(bytes: Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    #expect(peer.isClosed)
  }

  @Test func `a response is head, data, trailers, and the stream is gone`() throws {
    let peer = try RawPeer()
    peer.send(.headers(1), .data(1, [1, 2, 3], end: true))
    let frames = peer.take().filter { $0.stream == 1 }
    #expect(frames.map(\.kind) == [Frame.Kind.headers, Frame.Kind.data, Frame.Kind.headers])
    #expect(frames.map(\.endsStream) == [false, false, true])
    #expect(String(decoding: frames[1].payload, as: UTF8.self) == "ok")
    #expect(peer.server.events == ["open 1", "data 1 3", "end 1", "closed 1"])
    #expect(peer.connection.streams.isEmpty)
  }

  @Test func `what one read causes leaves in one buffer`() throws {
    let peer = try RawPeer()
    let before = peer.writes
    peer.send((0..<20).map { .headers(UInt32($0 * 2 + 1), end: true) })
    #expect(peer.writes == before + 1)
    #expect(peer.take().filter(\.endsStream).count == 20)
  }

  @Test func `bytes fed one by one give the same exchange`() throws {
    let peer = try RawPeer(greets: false)
    let bytes =
      RawPeer.preface
      + [.settings(), .settingsAck, .headers(1), .data(1, [9, 9]), .data(1, [], end: true)]
      .flatMap { (frame: Frame) in frame.bytes }
    for byte in bytes { peer.send(bytes: [byte]) }
    #expect(peer.server.events.filter { !$0.hasPrefix("data") } == ["open 1", "end 1", "closed 1"])
    #expect(peer.server.received == 2)
    #expect(peer.take().contains { $0.stream == 1 && $0.endsStream })
  }

  @Test func `a header list in many parts is put together`() throws {
    let peer = try RawPeer()
    var block = Frame.block(Frame.request + [("x-long", String(repeating: "v", count: 5000))])
    var frames = [
      Frame(
        kind: Frame.Kind.headers, flags: Frame.endStream, stream: 1, payload: [block.removeFirst()])
    ]
    while !block.isEmpty {
      let part = Array(block.prefix(300))
      block.removeFirst(part.count)
      frames.append(
        Frame(
          kind: Frame.Kind.continuation, flags: block.isEmpty ? Frame.endHeaders : 0, stream: 1,
          payload: part))
    }
    peer.server.onOpen = { stream in
      #expect(stream.head["x-long"]?.count == 5000)
    }
    for frame in frames { peer.send(frame) }
    #expect(peer.server.events.contains("open 1"))
  }

  @Test func `trailers before the client has ended are followed by a gentle reset`() throws {
    let peer = try RawPeer()
    peer.server.onOpen = { stream in
      var head = HeaderBlock()
      head.add(":status", "200")
      stream.respond(head, endStream: true)
    }
    for number in 0..<300 {
      peer.send(.headers(UInt32(number * 2 + 1)))
      let frames = peer.take()
      #expect(frames.map(\.kind) == [Frame.Kind.headers, Frame.Kind.reset])
      #expect(frames.last?.number(at: 0) == 0)
    }
    #expect(peer.connection.streams.isEmpty)
    #expect(!peer.isClosed)
    #expect(peer.limits[.resetsSent] == 0)
  }

  @Test func `data goes as far as the client's window, and trailers never before it`() throws {
    let peer = try RawPeer()
    peer.send(.settings([(4, 1)]))
    peer.take()
    peer.send(.headers(1, end: true))
    var frames = peer.take()
    #expect(frames.filter { $0.kind == Frame.Kind.data }.map(\.payload.count) == [1])
    #expect(!frames.contains { $0.endsStream })
    peer.send(.windowUpdate(1, 10))
    frames = peer.take()
    #expect(frames.map(\.kind) == [Frame.Kind.data, Frame.Kind.headers])
    #expect(frames.last?.endsStream == true)
  }

  @Test func `trailers with nothing before them go out while the window is closed`() throws {
    let peer = try RawPeer()
    peer.send(.settings([(4, 0)]))
    peer.server.answersWithEnd = false
    peer.server.onOpen = RecordingServer.respond
    peer.send(.headers(1, end: true), .headers(3, end: true), .headers(5))
    peer.take()
    for stream in peer.server.opened where stream.id != 3 {
      stream.finish { $0.add("x-trailer", "1") }
    }
    peer.settle()
    let frames = peer.take()
    #expect(frames.filter { $0.kind == Frame.Kind.headers }.map(\.stream) == [1, 5])
    #expect(frames.filter(\.endsStream).map(\.stream) == [1, 5])
    #expect(frames.filter { $0.kind == Frame.Kind.reset }.map(\.stream) == [5])
    #expect(peer.connection.streams.map(\.id) == [3])
  }

  @Test func `trailers in the same tick as the head follow it`() throws {
    let peer = try RawPeer()
    peer.server.answersWithEnd = false
    peer.server.onOpen = { stream in
      RecordingServer.respond(stream)
      stream.finish { $0.add("x-trailer", "1") }
    }
    peer.send(.headers(1, end: true))
    let frames = peer.take()
    #expect(frames.map(\.kind) == [Frame.Kind.headers, Frame.Kind.headers])
    #expect(frames.map(\.endsStream) == [false, true])
    #expect(peer.server.events == ["open 1", "end 1", "closed 1"])
  }

  @Test func `streams share bytes without touching each other's`() throws {
    let peer = try RawPeer()
    // The third stream takes little at a time.
    peer.send(.settings([(4, 700)]))
    peer.server.answersWithEnd = false
    peer.server.onOpen = RecordingServer.respond
    peer.send(.headers(1, end: true), .headers(3, end: true), .headers(5, end: true))
    peer.send(.windowUpdate(1, 100_000), .windowUpdate(3, 100_000))
    peer.take()
    let shared = ByteBuffer(repeating: 7, count: 3000)
    for stream in peer.server.opened { #expect(stream.write(shared: shared)) }
    // Behind what is shared, and before the next that is.
    peer.server.opened[1].write { $0.writeRepeatingByte(1, count: 10) }
    peer.server.opened[2].write { $0.writeRepeatingByte(2, count: 10) }
    peer.settle()
    for stream in peer.server.opened {
      #expect(stream.write(shared: shared))
      stream.write { $0.writeRepeatingByte(9, count: 5) }
      stream.finish()
    }
    for _ in 0..<10 { peer.send(.windowUpdate(5, 700)) }
    let frames = peer.take()
    let block = [UInt8](repeating: 7, count: 3000)
    let middles: [UInt32: [UInt8]] = [1: [], 3: .init(repeating: 1, count: 10)]
      .merging([5: .init(repeating: 2, count: 10)]) { first, _ in first }
    for (stream, middle) in middles {
      let data = frames.filter { $0.stream == stream && $0.kind == Frame.Kind.data }
      #expect(data.flatMap(\.payload) == block + middle + block + [9, 9, 9, 9, 9])
    }
    #expect(shared == ByteBuffer(repeating: 7, count: 3000))
    #expect(peer.connection.streams.isEmpty)
  }

  @Test func `a stream that was over the mark says when it has drained`() throws {
    let peer = try RawPeer {
      $0.callHighWaterMark = 100_000; $0.callLowWaterMark = 40_000
    }
    var written = 0
    func fill(_ stream: HTTP2Stream) {
      while stream.isWritable, written < 500_000 {
        stream.write { $0.writeRepeatingByte(1, count: 10_000) }
        written += 10_000
      }
      if written == 500_000 { stream.finish() }
    }
    peer.server.onOpen = { stream in
      RecordingServer.respond(stream)
      fill(stream)
    }
    peer.server.onDrained = fill
    peer.server.answersWithEnd = false
    peer.send(.headers(1, end: true))
    #expect(written == 170_000)
    #expect(peer.server.events.filter { $0 == "drained 1" }.count == 1)
    for _ in 0..<50 where peer.connection.streams.count > 0 {
      peer.send(.windowUpdate(0, 30_000), .windowUpdate(1, 30_000))
    }
    let data = peer.take().filter { $0.kind == Frame.Kind.data }
    #expect(data.map(\.payload.count).reduce(0, +) == 500_000)
    #expect(data.last?.endsStream == true)
  }

  @Test func `nothing is sent while the channel takes nothing, and all when it does`() throws {
    let peer = try RawPeer()
    peer.channel.isWritable = false
    peer.channel.pipeline.fireChannelWritabilityChanged()
    peer.send(.headers(1, end: true))
    #expect(peer.take().isEmpty)
    peer.channel.isWritable = true
    peer.channel.pipeline.fireChannelWritabilityChanged()
    peer.settle()
    #expect(peer.take().contains { $0.endsStream })
  }

  @Test func `a stream's window opens as its bytes are consumed, the connection's as they arrive`()
    throws
  {
    let peer = try RawPeer {
      $0.streamWindowBytes = 65_535
      $0.connectionWindowBytes = 100_000
    }
    peer.server.consumes = false
    peer.send([.headers(1)] + (0..<4).map { _ in .data(1, Array(repeating: 0, count: 16_000)) })
    var updates = peer.take().filter { $0.kind == Frame.Kind.windowUpdate }
    #expect(updates.map(\.stream) == [0])
    #expect(updates.first?.number(at: 0) == 64_000)
    peer.server.opened[0].consume(64_000)
    peer.settle()
    updates = peer.take().filter { $0.kind == Frame.Kind.windowUpdate }
    #expect(updates.map(\.stream) == [1])
    #expect(updates.first?.number(at: 0) == 64_000)
  }

  @Test func `a connection that holds too much unread gives no more window, until it holds less`()
    throws
  {
    let peer = try RawPeer {
      $0.connectionWindowBytes = 70_000
      $0.maxUnreadBytesPerConnection = 50_000
    }
    peer.server.consumes = false
    peer.send([.headers(1)] + (0..<4).map { _ in .data(1, Array(repeating: 0, count: 16_000)) })
    #expect(!peer.take().contains { $0.kind == Frame.Kind.windowUpdate && $0.stream == 0 })
    peer.server.opened[0].consume(20_000)
    peer.settle()
    #expect(peer.take().contains { $0.kind == Frame.Kind.windowUpdate && $0.stream == 0 })
  }

  @Test func `streams that close unread leave the connection's window whole`() throws {
    let peer = try RawPeer {
      $0.connectionWindowBytes = 65_535
      $0.maxUnreadBytesPerConnection = 30_000
      $0.maxResetsReceived = 1000
    }
    peer.server.consumes = false
    var window = 65_535
    for number in 0..<200 {
      let id = UInt32(number * 2 + 1)
      peer.send(
        .headers(id), .data(id, Array(repeating: 0, count: 16_000)),
        .data(id, Array(repeating: 0, count: 16_000)))
      peer.send(.reset(id))
      window -= 32_000
      for frame in peer.take() where frame.kind == Frame.Kind.windowUpdate && frame.stream == 0 {
        window += Int(frame.number(at: 0))
      }
      try #require(window >= 32_000)
    }
  }

  @Test func `a lost connection ends every stream, once`() throws {
    let peer = try RawPeer()
    peer.server.answersWithEnd = false
    peer.send(.headers(1), .headers(3), .headers(5, end: true))
    try peer.channel.close().wait()
    #expect(peer.server.ends == [.connectionLost, .connectionLost, .connectionLost])
    #expect(peer.server.isClosed)
  }

  @Test func `a connection lost while a read is delivered takes what is left of it along`() throws {
    let peer = try RawPeer()
    var kept: [HTTP2Stream] = []
    peer.server.onOpen = { [weak peer] stream in
      kept.append(stream)
      if stream.id == 3 { peer?.channel.close(promise: nil) }
    }
    peer.send(
      .headers(1), .data(1, [1], end: true), .headers(3), .data(3, [1, 2]), .headers(5),
      .data(5, [1, 2, 3], end: true), .headers(7), .reset(7))
    #expect(kept.map(\.id) == [1, 3])
    #expect(!peer.server.events.contains("open 5"))
    #expect(peer.server.events.filter { $0.hasPrefix("closed") }.count == 2)
    #expect(peer.server.isClosed)
    #expect(peer.connection.streams.isEmpty)
  }

  @Test func `a request that is reset in the same read is not begun`() throws {
    let peer = try RawPeer()
    peer.send(.headers(1), .reset(1), .headers(3, end: true))
    #expect(peer.server.events == ["open 3", "end 3", "closed 3"])
  }

  @Test func `request trailers are told apart from the head`() throws {
    let peer = try RawPeer()
    peer.send(.headers(1), .data(1, [1]), .headers(1, [("x-t", "1")], end: true))
    #expect(peer.server.events == ["open 1", "data 1 1", "trailers 1", "end 1", "closed 1"])
  }

  @Test func `a stream is used again as new`() throws {
    let peer = try RawPeer()
    for id in [UInt32(1), 3, 5] {
      peer.server.onOpen = { stream in
        #expect(stream.head.count == Frame.request.count + 1)
        #expect(stream.head["x-id"] == "\(id)")
        #expect(stream.inboundTrailers.isEmpty)
        #expect(stream.bufferedBytes == 0)
      }
      peer.send(.headers(id, Frame.request + [("x-id", "\(id)")], end: true))
      #expect(peer.take().last?.endsStream == true)
    }
  }

  @Test func `an id below one that was opened is a connection error, unless it was open`() throws {
    let peer = try RawPeer()
    peer.send(.headers(5, end: true))
    peer.send(.headers(7, end: true), .headers(5, end: true))
    #expect(!peer.goAways.contains { $0.code == 1 && $0.lastStream == 0 })
    let other = try RawPeer()
    other.send(.headers(5, end: true))
    other.send(.headers(3, end: true))
    #expect(other.goAways.map(\.code) == [1])
    #expect(other.isClosed)
  }
}
