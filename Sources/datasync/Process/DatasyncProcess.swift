import DatasyncMetrics
import DatasyncRPC
import DatasyncServer
import DatasyncStorage
import DatasyncStore
import Logging
import NIOCore
import UnixSignals

/// The server as one process: standard output, signals, metrics. A value; run once.
struct DatasyncProcess {
  let storage: SQLiteStorage
  let configuration: DatabaseServer.Configuration
  /// Where metrics are asked for, and who keeps them; nil: nowhere.
  var metrics: (address: ServerAddress, registry: MetricRegistry)?

  func run() async throws {
    let logger = Logger(label: "datasync")
    FileLimit.raise()
    SQLiteLibrary.omitMemoryStatistics()
    // Trapped first: a signal that comes while we open must not kill us halfway.
    guard let end = EndSignals.trap() else { throw ServerError("no file descriptor is left") }
    let hangUps = await UnixSignalsSequence(trapping: .sighup)
    let server = try await ServerAssembly.open(
      storage: storage, configuration: configuration, logger: logger)
    let listener: MetricsListener?
    do {
      listener = try await serveMetrics(of: server, logger: logger)
    } catch {
      await server.close()
      throw error
    }
    do {
      let addresses = try await server.listen()
      if let address = addresses.grpc { StandardOutput.print("datasync listening on \(address)") }
      if let address = addresses.web {
        StandardOutput.print("datasync web listening on \(address)")
      }
    } catch {
      await listener?.close()
      await server.close()
      throw error
    }
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        let throttle = LogThrottle(interval: .seconds(60), burst: 8)
        for await _ in hangUps {
          server.reloadAccess()
          reloadCertificates(of: server, logger: logger, throttle)
        }
      }
      for await _ in end {}
      await server.drain()
      tasks.cancelAll()
    }
    await listener?.close()
    await server.close()
  }

  private func serveMetrics(
    of server: ServerAssembly, logger: Logger
  ) async throws -> MetricsListener? {
    guard let metrics else { return nil }
    let listener = MetricsListener(
      registry: metrics.registry, service: server.service, rpc: server.rpc)
    do {
      let bound = try await listener.bind(metrics.address)
      let address = ServerAddress(
        host: metrics.address.host, port: bound.port ?? metrics.address.port)
      logger.notice("metrics are served", metadata: ["url": "http://\(address)/metrics"])
      return listener
    } catch {
      await listener.close()
      throw ServerError("cannot serve metrics on \(metrics.address): \(error)")
    }
  }

  /// Whoever tries one file after the other is told each time, and who sends SIGHUP without end is not.
  private func reloadCertificates(
    of server: ServerAssembly, logger: Logger, _ throttle: LogThrottle
  ) {
    do {
      try server.reloadCertificates()
    } catch {
      guard let count = throttle.count("not reloaded") else { return }
      logger.error(
        "certificates not reloaded; the old ones stay",
        metadata: ["error": "\(error)", "count": "\(count)"])
    }
  }
}
