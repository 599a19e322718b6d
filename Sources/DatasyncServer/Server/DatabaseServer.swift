public import Logging
public import ServiceLifecycle
import DatasyncModel
import DatasyncStorage
import Synchronization

/// Serves one database over gRPC: `datasync.v1.Datasync`, a typed service for each table, health,
/// reflection, and services of one's own. Sendable; run once.
///
///     let server = DatabaseServer(
///       storage: SQLiteStorage(path: "shop.db", schema: schema), logger: logger)
///     try await ServiceGroup(
///       services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
///     ).run()
public final class DatabaseServer: ServiceLifecycle.Service, Sendable {
  /// What it serves.
  public let storage: SQLiteStorage
  /// How it serves it.
  public let configuration: Configuration
  private let services: [RPCService]
  private let hooks: [any WriteHook]
  private let logger: Logger
  private let onListening: @Sendable (ServerAddress) -> Void
  private let assembly = Mutex<ServerAssembly?>(nil)
  private let running = RunningService()

  /// - Parameters:
  ///   - services: Of one's own, beside those of the database.
  ///   - hooks: Asked in this order of every write of a client.
  ///   - logger: Everything that the server has to say goes there; metrics go to the process'
  ///     `MetricsSystem`.
  ///   - onListening: Called once, when clients may connect, with the address and the port that was
  ///     picked, that of gRPC before that of the web; on a thread of Swift's pool.
  public init(
    storage: SQLiteStorage, configuration: Configuration = Configuration(),
    services: [RPCService] = [], hooks: [any WriteHook] = [], logger: Logger,
    onListening: @escaping @Sendable (ServerAddress) -> Void = { _ in }
  ) {
    self.storage = storage
    self.configuration = configuration
    self.services = services
    self.hooks = hooks
    self.logger = logger
    self.onListening = onListening
  }

  /// Opens the database, listens, and serves until a graceful shutdown begins or the task is cancelled;
  /// then takes nothing new, lets calls end for as long as `drain_grace` says, answers the writes that
  /// have begun, closes the database, and returns.
  ///
  /// - Throws: ``ServerError`` where it cannot start: the database, its schema, a certificate, the
  ///   address.
  public func run() async throws {
    defer { running.ended() }
    let assembly = try await ServerAssembly.open(
      storage: storage, configuration: configuration, services: services, hooks: hooks,
      logger: logger)
    self.assembly.withLock { $0 = assembly }
    defer { self.assembly.withLock { $0 = nil } }
    do {
      let addresses = try await assembly.listen()
      if let address = addresses.grpc ?? addresses.web { onListening(address) }
    } catch {
      await assembly.close()
      throw error
    }
    running.began(assembly.service)
    // Cancelled or told: the end is the same.
    try? await gracefulShutdown()
    await assembly.drain()
    await assembly.close()
  }

  /// Every commit from the position on that the database keeps by a name, and from now on where it has none
  /// yet; waits until the server runs.
  ///
  /// The position moves when the next commit is asked for, and is durable then. It holds the log back no longer
  /// than `log_retention` and `max_log_bytes` say; who falls out is told.
  ///
  /// - Parameter name: 1 to 64 bytes; one loop at a time may follow by it.
  public func changes(consumer name: String) -> ConsumerChanges {
    ConsumerChanges(name: name, running: running)
  }

  /// Forgets the position of a consumer, so that it begins anew; nothing where there is none.
  ///
  /// - Throws: ``ConsumerError``.
  public func removeConsumer(_ name: String) async throws {
    do {
      _ = try await running.service()?.take(ConsumerStep(name, .remove))
    } catch let error as DatasyncError {
      throw ConsumerError(error)
    }
  }

  /// Reads the access file and those that it names anew; a second after they have changed they are by
  /// themselves. One that cannot be used is refused, and the log says why.
  public func reloadAccess() {
    assembly.withLock { $0 }?.reloadAccess()
  }

  /// Reads the files of ``Configuration/TLS`` anew: they serve new connections, and disturb no old one.
  /// Nothing where there are none, or the server does not run.
  ///
  /// - Throws: ``ServerError`` where they are no good; the old ones stay.
  public func reloadCertificates() throws {
    try assembly.withLock { $0 }?.reloadCertificates()
  }
}
