import DatasyncGRPCServices
import DatasyncHTTP2
import DatasyncProtobuf
import DatasyncRPC
import Logging
import NIOCore
import NIOEmbedded

/// A whole server with one connection, in memory and with a clock of its own. Namespace.
enum ConnectionTarget {
  /// An input is what the client sends.
  static func run(bytes: [UInt8]) throws {
    guard let first = bytes.first else { return }
    let arrival = Arrival(first)
    try run([.bytes(Array(bytes.dropFirst()))], arrival)
  }

  /// An input says what the client does.
  ///
  /// - Parameter isWeb: In the protocols of the web.
  static func run(frames: [UInt8], isWeb: Bool = false) throws {
    guard let first = frames.first else { return }
    try run(ClientFrames(frames.dropFirst(), isWeb: isWeb).steps, Arrival(first), isWeb: isWeb)
  }

  private static func run(
    _ steps: [ClientFrames.Step], _ arrival: Arrival, isWeb: Bool = false
  ) throws {
    let ledger = CallLedger()
    let client = try FuzzClient(ledger, options: options(arrival), isWeb: isWeb)
    for step in steps {
      switch step {
      case .bytes(let bytes): for part in arrival.parts(bytes[...]) { client.send(part) }
      case .wait(let milliseconds): client.advance(.milliseconds(milliseconds))
      }
    }
    // Whoever is silent now has his connection for no longer than all the timeouts.
    client.advance(.seconds(300))
    client.close()
    try client.checkFrames()
    try require(client.server.connectionCount == 0, "\(client.server.connectionCount) connections")
    try ledger.check()
  }

  /// Limits so low that short inputs reach them.
  private static func options(_ arrival: Arrival) -> RPCOptions {
    var options = RPCOptions()
    options.maxMessageBytes = 2048
    options.web = WebOptions(transcoder: FuzzTranscoder())
    options.compressesResponses = arrival.choice(0)
    options.http2.maxConcurrentStreams = 8
    options.http2.maxHeaderListBytes = 2048
    options.http2.maxHeaderFields = 16
    options.http2.callHighWaterMark = 1024
    options.http2.callLowWaterMark = 256
    options.http2.maxBufferedBytesPerConnection = 8192
    options.http2.maxUnreadBytesPerConnection = 4096
    options.http2.maxControlFrames = 20
    options.http2.controlFramesPerStream = 2
    options.http2.maxSettings = 4
    options.http2.maxEmptyDataFrames = 3
    options.http2.maxResetsReceived = 4
    options.http2.maxResetsSent = 4
    if arrival.choice(1) {
      options.http2.maxConnectionIdle = .seconds(10)
      options.http2.maxConnectionAge = .seconds(100)
      options.http2.maxConnectionAgeGrace = .seconds(50)
      options.http2.keepaliveTime = .seconds(20)
      options.http2.permitsPingsWithoutCalls = true
    }
    return options
  }
}

/// Takes a message for its JSON, but where it begins with what JSON does not. A value.
private struct FuzzTranscoder: MessageTranscoder {
  private func transcode(_ bytes: ByteBuffer, _ fault: Status) throws(Status) -> ByteBuffer {
    guard bytes.readableBytesView.first != 0xFF else { throw fault }
    return bytes
  }

  func request(json: ByteBuffer, path: String) throws(Status) -> ByteBuffer {
    try transcode(json, malformedMessage("as told"))
  }

  func response(_ message: ByteBuffer, path: String) throws(Status) -> ByteBuffer {
    try transcode(message, Status(.internal, "as told"))
  }

  func json(ofType fullName: String, _ message: [UInt8]) -> [UInt8]? { nil }

  func malformedMessage(_ problem: String) -> Status { Status(.invalidArgument, problem) }
}

/// What a client is to the server: bytes in, frames out.
private final class FuzzClient {
  let server: RPCServer
  private let channel = EmbeddedChannel()
  private var output: [UInt8] = []

  init(_ ledger: CallLedger, options: RPCOptions, isWeb: Bool) throws {
    let registry = ServiceRegistry([])
    let health = HealthService()
    server = RPCServer(
      options: options, registry: registry, group: channel.embeddedEventLoop,
      logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
    ) { health.shutDown() }
    let pool = DescriptorPool(fileDescriptorSets: [])
    registry.replace(
      [ledger.service, health.service, ChannelzService(server: server).service]
        + ReflectionService(pool: pool, registry: registry).services)
    try server.accept(channel, isWeb: isWeb)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    settle()
  }

  func send(_ bytes: ArraySlice<UInt8>) {
    guard channel.isActive else { return }
    _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
    settle()
  }

  func advance(_ time: TimeAmount) {
    channel.embeddedEventLoop.advanceTime(by: time)
    settle()
  }

  func close() {
    _ = try? channel.finish(acceptAlreadyClosed: true)
    settle()
  }

  private func settle() {
    channel.embeddedEventLoop.run()
    while let buffer = try? channel.readOutbound(as: ByteBuffer.self) {
      output += buffer.readableBytesView
    }
  }

  /// After a stream's end nothing more comes on it, and no frame is longer than a client takes.
  func checkFrames() throws {
    if output.starts(with: "HTTP/1.1 505 ".utf8) {
      return try require(output.last == UInt8(ascii: "\n"), "an answer that ends within a line")
    }
    var rest = output[...]
    var ended: Set<UInt32> = []
    while rest.count >= 9 {
      let header = rest.prefix(9).map { UInt32($0) }
      let length = Int(header[0] << 16 | header[1] << 8 | header[2])
      let (kind, flags) = (header[3], header[4])
      let stream = header[5] << 24 | header[6] << 16 | header[7] << 8 | header[8]
      try require(length <= 16_384 && rest.count >= 9 + length, "a frame of \(length) bytes")
      rest = rest.dropFirst(9 + length)
      switch kind {
      case 0, 1:
        try require(stream & 1 == 1, "a frame of the kind \(kind) on the stream \(stream)")
        try require(!ended.contains(stream), "the stream \(stream) goes on after its end")
        if flags & 1 == 1 { ended.insert(stream) }
      case 3:
        ended.insert(stream)
      default:
        break
      }
    }
    try require(rest.isEmpty, "the output ends within a frame")
  }
}
