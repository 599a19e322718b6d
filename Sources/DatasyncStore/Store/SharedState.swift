import DatasyncModel
import DatasyncStorage
import Synchronization

/// What the store's threads tell each other. Sendable.
final class SharedState: Sendable {
  private let announced: Atomic<UInt64>
  private let current: Mutex<Schema>
  private let isDatabaseGone = Atomic(false)
  private let walDamage = Atomic(false)
  private let history: Mutex<String>
  private let currentWALPages = Atomic(0)
  private let currentLogBytes = Atomic(0)
  private let currentMutationBytes = Atomic(0)
  private let closing = Atomic(false)
  private let currentCacheBytes = Atomic(0)
  private let oldestLogged: Atomic<UInt64>
  private let lastCheckpointed = Atomic<UInt64>(0)
  let writerWatch = WriterWatch()

  init(prepared: StoreOpening.Prepared) {
    announced = Atomic(prepared.head.rawValue)
    current = Mutex(prepared.schema)
    history = Mutex(prepared.historyID)
    oldestLogged = Atomic(prepared.compactor.oldest.rawValue)
    currentLogBytes.store(prepared.compactor.logBytes, ordering: .relaxed)
    currentMutationBytes.store(prepared.mutations.bytes, ordering: .relaxed)
  }

  /// What the log takes, in bytes, about.
  var logBytes: Int { currentLogBytes.load(ordering: .relaxed) }
  /// What is remembered of mutation ids takes, about.
  var mutationBytes: Int { currentMutationBytes.load(ordering: .relaxed) }

  func setMutationBytes(_ bytes: Int) {
    currentMutationBytes.store(bytes, ordering: .relaxed)
  }

  /// Everything after it is in the log.
  var oldest: Sequence { Sequence(oldestLogged.load(ordering: .relaxed)) }

  func setLog(_ compactor: Compactor) {
    currentLogBytes.store(compactor.logBytes, ordering: .relaxed)
    oldestLogged.store(compactor.oldest.rawValue, ordering: .relaxed)
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

  /// All up to it is in the database's file; later commits may be in the WAL alone.
  var checkpointed: Sequence { Sequence(lastCheckpointed.load(ordering: .relaxed)) }

  func setCheckpointed(_ head: Sequence) {
    lastCheckpointed.store(head.rawValue, ordering: .relaxed)
  }

  /// What the connections' page caches take, as far as they have said.
  var cacheBytes: Int { currentCacheBytes.load(ordering: .relaxed) }

  func cacheBytesChanged(by bytes: Int) {
    currentCacheBytes.add(bytes, ordering: .relaxed)
  }

  /// Nobody waits for reads any more.
  var isClosing: Bool { closing.load(ordering: .relaxed) }

  func setClosing() {
    closing.store(true, ordering: .relaxed)
  }

  /// Names the database's history.
  var historyID: String { history.withLock { $0 } }

  func setHistoryID(_ id: String) {
    history.withLock { $0 = id }
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
      "the database's file, or its write-ahead log, was removed, replaced or cut while it was served: the "
        + "server's operator has to start the server again", retryAfter: .seconds(1))
  }

  func setGone() {
    isDatabaseGone.store(true, ordering: .releasing)
  }

  /// The WAL does not hold what was written into it: nobody is to copy it into the database.
  var isWALDamaged: Bool { walDamage.load(ordering: .acquiring) }

  func setWALDamaged() {
    walDamage.store(true, ordering: .releasing)
  }

  static var closed: DatasyncError {
    DatasyncError(
      .unavailable, reason: "STORE_CLOSED", "the server is shutting down; try again later",
      retryAfter: .seconds(1))
  }
}
