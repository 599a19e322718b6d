package import DatasyncModel

/// Whoever is told what a store does: in order, one call at a time unless said otherwise, never blocking it
/// long. Sendable.
package protocol StorageObserver: Sendable {
  /// A transaction is durable: its answers, and the commits that everyone may see now.
  ///
  /// - Returns: Whether the next transaction waits for ``Storage/resumeWriting()``, so that all that arrives
  ///   until then goes into it; it waits a bounded time at most.
  func batchCommitted(_ batch: CommittedBatch) -> Bool
  /// Comes before the first batch whose changes need the new catalog, which ``Storage/catalog`` is by then. A
  /// table that is gone has no entry in the log.
  func catalogChanged(_ catalog: Catalog)
  /// Other tables than before are not served.
  func unservedTablesChanged(_ tables: [UnservedTable])
  /// The content was put back or replaced by that of another database; a new history begins, with the next
  /// batch. Whoever holds a position of the old one holds nothing any more.
  func historyReplaced()
  /// Something that its operator should know; on any thread.
  func noticed(_ notice: StorageNotice)
  /// A transaction is durable: how long that took, and how much of it was waiting for the disk.
  func committed(in duration: Duration, syncing: Duration)
  /// Changes of other programs were given their place in the history.
  ///
  /// - Parameters:
  ///   - count: Rows since the last time.
  ///   - total: Rows since the writer began to do nothing else, that long ago.
  func foreignAdopted(_ count: Int, total: Int, in duration: Duration)
  /// A transaction failed for all that were in it: disk, memory, file.
  func writesFailed(_ error: DatasyncError)
}

extension StorageObserver {
  /// Observers that do not care learn it from the refusals.
  package func historyReplaced() {}
  /// Ignored by observers that have no operator to tell.
  package func noticed(_ notice: StorageNotice) {}
  /// Ignored; ``Storage/unservedTables`` says it at any time.
  package func unservedTablesChanged(_ tables: [UnservedTable]) {}
  /// Ignored by observers that measure nothing.
  package func committed(in duration: Duration, syncing: Duration) {}
  /// Ignored; the changes themselves come in batches.
  package func foreignAdopted(_ count: Int, total: Int, in duration: Duration) {}
  /// Ignored; each request that was in it is answered with the error anyway.
  package func writesFailed(_ error: DatasyncError) {}
}

/// What a store has to say to its operator. A value.
package struct StorageNotice: Sendable {
  /// Whether the store goes on.
  package enum Severity: Sendable {
    /// It goes on.
    case warning
    /// It serves nothing any more.
    case critical
  }

  package let severity: Severity
  /// What happened, and what to do; the same text for the same thing, since it may be said rarely.
  package let message: String
  /// What it is about: a path, a size.
  package let metadata: [String: String]

  package init(_ severity: Severity, _ message: String, metadata: [String: String]) {
    self.severity = severity
    self.message = message
    self.metadata = metadata
  }
}
