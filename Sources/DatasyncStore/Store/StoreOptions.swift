package import DatasyncFilter
package import DatasyncModel
import DatasyncStorage

/// How a store is opened. A value.
package struct StoreOptions: Sendable {
  /// What an answered write survives.
  package enum Synchronous: String, Sendable {
    /// A crash of the process, the system and the power.
    case full
    /// A crash of the process; after a power loss the last commits may be gone, never torn.
    case normal
  }

  /// What an answered write survives, as PRAGMA synchronous has it.
  package var synchronous = Synchronous.full
  /// Threads that read from the beginning, at least 1; more come where scans stand aside.
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
  /// The same in bytes; a request that waits alone may be larger.
  package var maxQueuedWriteBytes = 256 << 20
  /// Most reads that wait; one more gets RESOURCE_EXHAUSTED.
  package var maxQueuedReads = 65_536
  /// Most scans that have begun and not ended; some of them stand aside while others have their turns.
  package var maxScans = 15
  /// The longest that a scan works, its waiting aside.
  package var maxScanTime: Duration = .seconds(60)
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
  /// The longest image of a row that is written: no message holds a longer one.
  package var maxRowBytes = Int.max
  /// A text that a function in a filter makes.
  package var maxFilterTextBytes = FilterBudget.default.maxTextBytes
  /// What a filter's functions read and make for a row.
  package var maxFilterWorkBytes = FilterBudget.default.maxWorkBytes
  /// Rows that the writes of one Commit may make in all, as they are logged, kept and answered.
  package var maxCommitBytes = 32 << 20
  /// How long a mutation id is remembered, within the two bounds below.
  package var mutationRetention: Duration = .seconds(7 * 86_400)
  /// Most mutation ids that are remembered; beyond, the oldest are forgotten.
  package var maxMutations = 1_000_000
  /// What is remembered of mutation ids, the answers included.
  package var maxMutationBytes = 1 << 30
  /// What deletes do, by table; `*` for all others: the row is marked instead of removed.
  package var softDeleteTables: [String: SoftDelete] = [:]
  /// Tables whose system fields are to be columns of their own; `*` for all. Only when attached.
  package var withinTables: Set<String> = []
  /// Forms of columns that their owner has chosen, by table and column. Only of tables beside.
  package var forms: [String: [String: ColumnForm]] = [:]
  /// Whether the database has just been made to be served: its tables are within, also those that
  /// appear later.
  package var isMadeForUs = false
  /// Tables within that are to be moved beside.
  package var besideTables: Set<String> = []
  /// How long the schema must have been at rest before a table that has appeared is attached.
  package var attachDelay: Duration = .seconds(2)
  /// Attach every table that can be, also those that appear later.
  package var attachesTables = false
  /// How often foreign writes are looked for while the writer is idle.
  package var foreignPollInterval: Duration = .milliseconds(10)
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

/// How deletes in a table mark its rows. A value.
package enum SoftDelete: Hashable, Sendable {
  /// In a system column, which only a table within has.
  case ours
  /// In a BOOLEAN column of the owner's, of a table beside.
  case column(String)
}

extension StoreOptions {
  /// The default budget, with the bounds that are options here.
  package var filterBudget: FilterBudget {
    var budget = FilterBudget.default
    budget.maxTextBytes = maxFilterTextBytes
    budget.maxWorkBytes = maxFilterWorkBytes
    return budget
  }

  /// nil: as it was before.
  func softDelete(of table: String) -> SoftDelete? {
    softDeleteTables[table] ?? softDeleteTables["*"]
  }

  func isWithin(_ table: String) -> Bool {
    withinTables.contains("*") || mustBeWithin(table)
  }

  /// Whether somebody has named it, or wants of it what only a table within has.
  func mustBeWithin(_ table: String) -> Bool {
    withinTables.contains(table) || softDelete(of: table) == .ours
  }
}

extension StoreOptions {
  /// Of the threads that come where scans stand aside: there may be many of them.
  var ofLaterReaders: StoreOptions {
    var options = self
    options.cacheBytes /= 8
    return options
  }

  /// Most threads that read at once.
  package var maxReaderCount: Int { max(1, readerCount, maxScans + 1) }

  /// What the page caches of all connections may take.
  package var allCacheBytes: Int {
    let first = max(1, readerCount)
    // With those of the writer and of checkpoints.
    return cacheBytes * (first + 2) + ofLaterReaders.cacheBytes * (maxReaderCount - first)
  }
}

extension StoreOptions {
  /// What those above must keep to.
  var bounds: StorageBounds {
    var bounds = StorageBounds()
    bounds.maxLogBytes = maxLogBytes
    bounds.filterBudget = filterBudget
    bounds.maxReaders = maxReaderCount
    return bounds
  }
}
