import DatasyncHTTP2
import NIOCore
import NIOEmbedded
import Synchronization

/// A server connection in memory, with a client that sends any bytes and a clock that tests move.
final class RawPeer {
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  let channel = EmbeddedChannel()
  let server: RecordingServer
  let connection: HTTP2Connection
  let limits = Limits()
  /// Everything that the connection has written, in order.
  private(set) var frames: [Frame] = []
  /// How many buffers that were.
  private(set) var writes = 0
  private(set) var isClosed = false

  init(greets: Bool = true, _ configure: (inout HTTP2Options) -> Void = { _ in }) throws {
    var options = HTTP2Options()
    options.limitObserver = limits
    configure(&options)
    server = RecordingServer()
    connection = HTTP2Connection(role: .server, options: options, delegate: server)
    server.connection = connection
    try channel.pipeline.syncOperations.addHandler(connection)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    channel.closeFuture.assumeIsolatedUnsafeUnchecked().whenComplete { [weak self] _ in
      self?.isClosed = true
    }
    collect()
    if greets {
      send(bytes: Self.preface)
      send(.settings(), .settingsAck)
      take()
    }
  }

  deinit {
    _ = try? channel.finish(acceptAlreadyClosed: true)
  }

  func send(_ frames: Frame...) {
    send(frames)
  }

  /// All in one read.
  func send(_ frames: [Frame]) {
    send(bytes: frames.flatMap(\.bytes))
  }

  func send(bytes: [UInt8]) {
    guard channel.isActive else { return }
    _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
    settle()
  }

  func settle() {
    channel.embeddedEventLoop.run()
    collect()
  }

  func advance(_ time: TimeAmount) {
    channel.embeddedEventLoop.advanceTime(by: time)
    settle()
  }

  private func collect() {
    while let buffer = try? channel.readOutbound(as: ByteBuffer.self) {
      writes += 1
      frames += Frame.parse(Array(buffer: buffer))
    }
  }

  /// What has come since the last time.
  @discardableResult
  func take() -> [Frame] {
    defer { frames = [] }
    return frames
  }

  var goAways: [(code: UInt32, lastStream: UInt32, debug: String)] {
    frames.filter { $0.kind == Frame.Kind.goAway }.map {
      ($0.number(at: 4), $0.number(at: 0), String(decoding: $0.payload.dropFirst(8), as: UTF8.self))
    }
  }

  var resets: [(stream: UInt32, code: UInt32)] {
    frames.filter { $0.kind == Frame.Kind.reset }.map { ($0.stream, $0.number(at: 0)) }
  }
}

/// Counts the limits that struck.
final class Limits: LimitObserver {
  private let counts = Mutex<[Limit: Int]>([:])

  func limitReached(_ limit: Limit) {
    counts.withLock { $0[limit, default: 0] += 1 }
  }

  subscript(limit: Limit) -> Int { counts.withLock { $0[limit, default: 0] } }
}

/// Writes down what happens, and answers as told.
final class RecordingServer: HTTP2ConnectionDelegate, HTTP2StreamDelegate {
  weak var connection: HTTP2Connection?
  var events: [String] = []
  var opened: [HTTP2Stream] = []
  var ends: [StreamEnd] = []
  /// Consumes what comes at once.
  var consumes = true
  var answersWithEnd = true
  var onOpen: ((HTTP2Stream) -> Void)?
  var onDrained: ((HTTP2Stream) -> Void)?
  var received = 0
  var isClosed = false
  var drainTimes: [TimeAmount] = []

  func streamOpened(_ stream: HTTP2Stream) {
    stream.delegate = self
    opened.append(stream)
    events.append("open \(stream.id)")
    onOpen?(stream)
  }

  func readCompleted() {}
  func headReceived(_ stream: HTTP2Stream) {}

  func dataReceived(_ data: ByteBuffer, _ stream: HTTP2Stream) {
    received += data.readableBytes
    events.append("data \(stream.id) \(data.readableBytes)")
    if consumes { stream.consume(data.readableBytes) }
  }

  func trailersReceived(_ stream: HTTP2Stream) {
    events.append("trailers \(stream.id)")
  }

  func endReceived(_ stream: HTTP2Stream) {
    events.append("end \(stream.id)")
    if answersWithEnd { answer(stream, "ok") }
  }

  func drained(_ stream: HTTP2Stream) {
    events.append("drained \(stream.id)")
    onDrained?(stream)
  }

  func closed(_ stream: HTTP2Stream, _ end: StreamEnd) {
    events.append("closed \(stream.id)")
    ends.append(end)
    opened.removeAll { $0 === stream }
  }

  /// Sends the head of a response that goes on.
  static func respond(_ stream: HTTP2Stream) {
    var head = HeaderBlock()
    head.add(":status", "200")
    stream.respond(head)
  }

  func answer(_ stream: HTTP2Stream, _ body: String) {
    RecordingServer.respond(stream)
    stream.write { $0.writeString(body) }
    stream.finish { $0.add("x-trailer", "1") }
  }

  func drainStarted(timeLeft: TimeAmount) {
    drainTimes.append(timeLeft)
  }

  func graceEnded() {
    connection?.close()
  }

  func connectionClosed() {
    isClosed = true
  }
}
