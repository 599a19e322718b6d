package import DatasyncFilter
package import DatasyncModel

/// What those above a store must keep to. A value.
package struct StorageBounds: Sendable {
  /// The log holds no more; who keeps its end in memory keeps no more either.
  package var maxLogBytes = Int.max
  /// What a filter may take for a row that the store judges; the same row is judged alike elsewhere.
  package var filterBudget = FilterBudget.default
  /// Reads that it works on at once.
  package var maxReaders = 1

  /// No bound on the log, the default budget, one reader.
  package init() {}
}

/// What a store takes in memory for one purpose. A value.
package struct StorageMemory: Sendable {
  /// The account: `queued_writes`.
  package let name: String
  /// nil: nobody counts it.
  package let bytes: Int?
  /// What the limits let it come to.
  package let maxBytes: Int
  /// The limits that make `maxBytes`, for a person.
  package let limits: String

  package init(_ name: String, _ bytes: Int?, of maxBytes: Int, _ limits: String) {
    self.name = name
    self.bytes = bytes
    self.maxBytes = maxBytes
    self.limits = limits
  }
}

/// What a store has to do and keeps, at one moment. A value.
package struct StorageLoad: Sendable {
  /// Requests that no transaction has taken on yet.
  package var queuedWrites = 0
  /// Reads that wait for a thread.
  package var queuedReads = 0
  /// What the writer is doing, and for how long it has.
  package var writer = WriterState(phase: .idle, duration: .zero)
  /// What the change log takes, in bytes, about.
  package var logBytes = 0
  /// What is remembered of mutation ids takes, in bytes, about.
  package var mutationBytes = 0
  /// Everything after it is in the log.
  package var oldest = Sequence.zero
  /// Of a log that precedes the database's file; 0 where there is none.
  package var walPages = 0

  /// Nothing to do, and nothing kept.
  package init() {}
}

/// The writer at one moment. A value.
package struct WriterState: Sendable {
  /// What a writer is doing. The raw values fit into two bits; the store packs them so.
  package enum Phase: UInt8, Sendable {
    case idle = 0
    /// Another program holds the database's write lock, or readers are made way for.
    case waitingForLock = 1
    /// A transaction is open.
    case writing = 2
    /// The database writes to the disk, and syncs.
    case committing = 3
  }

  package let phase: Phase
  /// Since when.
  package let duration: Duration

  package init(phase: Phase, duration: Duration) {
    self.phase = phase
    self.duration = duration
  }
}
