import DatasyncModel
import Synchronization

/// What the store's threads tell each other. Sendable.
final class SharedState: Sendable {
  private let announced: Atomic<UInt64>
  private let current: Mutex<Schema>
  private let isDatabaseGone = Atomic(false)
  private let currentWALPages = Atomic(0)

  init(head: Sequence, schema: Schema) {
    announced = Atomic(head.rawValue)
    current = Mutex(schema)
  }

  /// The last sequence that was committed.
  var head: Sequence { Sequence(announced.load(ordering: .acquiring)) }

  var schema: Schema { current.withLock { $0 } }
  var catalog: Catalog { schema.catalog }

  /// Pages in the WAL that the next transaction does not write over.
  var walPages: Int { currentWALPages.load(ordering: .relaxed) }

  func setWALPages(_ pages: Int) {
    currentWALPages.store(pages, ordering: .relaxed)
  }

  func setHead(_ head: Sequence) {
    announced.store(head.rawValue, ordering: .releasing)
  }

  func setSchema(_ schema: Schema) {
    current.withLock { $0 = schema }
  }

  /// Once set: the database's file is no longer the one that was opened, and nothing is served.
  var gone: DatasyncError? {
    guard isDatabaseGone.load(ordering: .acquiring) else { return nil }
    return DatasyncError(
      .unavailable, reason: "DATABASE_REPLACED",
      "the database's file, or its write-ahead log, was removed or replaced while it was served: the "
        + "server's operator has to start the server again", retryAfter: .seconds(1))
  }

  func setGone() {
    isDatabaseGone.store(true, ordering: .releasing)
  }

  static var closed: DatasyncError {
    DatasyncError(
      .unavailable, reason: "STORE_CLOSED", "the server is shutting down; try again later",
      retryAfter: .seconds(1))
  }
}
