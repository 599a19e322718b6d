import DatasyncMetrics
import DatasyncModel
import DatasyncRPC
import DatasyncServer
import DatasyncStorage
import DatasyncStore
import Metrics
import NIOCore

/// What `--metrics` opens: the process seen from outside. Sendable.
struct MetricsListener: Sendable {
  private let server: MetricsServer

  init(registry: MetricRegistry, service: DatasyncService, rpc: RPCServer) {
    MetricsListener.collect(in: registry, service: service, rpc: rpc)
    ProcessMetrics.install(in: registry)
    let largestLag = Meter(label: "datasync_subscription_lag_sequences")
    let lagging = Meter(label: "datasync_subscriptions_lagging")
    let memory = MemoryMeters()
    server = MetricsServer(
      registry: registry,
      probes: Probes(
        isLive: { MetricsListener.isLive(service, on: $0) },
        isReady: { $0.makeSucceededFuture(MetricsListener.obstacle(service, rpc)) },
        prepare: { eventLoop in
          service.state(on: eventLoop).map { state in
            largestLag.set(Double(state.largestLag))
            lagging.set(state.laggingCount)
            memory.set(rpc.memoryAccounts + service.memoryAccounts(state))
          }
        }))
  }

  private static func collect(
    in registry: MetricRegistry, service: DatasyncService, rpc: RPCServer
  ) {
    let store = service.store
    let gauges: [(meter: Meter, value: @Sendable (StorageLoad) -> Double)] = [
      (Meter(label: "datasync_connections"), { _ in Double(rpc.connectionCount) }),
      (
        Meter(label: "datasync_consumers"), { _ in Double(service.consumerState.count) }
      ),
      (
        Meter(label: "datasync_consumer_lag_sequences"),
        { _ in Double(service.consumerState.lag) }
      ),
      (Meter(label: "datasync_filter_bytes"), { _ in Double(service.filterBytes) }),
      (Meter(label: "datasync_sequence"), { _ in Double(store.head.rawValue) }),
      (Meter(label: "datasync_tables"), { _ in Double(store.catalog.tables.count) }),
      (Meter(label: "datasync_unserved_tables"), { _ in Double(store.unservedTables.count) }),
      (Meter(label: "datasync_queued_writes"), { Double($0.queuedWrites) }),
      (Meter(label: "datasync_queued_reads"), { Double($0.queuedReads) }),
      (Meter(label: "datasync_writer_busy_seconds"), { $0.writer.duration / .seconds(1) }),
      (Meter(label: "datasync_log_oldest_sequence"), { Double($0.oldest.rawValue) }),
      (Meter(label: "datasync_log_bytes"), { Double($0.logBytes) }),
      (Meter(label: "datasync_mutation_bytes"), { Double($0.mutationBytes) }),
      (Meter(label: "datasync_wal_pages"), { Double($0.walPages) }),
    ]
    registry.collect {
      let load = store.load
      for gauge in gauges { gauge.meter.set(gauge.value(load)) }
    }
  }

  func bind(_ address: ServerAddress) async throws -> SocketAddress {
    try await server.bind(host: address.host, port: address.port)
  }

  func close() async {
    await server.close()
  }

  /// Every event loop answers.
  private static func isLive(
    _ service: DatasyncService, on eventLoop: any EventLoop
  ) -> EventLoopFuture<String?> {
    let promise = eventLoop.makePromise(of: String?.self)
    // Both come on this event loop: the second one finds it settled, and is nothing.
    let isSettled = NIOLoopBoundBox(false, eventLoop: eventLoop)
    @Sendable func settle(_ fault: String?) {
      guard !isSettled.value else { return }
      isSettled.value = true
      promise.succeed(fault)
    }
    let timeout = eventLoop.scheduleTask(in: .seconds(5)) {
      settle("an event loop has not answered for 5 seconds")
    }
    service.state(on: eventLoop).whenComplete { _ in
      timeout.cancel()
      settle(nil)
    }
    return promise.futureResult
  }

  private static func obstacle(_ service: DatasyncService, _ rpc: RPCServer) -> String? {
    if let error = service.store.gone { return error.message }
    return rpc.isListening ? nil : "the server is starting or shutting down"
  }
}
