import DatasyncHTTP2
import NIOCore
import Testing

/// What hostile peers do, and what becomes of them.
struct LimitTests {
  @Test func `rapid resets end the connection`() throws {
    let peer = try RawPeer()
    var frames: [Frame] = []
    for number in 0..<201 {
      let id = UInt32(number * 2 + 1)
      frames += [.headers(id), .reset(id)]
    }
    peer.send(frames)
    #expect(peer.goAways.map(\.code) == [11])
    #expect(peer.goAways.map(\.debug) == ["max_resets_received"])
    #expect(peer.limits[.resetsReceived] == 1)
    #expect(peer.isClosed)
    #expect(peer.server.opened.isEmpty)
  }

  @Test func `resets at a pace that clients have are no offence`() throws {
    let peer = try RawPeer()
    peer.server.answersWithEnd = false
    // The library, too, counts, by the real clock; this is under its burst.
    for number in 0..<390 {
      let id = UInt32(number * 2 + 1)
      peer.send(.headers(id))
      peer.send(.reset(id))
      peer.advance(.milliseconds(60))
    }
    #expect(!peer.isClosed)
  }

  @Test func `resets that the peer makes us send end the connection`() throws {
    let peer = try RawPeer()
    peer.server.answersWithEnd = false
    for number in 0..<201 where !peer.isClosed {
      let id = UInt32(number * 2 + 1)
      peer.send(.headers(id), .windowUpdate(id, 0x7FFF_FFFF))
    }
    #expect(peer.resets.count == 201)
    #expect(peer.goAways.map(\.debug) == ["max_resets_sent"])
    #expect(peer.isClosed)
  }

  @Test func `pings without answers between them are counted, two are forgiven`() throws {
    let peer = try RawPeer()
    peer.server.answersWithEnd = false
    peer.send(.headers(1))
    for _ in 0..<3 { peer.send(.ping()) }
    #expect(peer.take().filter { $0.kind == Frame.Kind.ping }.count == 3)
    peer.send(.ping())
    #expect(peer.goAways.map(\.code) == [11])
    #expect(peer.goAways.map(\.debug) == ["too_many_pings"])
    #expect(peer.isClosed)
  }

  @Test func `pings on what was received are no offence`() throws {
    let peer = try RawPeer()
    for number in 0..<100 {
      peer.send(.headers(UInt32(number * 2 + 1), end: true))
      peer.send(.ping())
    }
    #expect(!peer.isClosed)
  }

  @Test func `empty frames without an end are counted in a row`() throws {
    let peer = try RawPeer()
    peer.send([.headers(1)] + (0..<16).map { _ in .data(1) } + [.data(1, [1])])
    #expect(!peer.isClosed)
    peer.send((0..<17).map { _ in .data(1) })
    #expect(peer.goAways.map(\.debug) == ["max_empty_data_frames"])
    #expect(peer.isClosed)
  }

  @Test(arguments: [true, false])
  func `PRIORITY and WINDOW_UPDATE are bounded by what goes on`(isPriority: Bool) throws {
    let peer = try RawPeer()
    peer.server.answersWithEnd = false
    peer.send(.headers(1))
    let frame: Frame = isPriority ? .priority(1) : .windowUpdate(1, 1)
    peer.send((0..<1100).map { _ in frame })
    #expect(!peer.isClosed)
    peer.send(frame)
    #expect(peer.goAways.map(\.debug) == ["max_control_frames"])
    #expect(peer.isClosed)
  }

  @Test(arguments: [UInt8(0x0A), 0x0C, 0x10, 0x42, 0xFF])
  func `frames of types that nobody knows are ignored, and counted`(kind: UInt8) throws {
    let peer = try RawPeer()
    peer.server.answersWithEnd = false
    peer.send(.headers(1))
    let frame = Frame(kind: kind, flags: 0xFF, stream: 1, payload: [1, 2, 3])
    peer.send((0..<1100).map { _ in frame })
    #expect(!peer.isClosed)
    peer.send(.data(1, [1], end: true))
    #expect(peer.server.events.last == "end 1")
    peer.send(frame)
    #expect(peer.goAways.map(\.debug) == ["max_control_frames"])
    #expect(peer.isClosed)
  }

  @Test(arguments: [0, 255])
  func `frames that hold nothing but padding are empty`(padding: Int) throws {
    let peer = try RawPeer()
    peer.server.answersWithEnd = false
    let padded = Frame(
      kind: Frame.Kind.data, flags: 8, stream: 1,
      payload: [UInt8(padding)] + Array(repeating: 0, count: padding))
    let full = Frame(kind: Frame.Kind.data, flags: 8, stream: 1, payload: [1, 42, 0])
    peer.send([.headers(1)] + Array(repeating: padded, count: 16) + [full])
    peer.send(Array(repeating: padded, count: 16))
    #expect(!peer.isClosed)
    #expect(peer.server.received == 1)
    peer.send(padded)
    #expect(peer.goAways.map(\.debug) == ["max_empty_data_frames"])
    #expect(peer.isClosed)
  }

  @Test func `SETTINGS are bounded by a rate`() throws {
    let peer = try RawPeer()
    for _ in 0..<300 {
      peer.send(.settings())
      peer.advance(.milliseconds(110))
    }
    #expect(!peer.isClosed)
    peer.send((0..<200).map { _ in .settings() })
    #expect(peer.goAways.map(\.debug) == ["max_settings"])
    #expect(peer.isClosed)
  }

  @Test func `a header list over the limit is not kept`() throws {
    let peer = try RawPeer()
    var seen: [Limit?] = []
    peer.server.onOpen = { seen.append($0.exceededHeaderLimit) }
    peer.send(
      .headers(1, Frame.request + [("x-a", String(repeating: "a", count: 15_000))], end: true))
    peer.send(
      .headers(3, Frame.request + [("x-a", String(repeating: "a", count: 16_200))], end: true))
    let many = (0..<200).map { ("x-\($0)", "1") }
    peer.send(.headers(5, Frame.request + many, end: true))
    #expect(seen == [nil, .headerList, .headerFields])
    #expect(!peer.isClosed)
  }

  @Test func `a small block that stands for a huge list ends the connection`() throws {
    let peer = try RawPeer()
    // An entry of 4,000 bytes put into the table, then named again and again by one byte each.
    let long = Array(repeating: UInt8(ascii: "a"), count: 3900)
    let entry: [UInt8] = [0x40, 1, UInt8(ascii: "x"), 0x7F, 0xBD, 0x1D] + long
    let bomb = Frame.block(Frame.request) + entry + Array(repeating: 0xBE, count: 10_000)
    peer.send(
      Frame(
        kind: Frame.Kind.headers, flags: Frame.endStream | Frame.endHeaders, stream: 1,
        payload: bomb))
    #expect(peer.goAways.map(\.debug) == ["max_header_flood_bytes"])
    #expect(peer.isClosed)
  }

  @Test func `continuations without end close the connection`() throws {
    let peer = try RawPeer()
    peer.send(.headers(1, endHeaders: false))
    var sent = 0
    while !peer.isClosed, sent < 100_000 {
      peer.send(
        Frame(kind: Frame.Kind.continuation, stream: 1, payload: Frame.block([("x-a", "1")])))
      sent += 1
    }
    #expect(sent <= 200)
    #expect(peer.goAways.map(\.code) == [11])
  }

  @Test func `more streams than permitted are refused, or end the connection`() throws {
    let peer = try RawPeer { $0.maxConcurrentStreams = 10 }
    peer.server.answersWithEnd = false
    peer.send((0..<11).map { .headers(UInt32($0 * 2 + 1)) })
    #expect(peer.server.opened.count <= 10)
    #expect(peer.resets.contains { $0.code == 7 } || !peer.goAways.isEmpty)
  }

  @Test func `what a handler writes is bounded for the connection`() throws {
    let peer = try RawPeer { $0.maxBufferedBytesPerConnection = 1 << 20 }
    var refused = 0
    peer.server.answersWithEnd = false
    peer.server.onOpen = { stream in
      var head = HeaderBlock()
      head.add(":status", "200")
      stream.respond(head)
      for _ in 0..<100 where !stream.write({ $0.writeRepeatingByte(1, count: 100_000) }) {
        refused += 1
      }
    }
    peer.send(.headers(1, end: true))
    #expect(refused == 89)
    #expect(peer.limits[.bufferedBytes] == 89)
  }

  @Test func `one message passes however large it is, where nothing else waits`() throws {
    let peer = try RawPeer { $0.maxBufferedBytesPerConnection = 1 << 20 }
    var isTaken: [Bool] = []
    peer.server.answersWithEnd = false
    peer.server.onOpen = { stream in
      stream.respond(head)
      isTaken.append(stream.write { $0.writeRepeatingByte(1, count: 5 << 20) })
      isTaken.append(stream.write { $0.writeRepeatingByte(1, count: 1) })
    }
    peer.send(.headers(1, end: true))
    #expect(isTaken == [true, false])
  }

  @Test func `connections share what they may hold together, and each keeps a share of its own`()
    throws
  {
    let budget = BufferBudget(maxBytes: 1 << 20)
    let peers = try (0..<3).map { _ in
      try RawPeer {
        $0.bufferBudget = budget
        $0.bufferedBytesShare = 200_000
      }
    }
    var taken: [Int] = []
    for peer in peers {
      peer.server.answersWithEnd = false
      var count = 0
      peer.server.onOpen = { stream in
        stream.respond(head)
        while count < 100, stream.write({ $0.writeRepeatingByte(1, count: 100_000) }) { count += 1 }
      }
      peer.send(.settings([(4, 0)]), .headers(1, end: true))
      taken.append(count)
    }
    // The first takes all, and what is left for the others is their share and the message beyond.
    #expect(taken == [11, 3, 3])
    #expect(budget.heldBytes == 1_700_000)
    peers[0].send(.reset(1))
    #expect(budget.heldBytes == 600_000)
    try peers[1].channel.close().wait()
    #expect(budget.heldBytes == 300_000)
    peers[2].send(.windowUpdate(1, 1 << 20), .windowUpdate(0, 1 << 20))
    #expect(budget.heldBytes == 0)
  }

  private var head: HeaderBlock {
    var head = HeaderBlock()
    head.add(":status", "200")
    return head
  }
}
