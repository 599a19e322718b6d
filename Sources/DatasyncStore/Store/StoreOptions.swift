/// How a store is opened. A value.
package struct StoreOptions: Sendable {
  /// What an answered write survives.
  package enum Synchronous: String, Sendable {
    /// A crash of the process, the system and the power.
    case full
    /// A crash of the process; after a power loss the last commits may be gone, never torn.
    case normal
  }

  package var synchronous = Synchronous.full
  package var readerCount = 3
  /// Page cache of each connection, in bytes.
  package var cacheBytes = 64 << 20
  /// Most requests of one transaction.
  package var maxBatchCount = 512
  /// Most rows that the requests of one transaction name; a request alone may name more.
  package var maxBatchWrites = 4096
  /// Most bytes of requests of one transaction.
  package var maxBatchBytes = 4 << 20
  /// Most requests that wait; one more gets RESOURCE_EXHAUSTED.
  package var maxQueuedWrites = 65_536
  package var maxQueuedWriteBytes = 256 << 20
  /// Most reads that wait; one more gets RESOURCE_EXHAUSTED.
  package var maxQueuedReads = 65_536
  /// The log keeps at least this much time …
  package var logRetention: Duration = .seconds(7 * 86_400)
  /// … and at most these bytes.
  package var maxLogBytes = 1 << 30
  /// Pages by which the WAL grows before it is copied into the database, off the writer's path.
  package var checkpointPages = 1000
  /// Pages after which the writer stands aside for a moment, so that the WAL is begun anew.
  package var restartPages = 16_384
  /// Pages after which reads that last and keep the WAL from being begun anew are ended.
  package var maxWALPages = 131_072
  package var mutationRetention: Duration = .seconds(7 * 86_400)
  package var maxMutations = 1_000_000
  /// Tables that are marked instead of removed from; `*` for all. Only where `attach` is set.
  package var softDeleteTables: Set<String> = []
  /// Attach every table that can be, also those that appear later.
  package var attachesTables = false
  /// How often foreign writes are looked for while the writer is idle.
  package var foreignPollInterval: Duration = .milliseconds(10)
  package var defaultPageSize = 100
  package var maxPageSize = 1000
  /// The calendar's time, in microseconds since 1970.
  package var calendar: @Sendable () -> Int64 = { WallClock.now }
  /// The protobuf package of the row types.
  package var messagePackage = "tables"
  #if DEBUG
    /// For tests of tests.
    package var fault: StoreFault?
  #endif

  package init() {}
}
