package import DatasyncMessages
package import DatasyncModel
package import DatasyncRPC
package import DatasyncStorage
package import Logging
package import NIOCore
import Synchronization

/// The service over one database: `datasync.v1.Datasync`, and a typed service for each table.
/// Sendable.
package final class DatasyncService: Sendable {
  /// Closed with the service.
  package let store: any Storage
  private let loops: [ObjectIdentifier: NIOLoopBound<ServiceLoop>]
  let options: ServiceOptions
  let subscriptionCount: SubscriptionCount
  private let watch: StoreWatch
  private let filters: FilterShelf
  /// nil: everybody may do everything.
  package let access: AccessControl?
  private let accessWatch: AccessWatch?
  let log: ServiceLog
  let metrics: ServiceMetrics
  let consumers = ConsumersAtWork()

  /// Opens the database and lays the service out over the group's event loops.
  ///
  /// - Parameters:
  ///   - logsTables: Whether the log says which tables are attached, and which are not.
  ///   - openStorage: Opens the database for the observer.
  ///   - openAccess: Who may see and do what in the tables; nil: everybody everything.
  ///   - onSchema: Called now, and with every change of the schema on the writer's thread, one call at a
  ///     time: the services to offer, and the descriptors of the tables' messages.
  /// - Throws: what opening it throws.
  package static func open(
    options: ServiceOptions, group: any EventLoopGroup, logger: Logger,
    logsTables: Bool = false, hooks: [any WriteHook] = [],
    openStorage: (any StorageObserver) throws -> any Storage,
    openAccess: (Catalog) throws -> AccessControl? = { _ in nil },
    onSchema: @escaping @Sendable (DatasyncService, Catalog) -> Void
  ) async throws -> DatasyncService {
    let metrics = ServiceMetrics()
    let log = ServiceLog(logger: logger)
    let hub = CommitHub(metrics: metrics, log: log)
    let store = try openStorage(hub)
    let access: AccessControl?
    do {
      access = try openAccess(store.catalog)
    } catch {
      store.close()
      throw error
    }
    if access?.admitsNobody == true { log.nobodyAdmitted() }
    let options = options.bounded(by: store.bounds)
    let eventLoops = group.makeIterator().map { $0 }
    let head = store.head
    let filters = FilterShelf(maxBytes: options.maxFilterBytes) {
      filter throws(DatasyncError) in try store.check(filter)
    }
    let subscriptionCount = SubscriptionCount(max: options.maxSubscriptions)
    let sessionCounts = SessionCounts()
    let hookSet = hooks.isEmpty ? nil : HookSet(hooks, options: options, log: log)
    var bounds: [NIOLoopBound<ServiceLoop>] = []
    for (index, eventLoop) in eventLoops.enumerated() {
      let bound = try await eventLoop.submit {
        NIOLoopBound(
          ServiceLoop(
            index: index, eventLoop: eventLoop, store: store, head: head, options: options,
            logger: logger, metrics: metrics, log: log, filters: filters,
            subscriptionCount: subscriptionCount, sessionCounts: sessionCounts,
            access: access, hooks: hookSet), eventLoop: eventLoop)
      }.get()
      bounds.append(bound)
    }
    let loops = zip(eventLoops, bounds).map { (ObjectIdentifier($0), $1) }
    let accessWatch = access.map { access in
      AccessWatch(access, on: group.next(), log: log) { hub.accessChanged() }
    }
    let service = DatasyncService(
      store: store, loops: Dictionary(uniqueKeysWithValues: loops), options: options,
      watch: StoreWatch(store, on: group.next(), log: log),
      filters: filters, subscriptionCount: subscriptionCount, access: access,
      accessWatch: accessWatch, log: log, metrics: metrics)
    hub.unservedTablesChanged(store.unservedTables)
    if logsTables { log.attached(store) }
    // Told by this thread and by the writer's: an older catalog must not come last.
    let lastTold = Mutex(Int.min)
    let tell = { @Sendable (catalog: Catalog) -> Void in
      lastTold.withLock { last in
        guard catalog.generation > last else { return }
        last = catalog.generation
        onSchema(service, catalog)
      }
    }
    hub.start(bounds, on: eventLoops, of: store, access: access, onCatalog: tell)
    tell(store.catalog)
    return service
  }

  private init(
    store: any Storage, loops: [ObjectIdentifier: NIOLoopBound<ServiceLoop>],
    options: ServiceOptions, watch: StoreWatch, filters: FilterShelf,
    subscriptionCount: SubscriptionCount, access: AccessControl?, accessWatch: AccessWatch?,
    log: ServiceLog, metrics: ServiceMetrics
  ) {
    self.metrics = metrics
    self.log = log
    self.access = access
    self.accessWatch = accessWatch
    self.subscriptionCount = subscriptionCount
    self.filters = filters
    self.watch = watch
    self.store = store
    self.loops = loops
    self.options = options
  }

  /// The contract's service, and one for each table.
  package func services(for catalog: Catalog) -> [Service] {
    [contract] + catalog.tables.map { typed($0) }
  }

  /// A service of another kind, for operators alone where an access file says who those are.
  package func forOperators(_ service: Service) -> Service {
    access.map { service.forOperators(of: $0, log: log) } ?? service
  }

  /// The .proto file of the tables' messages and services.
  package func tablesProto(for catalog: Catalog) -> ProtoFile {
    TablesProto.file(for: catalog, messagePackage: options.messagePackage)
  }

  /// Begins no write any more, and returns when those that had begun are answered, however long that
  /// takes: nobody may learn that a write failed which took effect.
  package func endWrites() async {
    await withCheckedContinuation { ended in
      store.endWrites { ended.resume() }
    }
    // The answers are on their way to the loops; what is put behind them comes after them.
    for loop in loops.values {
      try? await loop.eventLoop.submit {}.get()
    }
  }

  /// Reads the access file and those that it names anew, soon; nothing where there is none.
  package func reloadAccess() {
    accessWatch?.look(readsAll: true)
  }

  var allLoops: [NIOLoopBound<ServiceLoop>] { Array(loops.values) }

  /// What the filters of subscriptions take in memory, about.
  package var filterBytes: Int { filters.heldBytes }

  /// Closes the store, and blocks until that is done: not on an event loop.
  package func close() {
    watch.stop()
    accessWatch?.stop()
    store.close()
  }

  private var contract: Service {
    let session = Method(name: "Session", isClientStreaming: true, isServerStreaming: true) {
      [self] call in
      Session(call: call, loop: loop(of: call))
    }
    let unary = ContractCoding.Method.allCases.map { method in
      unaryMethod(method.rawValue, ContractCoding(method: method))
    }
    return Service(name: "datasync.v1.Datasync", methods: [session] + unary)
  }

  private func typed(_ table: Table) -> Service {
    Service(
      name: TablesProto.serviceName(of: table),
      methods: TypedCoding.Method.allCases.map { method in
        unaryMethod(method.rawValue, TypedCoding(method: method, table: table))
      })
  }

  private func unaryMethod(_ name: String, _ coding: any UnaryCoding) -> Method {
    Method(
      name: name, isServerStreaming: coding.isServerStreaming,
      hasSideEffects: coding.hasSideEffects
    ) { [self] call in
      UnaryCall(call: call, loop: loop(of: call), coding: coding)
    }
  }

  private func loop(of call: ServerCall) -> ServiceLoop {
    guard let loop = loops[ObjectIdentifier(call.eventLoop)] else {
      preconditionFailure("the RPC server and the service share one group of event loops")
    }
    return loop.value
  }
}
