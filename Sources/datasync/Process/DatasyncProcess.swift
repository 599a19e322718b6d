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
    FileLimit.raise()
    SQLiteLibrary.omitMemoryStatistics()
    // Trapped first: a signal that comes while we open must not kill us halfway.
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    try DatabaseFile.prepare(path: database, schema: schema)

    let group = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
    let registry = ServiceRegistry([])
    let pool = DescriptorPool(fileDescriptorSets: [DescriptorSet.datasync])
    let health = HealthService()
    var rpcOptions = rpcOptions
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
        for name in services.map(\.name) { health.set(name, .serving) }
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
        logger.warning(
          "no table is served: none is attached; run datasync attach, or serve with --attach")
      }
    } catch let error as RPCServer.BindError {
      await listener?.close()
      service.close()
      throw Failure("\(error)")
    }
    await end(after: signals, server: server, logger: logger)
    await listener?.close()
    service.close()
    try await group.shutdownGracefully()
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

  /// The first signal to end drains, the second one ends at once; SIGHUP reads the certificates anew.
  private func end(
    after signals: UnixSignalsSequence, server: RPCServer, logger: Logger
  ) async {
    let (first, firstCame) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let (second, secondCame) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        var count = 0
        for await signal in signals {
          if signal == .sighup {
            reloadCertificates(logger: logger)
            continue
          }
          count += 1
          if count == 1 { firstCame.finish() } else { secondCame.finish() }
        }
      }
      for await _ in first {}
      logger.notice(
        "draining", metadata: ["seconds": "\(rpcOptions.drainGrace.nanoseconds / 1_000_000_000)"])
      await withTaskGroup(of: Void.self) { ends in
        let grace = rpcOptions.drainGrace
        ends.addTask { await server.drain(grace: grace) }
        ends.addTask { for await _ in second {} }
        await ends.next()
        // The drain ends when the connections do.
        await server.close()
        ends.cancelAll()
      }
      tasks.cancelAll()
    }
  }

  private func reloadCertificates(logger: Logger) {
    guard let tlsFiles, let tls = rpcOptions.tls else { return }
    do {
      try tls.reload(try tlsFiles.credentials())
      logger.notice("certificates reloaded")
    } catch {
      logger.error(
        "certificates not reloaded; the old ones stay", metadata: ["error": "\(error)"])
    }
  }
}
