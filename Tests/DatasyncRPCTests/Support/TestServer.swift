import DatasyncGRPCServices
import DatasyncHTTP2
import DatasyncProtobuf
import DatasyncRPC
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// How calls ended, by the id that they carried.
final class Causes: Sendable {
  private let causes = Mutex<[String: CancellationCause]>([:])

  func set(_ id: String, _ cause: CancellationCause) {
    causes.withLock { $0[id] = cause }
  }

  func wait(_ id: String) async throws -> CancellationCause {
    try await until("the handler of the call \(id) learns of its end") {
      causes.withLock { $0[id] }
    }
  }
}

struct NotInTime: Error, CustomStringConvertible {
  let description: String
}

/// Waits until a body gives something. A cancelled task waits no longer.
///
/// - Throws: ``NotInTime``, with what was waited for.
func until<Result>(
  _ what: String, within time: Duration = .seconds(60), _ body: () async -> Result?
) async throws -> Result {
  let deadline = ContinuousClock.now + time
  while true {
    if let result = await body() { return result }
    guard .now < deadline else { throw NotInTime(description: "not within \(time): \(what)") }
    try await Task.sleep(for: .milliseconds(2))
  }
}

/// A server on a port of its own, with its clients; everything ends with the closure.
struct TestServer {
  let server: RPCServer
  let health: HealthService
  let port: Int
  let group: MultiThreadedEventLoopGroup

  static func run(
    _ configure: (inout RPCOptions) -> Void = { _ in },
    _ body: (TestServer) async throws -> Void
  ) async throws {
    var options = RPCOptions()
    configure(&options)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let health = HealthService()
    let registry = ServiceRegistry([])
    let pool = DescriptorPool(fileDescriptorSets: [DescriptorSet.datasync, GRPCDescriptors.set])
    registry.replace(
      [EchoService.service, health.service]
        + ReflectionService(pool: pool, registry: registry).services)
    let server = RPCServer(
      options: options, registry: registry, group: group, logger: Logger(label: "test")
    ) { health.shutDown() }
    let address = try await server.bind(host: "127.0.0.1", port: 0)
    let test = TestServer(
      server: server, health: health, port: address.port ?? 0, group: group)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(test))
    } catch {
      result = .failure(error)
    }
    await server.close()
    try await group.shutdownGracefully()
    try result.get()
  }

  func client(_ configure: (inout HTTP2Options) -> Void = { _ in }) async throws -> RPCClient {
    var options = HTTP2Options()
    configure(&options)
    return try await RPCClient.connect(
      host: "127.0.0.1", port: port, eventLoop: group.next(), options: options,
      maxMessageBytes: 64 << 20)
  }
}
