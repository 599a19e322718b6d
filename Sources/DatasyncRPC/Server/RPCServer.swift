import DatasyncHTTP2
package import Logging
package import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Serves a registry's services on one or more addresses. Sendable.
package final class RPCServer: Sendable {
  /// Why an address is not listened on: `HOST:PORT` as it was asked for.
  package enum BindError: Error, CustomStringConvertible {
    case addressInUse(String)
    case failed(String, any Error)

    /// For the operator.
    package var description: String {
      switch self {
      case .addressInUse(let address): "the address \(address) is in use by another program"
      case .failed(let address, let error): "cannot listen on \(address): \(error)"
      }
    }
  }

  /// An address on which connections are taken. A value.
  package struct Listener: Sendable {
    /// In the process, among those of sockets and servers.
    package let id: Int
    let channel: any Channel
    /// Nil: it is closed.
    package var address: SocketAddress? { channel.localAddress }
  }

  /// What the connections of an event loop share. Loop-bound.
  private struct LoopQueues {
    let pumps: PumpQueue
    let turns: TurnQueue
  }

  private struct State {
    var listeners: [Listener] = []
    var connections: [Int: NIOLoopBound<ServerConnection>] = [:]
    /// Of the connections that are gone.
    var endedCalls = CallCounts()
    var perAddress: [String: Int] = [:]
    /// Of each event loop that has had a connection.
    var queues: [ObjectIdentifier: NIOLoopBound<LoopQueues>] = [:]
    var isDraining = false
    var whenEmpty: [EventLoopPromise<Void>] = []
  }

  /// In the process, among those of sockets.
  package let id = SerialNumber.next()
  private let sharedOptions: Shared<RPCOptions>
  /// Of connections that come where programs ask that are no gRPC clients.
  private let sharedWebOptions: Shared<RPCOptions>
  private let sharedHTTP2Options: Shared<HTTP2Options>
  private let sharedWebHTTP2Options: Shared<HTTP2Options>
  let registry: ServiceRegistry
  private let ending: @Sendable () -> Void
  let group: any EventLoopGroup
  private let logger: Logger
  private let rareLog: RareLog
  private let state = Mutex(State())

  /// Copies the options, and makes the budgets that all its connections share. Listens to nothing yet.
  ///
  /// - Parameter ending: Called, perhaps more than once, when the server begins to shut down: while it
  ///   still answers, so that clients can be told.
  package init(
    options: RPCOptions = RPCOptions(), registry: ServiceRegistry, group: any EventLoopGroup,
    logger: Logger, ending: @escaping @Sendable () -> Void = {}
  ) {
    var options = options
    if options.http2.bufferBudget == nil {
      options.http2.bufferBudget = BufferBudget(maxBytes: options.maxBufferedBytes)
    }
    options.requestBudget = BufferBudget(maxBytes: options.maxRequestBytes)
    options.largeAnswers = LargeAnswers()
    options.routes.add("/", answer: HTTPAnswer(body: options.greeting))
    if options.http2.http1Answer == nil {
      options.http2.http1Answer = HTTPAnswer(
        status: 505,
        body: "This is a gRPC server, which speaks HTTP/2 alone: use a gRPC client, or grpcurl.\n")
    }
    sharedWebOptions = Shared(options)
    options.web = nil
    sharedOptions = Shared(options)
    sharedHTTP2Options = Shared(options.http2)
    options.http2.takesWebSockets = true
    sharedWebHTTP2Options = Shared(options.http2)
    self.registry = registry
    self.ending = ending
    self.group = group
    self.logger = logger
    rareLog = RareLog(logger: logger)
    if !ProcessMemory.givesBack { logger.notice("freed memory may stay with the process") }
  }

  var options: RPCOptions { sharedOptions.value }

  /// Listens for HTTP/2, on the web for HTTP/1.1 too: over TLS where the options hold some, else cleartext with prior knowledge.
  ///
  /// - Parameters:
  ///   - port: 0: one that is free.
  ///   - isWeb: Whether what ``RPCOptions/web`` says is spoken there too.
  /// - Returns: The address, with the port.
  /// - Throws: ``BindError``.
  package func bind(host: String, port: Int, isWeb: Bool = false) async throws -> SocketAddress {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Int32(clamping: options.backlog))
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptBackoff(log: self.rareLog))
        }
      }
      .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 16_384, maximum: 262_144)
      )
      .childChannelOption(
        .writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10)
      )
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try self.accept(channel, isWeb: isWeb) }
      }
    let channel: any Channel
    do {
      channel = try await bootstrap.bind(host: host, port: port).get()
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      throw BindError.addressInUse("\(host):\(port)")
    } catch {
      throw BindError.failed("\(host):\(port)", error)
    }
    state.withLock { $0.listeners.append(Listener(id: SerialNumber.next(), channel: channel)) }
    guard let address = channel.localAddress else {
      throw BindError.failed("\(host):\(port)", ChannelError.unknownLocalAddress)
    }
    return address
  }

  // MARK: - Connections

  private struct Refused: Error {}

  /// Serves a connection that has come, on its event loop; one of the server's group.
  ///
  /// - Parameter isWeb: As for ``bind(host:port:isWeb:)``.
  /// - Throws: where the connection is refused; its channel is the caller's to close.
  package func accept(_ channel: any Channel, isWeb: Bool = false) throws {
    let remote = channel.remoteAddress
    let ip = remote?.ipAddress ?? ""
    let peer = Peer(
      address: "\(ip):\(remote?.port ?? 0)", isLoopback: remote?.isLoopback ?? false)
    let queues = queues(of: channel.eventLoop)
    let connection = ServerConnection(
      options: isWeb ? sharedWebOptions : sharedOptions,
      http2: isWeb ? sharedWebHTTP2Options : sharedHTTP2Options,
      registry: registry, peer: peer, eventLoop: channel.eventLoop, turns: queues.turns,
      logger: logger
    ) { [weak self] in self?.closed($0, ip) }
    let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
    let refusal: Limit?? = state.withLock { state in
      if state.isDraining { return .some(nil) }
      if state.connections.count >= options.maxConnections { return .connections }
      if state.perAddress[ip, default: 0] >= options.maxConnectionsPerAddress {
        return .connectionsPerAddress
      }
      state.connections[connection.id] = bound
      state.perAddress[ip, default: 0] += 1
      return .none
    }
    if let refusal {
      if let limit = refusal {
        options.limitObserver?.limitReached(limit)
        logger.debug(
          "connection refused", metadata: ["peer": "\(ip)", "limit": "\(limit.rawValue)"])
      }
      throw Refused()
    }
    guard let tls = options.tls else {
      try channel.pipeline.syncOperations.addHandler(
        isWeb
          ? ProtocolGate(connection: connection, pumpQueue: queues.pumps)
          : connection.speak(sendingWith: queues.pumps, writesToSocket: true))
      return
    }
    try channel.pipeline.syncOperations.addHandlers(
      tls.makeHandler(isWeb: isWeb),
      TLSGate(
        connection: connection, timeout: tls.handshakeTimeout, pumpQueue: queues.pumps, log: rareLog
      ))
  }

  private func queues(of eventLoop: any EventLoop) -> LoopQueues {
    state.withLock { state in
      let id = ObjectIdentifier(eventLoop)
      if let queues = state.queues[id] { return queues }
      let queues = NIOLoopBound(
        LoopQueues(
          pumps: PumpQueue(eventLoop: eventLoop), turns: TurnQueue(eventLoop: eventLoop)),
        eventLoop: eventLoop)
      state.queues[id] = queues
      return queues
    }.value
  }

  private func closed(_ connection: ServerConnection, _ ip: String) {
    let counts = connection.counts
    let waiting = state.withLock { state -> [EventLoopPromise<Void>] in
      if state.connections.removeValue(forKey: connection.id) != nil {
        state.endedCalls.add(counts)
      }
      if let count = state.perAddress[ip] {
        state.perAddress[ip] = count > 1 ? count - 1 : nil
      }
      guard state.connections.isEmpty else { return [] }
      defer { state.whenEmpty = [] }
      return state.whenEmpty
    }
    for promise in waiting { promise.succeed() }
  }

  /// Whether connections are accepted.
  package var isListening: Bool {
    state.withLock { !$0.listeners.isEmpty }
  }

  /// With those in the TLS handshake, and those that drain.
  package var connectionCount: Int {
    state.withLock { $0.connections.count }
  }

  // MARK: - What is seen from outside

  /// None before ``bind(host:port:)``, and none once it shuts down.
  package var listeners: [Listener] { state.withLock { $0.listeners } }

  /// The connections' ids from one on, in order, and whether there are no more.
  package func connectionIDs(from first: Int, max: Int) -> (ids: ArraySlice<Int>, isEnd: Bool) {
    let ids = state.withLock { Array($0.connections.keys) }.filter { $0 >= first }.sorted()
    return (ids.prefix(max), ids.count <= max)
  }

  /// A connection as it is, asked on its own loop; nil: there is none of that id.
  package func socket(
    id: Int, on eventLoop: any EventLoop
  ) -> EventLoopFuture<SocketSnapshot>? {
    guard let connection = state.withLock({ $0.connections[id] }) else { return nil }
    return connection.eventLoop.submit { SocketSnapshot(connection.value) }.hop(to: eventLoop)
  }

  /// All calls since the server began, each connection asked on its own loop.
  package func callCounts(on eventLoop: any EventLoop) -> EventLoopFuture<CallCounts> {
    let (ended, connections) = state.withLock { ($0.endedCalls, Array($0.connections.values)) }
    let loops = Dictionary(grouping: connections) { ObjectIdentifier($0.eventLoop) }
    let parts = loops.values.compactMap { connections in
      connections.first?.eventLoop.submit {
        connections.reduce(into: CallCounts()) { $0.add($1.value.counts) }
      }
    }
    return EventLoopFuture.reduce(into: ended, parts, on: eventLoop) { $0.add($1) }
  }

  // MARK: - The end

  /// Shuts down in order: first who is told of it, then the listeners, then the connections, which serve what
  /// runs. Returns when all are gone; after the grace calls are aborted.
  ///
  /// - Parameter beforeAborting: Awaited when the grace is over, or all calls are: what has begun may
  ///   be answered still.
  package func drain(
    grace: TimeAmount, beforeAborting: @Sendable () async -> Void = {}
  ) async {
    ending()
    await stopListening()
    for connection in state.withLock({ Array($0.connections.values) }) {
      connection.eventLoop.execute { connection.value.drain(timeLeft: grace) }
    }
    let promise = group.next().makePromise(of: Void.self)
    let isEmpty = state.withLock { state in
      if !state.connections.isEmpty { state.whenEmpty.append(promise) }
      return state.connections.isEmpty
    }
    if isEmpty { promise.succeed() }
    let deadline = group.next().scheduleTask(in: grace) { promise.succeed() }
    try? await promise.futureResult.get()
    deadline.cancel()
    await beforeAborting()
    await close()
  }

  /// Ends every call with UNAVAILABLE, and every connection.
  package func close() async {
    ending()
    await stopListening()
    let connections = state.withLock { Array($0.connections.values) }
    guard !connections.isEmpty else { return }
    let promise = group.next().makePromise(of: Void.self)
    let isEmpty = state.withLock { state in
      if !state.connections.isEmpty { state.whenEmpty.append(promise) }
      return state.connections.isEmpty
    }
    if isEmpty { promise.succeed() }
    for connection in connections {
      connection.eventLoop.execute { connection.value.close() }
    }
    let limit = options.lingerTimeout + .seconds(1)
    let deadline = group.next().scheduleTask(in: limit) { promise.succeed() }
    try? await promise.futureResult.get()
    deadline.cancel()
    for connection in state.withLock({ Array($0.connections.values) }) {
      connection.eventLoop.execute { connection.value.link.channel?.close(promise: nil) }
    }
  }

  private func stopListening() async {
    let listeners = state.withLock { state in
      defer { state.listeners = [] }
      state.isDraining = true
      return state.listeners
    }
    for listener in listeners { try? await listener.channel.close() }
  }
}
