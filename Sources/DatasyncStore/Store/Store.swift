package import DatasyncModel

/// Whoever is told what the store does: on the writer's thread, in order, never blocking it long.
package protocol StoreObserver: Sendable {
  func batchCommitted(_ batch: CommittedBatch)
  /// Comes before the first batch whose changes need the new catalog.
  func catalogChanged(_ catalog: Catalog)
}

/// One SQLite database with its writer thread, its reader threads and its change log. Sendable.
package final class Store: Sendable {
  /// Opens a database, recovers it, and adopts what others wrote while we were away.
  ///
  /// - Throws: with a message that names the file and what to do.
  package static func open(
    path: String, options: StoreOptions, observer: any StoreObserver
  ) throws(DatasyncError) -> Store { fatalError() }

  init() {}

  package var catalog: Catalog { fatalError() }
  /// Names this database's history; OpenResponse.history_id.
  package var historyID: String { fatalError() }
  /// The last sequence that was committed and announced.
  package var head: Sequence { fatalError() }

  /// Queues a write; its answer comes in a batch.
  ///
  /// - Throws: RESOURCE_EXHAUSTED with a retry delay where the queue is full; UNAVAILABLE once closed.
  package func submit(_ request: WriteRequest) throws(DatasyncError) { fatalError() }

  /// Runs a closure on a reader thread, in a snapshot of its own; calls back on that thread.
  ///
  /// The snapshot's sequence may be ahead of the last announced batch by the batch that is about to
  /// be announced, never behind a batch that was announced before the call.
  package func read<Result: Sendable>(
    cancellation: (any ReadCancellation)? = nil,
    _ body: @escaping @Sendable (Snapshot) throws(DatasyncError) -> Result,
    completion: @escaping @Sendable (Swift.Result<Result, DatasyncError>) -> Void
  ) { fatalError() }

  /// Writes what is queued, refuses what comes after, closes the database.
  package func close() { fatalError() }
}
