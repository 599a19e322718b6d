import ArgumentParser
import CDatasyncTestMessages
import DatasyncGRPCServices
import DatasyncHTTP2
import DatasyncProtobuf
import DatasyncRPC
import Logging
import NIOCore
import NIOPosix
import UnixSignals

/// The server as one process. A value; run once.
struct ConformanceProcess {
  var options = RPCOptions()
  var loopCount = System.coreCount
  /// For ``serve(on:)``; nil: cleartext.
  var tlsFiles: TLSFiles?
  /// Whether Connect and gRPC-Web are spoken besides gRPC.
  var isWeb = false

  /// Serves until SIGTERM or SIGINT, and says on the standard output where.
  func serve(on address: ListenAddress) async throws {
    var process = self
    process.options.tls = try tlsFiles.map { try context(of: $0.credentials()) }
    try await process.run(address) { bound in
      print("datasync-conformance listening on \(address.host):\(bound.port ?? address.port)")
      flushOutput()
    }
  }

  /// One run of the conformance suites: what to serve comes on the standard input.
  func takePart() async throws {
    let request: CompatHandshake.Request
    do {
      request = try CompatHandshake.readRequest()
    } catch {
      throw ValidationError("\(error)")
    }
    var process = self
    process.tlsFiles = nil
    process.options.tls = try request.credentials.map(context(of:))
    process.isWeb = request.isWeb
    if request.messageLimit > 0 { process.options.maxMessageBytes = request.messageLimit }
    try await process.run(ListenAddress(host: "127.0.0.1", port: 0)) { bound in
      CompatHandshake.writeResponse(
        host: "127.0.0.1", port: bound.port ?? 0,
        certificate: request.credentials?.certificateChain ?? [])
    }
  }

  private func context(of credentials: TLSCredentials) throws -> TLSContext {
    do {
      return try TLSContext(credentials, handshakeTimeout: options.handshakeTimeout)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  private func reloadCertificates(_ logger: Logger) {
    guard let tlsFiles, let tls = options.tls else { return }
    do {
      try tls.reload(tlsFiles.credentials())
      tls.report(to: logger)
    } catch {
      logger.error("certificates not reloaded", metadata: ["error": "\(error)"])
    }
  }

  private func run(
    _ address: ListenAddress, announce: (SocketAddress) -> Void
  ) async throws {
    var logger = Logger(label: "datasync-conformance") {
      StreamLogHandler.standardError(label: $0)
    }
    logger.logLevel = .notice
    options.tls?.report(to: logger)
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
    let health = HealthService()
    let registry = ServiceRegistry([])
    let descriptors = [DescriptorSet.datasync, GRPCDescriptors.set, Self.testDescriptors]
    let pool = DescriptorPool(fileDescriptorSets: descriptors)
    var options = options
    options.web = WebOptions(
      transcoder: TestTranscoder(
        fileDescriptorSets: descriptors, maxBytes: options.maxMessageBytes))
    let services = [TestingService.service, ConformanceService.service, EchoService.service]
    let server = RPCServer(
      options: options, registry: registry, group: group, logger: logger
    ) { health.shutDown() }
    registry.replace(
      services + [health.service, ChannelzService(server: server).service]
        + ReflectionService(pool: pool, registry: registry).services)
    for service in services { health.set(service.name, .serving) }
    do {
      announce(try await server.bind(host: address.host, port: address.port, isWeb: isWeb))
    } catch let error as RPCServer.BindError {
      try await group.shutdownGracefully()
      throw ValidationError("\(error)")
    }
    await run(server, until: signals, logger)
    try await group.shutdownGracefully()
  }

  /// The first signal drains; the second one, or the end of that, closes. SIGHUP reads the
  /// certificates anew.
  private func run(
    _ server: RPCServer, until signals: UnixSignalsSequence, _ logger: Logger
  ) async {
    let (events, event) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(4))
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        for await signal in signals {
          if signal == .sighup { reloadCertificates(logger) } else { event.yield() }
        }
      }
      var iterator = events.makeAsyncIterator()
      _ = await iterator.next()
      tasks.addTask {
        await server.drain(grace: options.drainGrace)
        event.yield()
      }
      _ = await iterator.next()
      await server.close()
      tasks.cancelAll()
    }
  }

  private static var testDescriptors: [UInt8] {
    Array(
      UnsafeBufferPointer(
        start: datasync_test_descriptor_set_bytes(), count: datasync_test_descriptor_set_size))
  }
}
