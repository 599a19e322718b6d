import DatasyncMessages
import DatasyncMetrics
import DatasyncModel
import DatasyncProtobuf
import DatasyncRPC
import DatasyncServer
import DatasyncStore
import Logging
import NIOCore
import NIOPosix
import UnixSignals

/// The server as one process: opens, listens, says so, and ends in order. A value; run once.
struct DatasyncProcess {
  let database: String
  let schema: String?
  let listen: ListenAddress
  let storeOptions: StoreOptions
  let serviceOptions: ServiceOptions
  let rpcOptions: RPCOptions
  let tlsFiles: TLSFiles?
  let loopCount: Int
  /// Where metrics are asked for, and who keeps them; nil: nowhere.
  var metrics: (address: ListenAddress, registry: MetricRegistry)?

  func run() async throws {
    let logger = Logger(label: "datasync")
    let fileCount = FileLimit.raise()
    SQLiteLibrary.omitMemoryStatistics()
    // Trapped first: a signal that comes while we open must not kill us halfway.
    guard let end = EndSignals.trap() else { throw Failure("no file descriptor is left") }
    let hangUps = await UnixSignalsSequence(trapping: .sighup)
    var storeOptions = storeOptions
    storeOptions.isMadeForUs = try DatabaseFile.prepare(path: database, schema: schema)

    let group = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
    let registry = ServiceRegistry([])
    let pool = DescriptorPool(fileDescriptorSets: [DescriptorSet.datasync])
    let health = HealthService()
    var rpcOptions = rpcOptions
    rpcOptions.tls?.report(to: logger)
    leaveDescriptors(of: fileCount, in: &rpcOptions, logger: logger)
    var serviceOptions = serviceOptions
    serviceOptions.limits = rpcOptions.countLimits(logger: logger)
    let server = RPCServer(
      options: rpcOptions, registry: registry, health: health, group: group, logger: logger)
    let standard =
      [health.service, ChannelzService(server: server).service]
      + ReflectionService(pool: pool, registry: registry).services
    let service: DatasyncService
    do {
      service = try await DatasyncService.open(
        path: database, storeOptions: storeOptions, options: serviceOptions, group: group,
        logger: logger
      ) { service, catalog in
        pool.replaceDynamic(files: [service.tablesProto(for: catalog).fileDescriptor()])
        let services = service.services(for: catalog)
        registry.replace(standard + services)
        health.replaceServing(services.map(\.name))
      }
    } catch let error as DatasyncError {
      throw Failure(error.message)
    }
    let listener: MetricsListener?
    do {
      listener = try await serveMetrics(of: service, server, logger: logger)
    } catch {
      service.close()
      throw error
    }
    do {
      let address = try await server.bind(host: listen.host, port: listen.port)
      health.set("", .serving)
      let port = address.port ?? listen.port
      StandardOutput.print(
        "datasync listening on \(ListenAddress.text(host: listen.host, port: port))")
      if service.store.catalog.tables.isEmpty {
        let advice =
          storeOptions.attachesTables
          ? "no table is served: none can be, for the reasons given above"
          : "no table is served: none is attached; run datasync attach, or serve with --attach"
        logger.warning("\(advice)")
      }
    } catch let error as RPCServer.BindError {
      await listener?.close()
      service.close()
      throw Failure("\(error)")
    }
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        for await _ in hangUps { reloadCertificates(logger: logger) }
      }
      for await _ in end {}
      logger.notice(
        "draining", metadata: ["seconds": "\(rpcOptions.drainGrace.nanoseconds / 1_000_000_000)"])
      await server.drain(grace: rpcOptions.drainGrace) { await service.endWrites() }
      tasks.cancelAll()
    }
    await listener?.close()
    service.close()
    try await group.shutdownGracefully()
  }

  /// Keeps connections from taking the descriptors that the database needs.
  private func leaveDescriptors(
    of fileCount: Int, in options: inout RPCOptions, logger: Logger
  ) {
    let kept = 64 + 4 * (storeOptions.readerCount + 2) + 4 * loopCount
    let room = max(1, fileCount - kept)
    guard options.maxConnections > room else { return }
    logger.warning(
      "fewer connections than max_connections: the process may open too few files",
      metadata: [
        "max_connections": "\(options.maxConnections)", "connections": "\(room)",
        "files": "\(fileCount)",
        "do": "raise its limit (ulimit -n, LimitNOFILE=), or lower max_connections",
      ])
    options.maxConnections = room
  }

  private func serveMetrics(
    of service: DatasyncService, _ server: RPCServer, logger: Logger
  ) async throws -> MetricsListener? {
    guard let metrics else { return nil }
    let listener = MetricsListener(
      registry: metrics.registry, service: service, rpc: server)
    do {
      let bound = try await listener.bind(metrics.address)
      let address = ListenAddress.text(
        host: metrics.address.host, port: bound.port ?? metrics.address.port)
      logger.notice("metrics are served", metadata: ["url": "http://\(address)/metrics"])
      return listener
    } catch {
      await listener.close()
      throw Failure("cannot serve metrics on \(metrics.address): \(error)")
    }
  }

  private func reloadCertificates(logger: Logger) {
    guard let tlsFiles, let tls = rpcOptions.tls else { return }
    do {
      try tlsFiles.reload(tls)
      logger.notice("certificates reloaded")
      tls.report(to: logger)
    } catch {
      logger.error(
        "certificates not reloaded; the old ones stay", metadata: ["error": "\(error)"])
    }
  }
}
