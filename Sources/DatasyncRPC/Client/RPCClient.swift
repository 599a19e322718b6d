package import DatasyncHTTP2
package import NIOCore
import NIOPosix

/// A client's connection to one server. Sendable; calls are made and used on ``eventLoop``.
package final class RPCClient: Sendable {
  /// The one that was given to `connect`; what says so has to be called there.
  package let eventLoop: any EventLoop
  private let connection: NIOLoopBound<HTTP2Connection>
  private let channel: any Channel
  private let authority: String
  private let maxMessageBytes: Int

  private init(
    _ channel: any Channel, _ connection: HTTP2Connection, authority: String, maxMessageBytes: Int
  ) {
    eventLoop = channel.eventLoop
    self.channel = channel
    self.connection = NIOLoopBound(connection, eventLoop: channel.eventLoop)
    self.authority = authority
    self.maxMessageBytes = maxMessageBytes
  }

  /// Connects in cleartext.
  ///
  /// - Throws: What the socket says.
  package static func connect(
    host: String, port: Int, eventLoop: any EventLoop, options: HTTP2Options = HTTP2Options(),
    maxMessageBytes: Int = 4 << 20
  ) async throws -> RPCClient {
    try await connectFuture(
      host: host, port: port, eventLoop: eventLoop, options: options,
      maxMessageBytes: maxMessageBytes
    ).get()
  }

  /// As ``connect(host:port:eventLoop:options:maxMessageBytes:)``, for those who may not wait. Gives up
  /// after ten seconds.
  ///
  /// - Parameter maxMessageBytes: Of one response, as it comes and decompressed.
  package static func connectFuture(
    host: String, port: Int, eventLoop: any EventLoop, options: HTTP2Options = HTTP2Options(),
    maxMessageBytes: Int = 4 << 20
  ) -> EventLoopFuture<RPCClient> {
    // Not looked up in the pipeline: the server may have closed by then, and emptied it.
    let made = NIOLoopBoundBox.makeEmptyBox(valueType: HTTP2Connection.self, eventLoop: eventLoop)
    return ClientBootstrap(group: eventLoop)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
      .connectTimeout(.seconds(10))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let connection = HTTP2Connection(role: .client, options: options)
          connection.writesToSocket = true
          made.value = connection
          try channel.pipeline.syncOperations.addHandler(connection)
        }
      }
      .connect(host: host, port: port)
      .flatMapThrowing { channel in
        guard let connection = made.value else { throw ChannelError.ioOnClosedChannel }
        return RPCClient(
          channel, connection, authority: "\(host):\(port)", maxMessageBytes: maxMessageBytes)
      }
  }

  /// Whether calls can be made; on the event loop.
  package var isActive: Bool { connection.value.isActive }

  /// Starts a call; on the event loop. It ends with UNAVAILABLE if the connection takes none.
  package func call(
    _ path: String, metadata: Metadata = Metadata(), timeout: TimeAmount? = nil,
    encoding: Encoding? = nil, delegate: any ClientCallDelegate
  ) -> ClientCall {
    var fields = HeaderBlock()
    fields.add(":method", "POST")
    fields.add(":scheme", "http")
    fields.add(":path", path)
    fields.add(":authority", authority)
    GRPCRequestFields.add(timeout: timeout, encoding: encoding, metadata: metadata, to: &fields)
    let call = ClientCall(
      eventLoop: eventLoop, delegate: delegate, requestEncoding: encoding,
      maxMessageBytes: maxMessageBytes)
    call.start(connection.value.openStream(fields, delegate: call), timeout: timeout)
    return call
  }

  /// Tells the server, then closes.
  package func close() async {
    eventLoop.execute { self.connection.value.close() }
    try? await channel.closeFuture.get()
  }
}
