import DatasyncModel
import DatasyncStorage
import DatasyncStorageTesting
import Logging
import NIOCore
import NIOPosix

@testable import DatasyncServer

/// A service loop over a store in memory, for tests that need no server. Namespace.
enum TestLoop {
  private final class Deaf: StorageObserver {
    func batchCommitted(_ batch: CommittedBatch) -> Bool { false }
    func catalogChanged(_ catalog: Catalog) {}
  }

  /// Runs the body on the loop, which serves ``Fixture/notes`` and stands at the store's head.
  static func run<Result: Sendable>(
    _ body: @escaping @Sendable (ServiceLoop) throws -> Result
  ) async throws -> Result {
    try await runFuture { loop in loop.eventLoop.makeSucceededFuture(try body(loop)) }
  }

  /// The same for a body that ends later.
  static func runFuture<Result: Sendable>(
    _ body: @escaping @Sendable (ServiceLoop) throws -> EventLoopFuture<Result>
  ) async throws -> Result {
    let catalog = Catalog(tables: [Fixture.notes], generation: 1)
    let store = MemoryStorage(MemoryOptions(catalog: catalog), observer: Deaf())
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let eventLoop = group.next()
    let result = try await eventLoop.flatSubmit {
      let loop = ServiceLoop(
        index: 0, eventLoop: eventLoop, store: store, head: store.head, options: ServiceOptions(),
        logger: Logger(label: "test"))
      do {
        return try body(loop)
      } catch {
        return eventLoop.makeFailedFuture(error)
      }
    }.get()
    try await group.shutdownGracefully()
    store.close()
    return result
  }
}

extension ServiceLoop {
  /// For the requests of nobody in particular.
  var resolver: RequestResolver { RequestResolver(requests, catalog: catalog, caller: Caller()) }
}
