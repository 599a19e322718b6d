import ArgumentParser
import CDatasyncTestMessages
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

  /// Serves until SIGTERM or SIGINT, and says on the standard output where.
  func serve(on address: ListenAddress) async throws {
    try await run(address) { bound in
      print("datasync-conformance listening on \(address.host):\(bound.port ?? address.port)")
      flushOutput()
    } until: {
      // Nothing but a signal ends it.
      try? await Task.sleep(for: .seconds(Int32.max))
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
    guard !request.usesTLS else {
      throw ValidationError("the run asks for TLS, which this server does not have")
    }
    var process = self
    if request.messageLimit > 0 { process.options.maxMessageBytes = request.messageLimit }
    try await process.run(ListenAddress(host: "127.0.0.1", port: 0)) { bound in
      CompatHandshake.writeResponse(host: "127.0.0.1", port: bound.port ?? 0)
    } until: {
      await CompatHandshake.inputClosed()
    }
  }

  private func run(
    _ address: ListenAddress, announce: (SocketAddress) -> Void,
    until end: @escaping @Sendable () async -> Void
  ) async throws {
    var logger = Logger(label: "datasync-conformance") {
      StreamLogHandler.standardError(label: $0)
    }
    logger.logLevel = .notice
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
    let health = HealthService()
    let registry = ServiceRegistry([])
    let pool = DescriptorPool(fileDescriptorSets: [DescriptorSet.datasync, Self.testDescriptors])
    let services = [TestingService.service, ConformanceService.service, EchoService.service]
    let server = RPCServer(
      options: options, registry: registry, health: health, group: group, logger: logger)
    registry.replace(
      services + [health.service, ChannelzService(server: server).service]
        + ReflectionService(pool: pool, registry: registry).services)
    for service in services { health.set(service.name, .serving) }
    do {
      announce(try await server.bind(host: address.host, port: address.port))
    } catch let error as RPCServer.BindError {
      try await group.shutdownGracefully()
      throw ValidationError("\(error)")
    }
    await Self.run(server, grace: options.drainGrace, signals, until: end)
    try await group.shutdownGracefully()
  }

  /// The first signal, or the end, drains; what comes next, or the end of that, closes.
  private static func run(
    _ server: RPCServer, grace: TimeAmount, _ signals: UnixSignalsSequence,
    until end: @escaping @Sendable () async -> Void
  ) async {
    let (events, event) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(4))
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        for await _ in signals { event.yield() }
      }
      tasks.addTask {
        await end()
        event.yield()
      }
      var iterator = events.makeAsyncIterator()
      _ = await iterator.next()
      tasks.addTask {
        await server.drain(grace: grace)
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
