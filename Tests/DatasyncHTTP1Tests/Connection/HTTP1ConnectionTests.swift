import DatasyncHTTP1
import DatasyncHTTP2
import NIOCore
import NIOEmbedded
import Testing

struct HTTP1ConnectionTests {
  /// Counts what the connection asks of its socket.
  private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var count = 0

    func read(context: ChannelHandlerContext) {
      count += 1
      context.read()
    }
  }

  /// Keeps requests until they are answered with their paths.
  private final class Keeper: HTTP1ConnectionDelegate, HTTP1StreamDelegate {
    var open: [HTTP1Stream] = []
    var unconsumed = 0
    var ends: [StreamEnd] = []
    var drained = 0
    var isClosed = false

    func streamOpened(_ stream: HTTP1Stream) {
      stream.delegate = self
      open.append(stream)
    }

    func answer(_ write: (inout ByteBuffer) -> Void) {
      let stream = open.removeFirst()
      var head = HeaderBlock()
      head.add(":status", "200")
      stream.respond(head)
      stream.write(write)
      stream.finish()
    }

    func answer(to fault: HTTP1Fault) -> HTTPAnswer {
      HTTPAnswer(status: fault.status, body: fault.sentence)
    }

    func dataReceived(_ data: ByteBuffer, _ stream: HTTP1Stream) {
      unconsumed += data.readableBytes
    }
    func endReceived(_ stream: HTTP1Stream) {}
    func drained(_ stream: HTTP1Stream) { drained += 1 }
    func closed(_ stream: HTTP1Stream, _ end: StreamEnd) { ends.append(end) }
    func readCompleted() {}
    func drainStarted(timeLeft: TimeAmount) {}
    func graceEnded() {}
    func connectionClosed() { isClosed = true }
  }

  private let keeper = Keeper()
  private let reads = ReadCounter()
  private let channel = EmbeddedChannel()

  init() throws {
    var options = HTTP2Options()
    options.streamWindowBytes = 1000
    options.headerTimeout = .seconds(10)
    let connection = HTTP1Connection(options: Shared(options), scheme: "http")
    connection.delegate = keeper
    try channel.pipeline.syncOperations.addHandlers([reads, connection])
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  private func receive(_ text: String) throws {
    try channel.writeInbound(ByteBuffer(string: text))
    channel.embeddedEventLoop.run()
  }

  private func sent() throws -> String {
    channel.embeddedEventLoop.run()
    var text = ""
    while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
    return text
  }

  private let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

  @Test func `what is sent ahead is not read without bound, and read when its turn comes`() throws {
    let before = reads.count
    let ahead = HTTP1Connection.maxAheadBytes / get.utf8.count + 2
    try receive(get + String(repeating: get, count: ahead))
    #expect(keeper.open.count == 1)
    channel.read()
    #expect(reads.count == before)
    keeper.answer { $0.writeString("a") }
    #expect(try sent().hasSuffix("transfer-encoding: chunked\r\n\r\n00000001\r\na\r\n0\r\n\r\n"))
    #expect(keeper.open.count == 1 && reads.count == before + 1)
    #expect(keeper.ends == [.closed(.noError)])
  }

  @Test func `a body is not read beyond the window of a stream`() throws {
    try receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n")
    let before = reads.count
    try receive(String(repeating: "a", count: 1000))
    channel.read()
    #expect(reads.count == before && keeper.unconsumed == 1000)
    try #require(keeper.open.first).consume(500)
    #expect(reads.count == before + 1)
  }

  @Test func `an empty chunk does not end an answer`() throws {
    try receive(get)
    let stream = try #require(keeper.open.first)
    keeper.answer { _ in }
    #expect(stream.canSend == false)
    #expect(try sent().hasSuffix("chunked\r\n\r\n0\r\n\r\n"))
  }

  @Test func `an answer that is given up ends the connection without its end`() throws {
    try receive(get)
    let stream = try #require(keeper.open.first)
    stream.respond(
      {
        var head = HeaderBlock()
        head.add(":status", "200")
        return head
      }())
    stream.write { $0.writeString("half") }
    stream.reset()
    #expect(try !sent().contains("\r\n0\r\n\r\n"))
    #expect(keeper.ends == [.closed(.cancel)] && !channel.isActive && keeper.isClosed)
  }

  @Test func `a head has its time, and so has silence`() throws {
    try receive("GET / HTTP/1.1\r\n")
    channel.embeddedEventLoop.advanceTime(by: .seconds(9))
    #expect(try sent().isEmpty)
    // Bytes that come do not make it longer.
    try receive("Host")
    channel.embeddedEventLoop.advanceTime(by: .seconds(2))
    #expect(try sent().hasPrefix("HTTP/1.1 408 "))
  }

  @Test func `a connection without a request is closed in the end`() throws {
    try receive(get)
    keeper.answer { $0.writeString("a") }
    #expect(try sent().isEmpty == false)
    channel.embeddedEventLoop.advanceTime(by: .seconds(74))
    #expect(!keeper.isClosed)
    channel.embeddedEventLoop.advanceTime(by: .seconds(5))
    #expect(!channel.isActive && keeper.isClosed)
  }
}
