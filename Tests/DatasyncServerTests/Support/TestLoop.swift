import DatasyncAccess
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
  ///
  /// - Parameter access: The text of an access file; nil: everybody may do everything.
  static func run<Result: Sendable>(
    access: String? = nil,
    _ body: @escaping @Sendable (ServiceLoop) throws -> Result
  ) async throws -> Result {
    try await runFuture(access: access) { loop in loop.eventLoop.makeSucceededFuture(try body(loop))
    }
  }

  /// The same for a body that ends later.
  static func runFuture<Result: Sendable>(
    access: String? = nil,
    _ body: @escaping @Sendable (ServiceLoop) throws -> EventLoopFuture<Result>
  ) async throws -> Result {
    let catalog = Catalog(tables: [Fixture.notes], generation: 1)
    let control = try access.map { text in
      try AccessControl(
        path: "access.yml", contents: FileContents { _ in Array(text.utf8) }, catalog: catalog)
    }
    let store = MemoryStorage(MemoryOptions(catalog: catalog), observer: Deaf())
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let eventLoop = group.next()
    let result = try await eventLoop.flatSubmit {
      let loop = ServiceLoop(
        index: 0, eventLoop: eventLoop, store: store, head: store.head, options: ServiceOptions(),
        logger: Logger(label: "test"), access: control)
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

  /// For those of somebody whom a certificate names.
  func resolver(of name: String) throws -> RequestResolver {
    var caller = Caller()
    if let access = requests.access {
      let credential = try access.credential(
        token: "", certificate: CertificateNames(commonNames: [name]))
      caller.identity = Caller.Identity(credential, access.rights(of: credential.principal))
    }
    return RequestResolver(requests, catalog: catalog, caller: caller)
  }
}
