import DatasyncGRPCServices
import DatasyncMessages
import DatasyncModel
import DatasyncProtobuf
package import DatasyncRPC
import DatasyncStorage
import DatasyncStore
package import Logging
import NIOCore
import NIOPosix

/// The parts of a running server, put together. A value; each of its steps is taken once.
package struct ServerAssembly: Sendable {
  /// Open from the start; closed by ``close()``.
  package let service: DatasyncService
  /// Takes connections from ``listen()`` on.
  package let rpc: RPCServer
  private let health: HealthService
  private let group: MultiThreadedEventLoopGroup
  private let addresses: Addresses
  private let tls: (files: TLSFiles, context: TLSContext)?
  private let drainGrace: TimeAmount
  private let attachesTables: Bool
  private let logger: Logger
  private let reloads = LogThrottle(interval: .seconds(60), burst: 8)

  /// Opens the database; nobody can connect yet.
  ///
  /// - Throws: ``ServerError``.
  package static func open(
    storage: SQLiteStorage, configuration: DatabaseServer.Configuration,
    services custom: [RPCService] = [], hooks: [any WriteHook] = [], logger: Logger
  ) async throws -> ServerAssembly {
    var options = try configuration.checkedOptions()
    try RPCService.check(custom)
    let tls = try configuration.tls.map { paths throws(ServerError) in
      let files = TLSFiles(paths)
      return (
        files: files,
        context: try files.context(handshakeTimeout: options.rpc.peerHandshakeTimeout)
      )
    }
    options.rpc.tls = tls?.context
    options.store = try storage.prepared(options.store)
    options.store.maxRowBytes = options.service.maxRowBytes
    (options.store, options.service) = TestLimits.applied(to: options.store, options.service)
    options.rpc.tls?.report(to: logger)
    options.leaveDescriptors(loopCount: configuration.eventLoopCount, logger: logger)
    options.service.limits = options.rpc.countLimits(logger: logger)

    let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoopCount)
    let registry = ServiceRegistry([])
    let pool = DescriptorPool(
      fileDescriptorSets: [DescriptorSet.datasync, GRPCDescriptors.set]
        + custom.map(\.fileDescriptorSet))
    let json = configuration.webAddress.map { _ in
      JSONTypes(
        fileDescriptorSets: [DescriptorSet.datasync, GRPCDescriptors.set]
          + custom.map(\.fileDescriptorSet), maxBytes: options.rpc.maxMessageBytes)
    }
    options.rpc.web = json.map {
      WebOptions(
        transcoder: $0, origins: configuration.webOrigins,
        hosts: configuration.webHosts + [configuration.webAddress?.host].compactMap(\.self),
        files: Site.files)
    }
    options.rpc.web?.webSocketPaths = [JSONTypes.sessionPath]
    let health = HealthService()
    let rpc = RPCServer(
      options: options.rpc, registry: registry, group: group, logger: logger
    ) { health.shutDown() }
    let own = custom.map { $0.service(logger: logger) }
    let channelz = ChannelzService(server: rpc).service
    let standard =
      [health.service] + ReflectionService(pool: pool, registry: registry).services + own
    let service: DatasyncService
    do {
      service = try await DatasyncService.open(
        options: options.service, group: group, logger: logger, logsTables: storage.attachesTables,
        hooks: hooks,
        openStorage: { try Store.open(path: storage.path, options: options.store, observer: $0) },
        openAccess: { try configuration.accessControl(for: $0) }
      ) { service, catalog in
        pool.replaceDynamic { [service.tablesProto(for: catalog).fileDescriptor()] }
        json?.replaceTables([service.tablesProto(for: catalog).fileDescriptor()])
        let services = service.services(for: catalog)
        registry.replace([service.forOperators(channelz)] + standard + services)
        health.replaceServing((services + own).map(\.name))
      }
    } catch {
      try? await group.shutdownGracefully()
      throw (error as? DatasyncError).map { ServerError($0.message) } ?? error
    }
    return ServerAssembly(
      service: service, rpc: rpc, health: health, group: group,
      addresses: Addresses(grpc: configuration.address, web: configuration.webAddress), tls: tls,
      drainGrace: options.rpc.drainGrace, attachesTables: storage.attachesTables, logger: logger)
  }

  /// Where a server listens, with the ports that were picked; nil: not there. A value.
  package struct Addresses: Sendable {
    package var grpc: ServerAddress?
    package var web: ServerAddress?
  }

  /// - Throws: ``ServerError`` where an address cannot be had.
  package func listen() async throws -> Addresses {
    var bound = addresses
    bound.grpc = try await listen(on: addresses.grpc, isWeb: false)
    bound.web = try await listen(on: addresses.web, isWeb: true)
    health.set("", .serving)
    if service.store.catalog.tables.isEmpty {
      let advice =
        attachesTables
        ? "no table is served: none can be, for the reasons given above"
        : "no table is served: none is attached; run datasync attach, or serve with --attach"
      logger.warning("\(advice)")
    }
    return bound
  }

  private func listen(on address: ServerAddress?, isWeb: Bool) async throws -> ServerAddress? {
    guard let address else { return nil }
    do {
      let bound = try await rpc.bind(host: address.host, port: address.port, isWeb: isWeb)
      return ServerAddress(host: address.host, port: bound.port ?? address.port)
    } catch {
      throw ServerError("\(error)")
    }
  }

  /// Takes nothing new, lets what runs end for the time of grace, and answers the writes that have begun.
  package func drain() async {
    logger.notice(
      "draining", metadata: ["seconds": "\(drainGrace.nanoseconds / 1_000_000_000)"])
    service.endConsumers()
    await rpc.drain(grace: drainGrace) { await service.endWrites() }
  }

  /// Ends what still runs, closes the database, and lets the threads go.
  package func close() async {
    await rpc.close()
    service.close()
    try? await group.shutdownGracefully()
  }

  /// The access file and those that it names; of one that cannot be used the old one stays.
  package func reloadAccess() {
    service.reloadAccess()
  }

  /// - Throws: ``ServerError``; the old certificates stay.
  package func reloadCertificates() throws(ServerError) {
    guard let tls else { return }
    try tls.files.reload(tls.context)
    guard let count = reloads.count("reloaded") else { return }
    logger.notice("certificates reloaded", metadata: ["count": "\(count)"])
    tls.context.report(to: logger)
  }
}

extension ServerOptions {
  /// Keeps connections from taking the descriptors that the database needs.
  fileprivate mutating func leaveDescriptors(loopCount: Int, logger: Logger) {
    let fileCount = FileLimit.current
    let kept = 64 + 4 * (store.readerCount + 2) + 4 * loopCount
    let room = max(1, fileCount - kept)
    guard rpc.maxConnections > room else { return }
    logger.warning(
      "fewer connections than max_connections: the process may open too few files",
      metadata: [
        "max_connections": "\(rpc.maxConnections)", "connections": "\(room)",
        "files": "\(fileCount)",
        "do": "raise its limit (ulimit -n, LimitNOFILE=), or lower max_connections",
      ])
    rpc.maxConnections = room
  }
}
