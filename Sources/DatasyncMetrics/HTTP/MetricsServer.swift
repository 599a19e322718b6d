package import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// What is asked of the server besides its metrics. A value.
package struct Probes: Sendable {
  /// What is wrong; nil: nothing.
  package typealias Probe = @Sendable (any EventLoop) -> EventLoopFuture<String?>

  /// Whether the process is to be left alone; where not, a supervisor may start it anew.
  package var isLive: Probe
  /// Whether clients are to be sent here.
  package var isReady: Probe
  /// Has values set that are gathered on other threads, before they are written.
  package var prepare: @Sendable (any EventLoop) -> EventLoopFuture<Void>

  /// Each is called on the server's event loop, which is its argument, once for each request, and its
  /// future is to be of that loop. One that fails closes the connection without an answer.
  package init(
    isLive: @escaping Probe, isReady: @escaping Probe,
    prepare: @escaping @Sendable (any EventLoop) -> EventLoopFuture<Void>
  ) {
    self.isLive = isLive
    self.isReady = isReady
    self.prepare = prepare
  }
}

/// A small HTTP/1.1 server for `/metrics`, `/livez` and `/readyz`. Sendable.
///
/// On a thread of its own: it answers while the others are busy.
package final class MetricsServer: Sendable {
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let registry: MetricRegistry
  private let probes: Probes
  /// The oldest first.
  private let connections = Mutex<[any Channel]>([])
  private let listener = Mutex<(any Channel)?>(nil)

  /// At once; for one more the oldest is closed.
  static let maxConnections = 64
  /// A connection on which nothing is asked for is closed after that.
  static let idleTime: TimeAmount = .seconds(30)

  /// Starts its thread; ``close()`` ends it.
  package init(registry: MetricRegistry, probes: Probes) {
    self.registry = registry
    self.probes = probes
  }

  /// - Parameter port: 0: one that is free.
  /// - Returns: The address, with the port.
  package func bind(host: String, port: Int) async throws -> SocketAddress {
    let channel = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 16)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in self.accept(channel) }
      .bind(host: host, port: port).get()
    listener.withLock { $0 = channel }
    guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
    return address
  }

  private func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
    let oldest = connections.withLock { connections -> (any Channel)? in
      connections.append(channel)
      return connections.count > MetricsServer.maxConnections ? connections.removeFirst() : nil
    }
    oldest?.close(promise: nil)
    channel.closeFuture.whenComplete { _ in
      self.connections.withLock { connections in connections.removeAll { $0 === channel } }
    }
    return channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(IdleStateHandler(allTimeout: MetricsServer.idleTime))
      try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: true)
      try pipeline.addHandler(MetricsHandler(registry: self.registry, probes: self.probes))
    }
  }

  /// Closes the listener and every connection, answered or not, and ends the thread; it cannot be bound
  /// again. Errors are not told.
  package func close() async {
    let channel = listener.withLock { listener in
      defer { listener = nil }
      return listener
    }
    try? await channel?.close()
    try? await group.shutdownGracefully()
  }
}
