package import DatasyncModel
package import DatasyncStorage
import Foundation

/// A store that keeps everything in memory, and is the contract's plainest meaning: one writer, one
/// state, a copy of it for each read. Sendable.
///
/// `@unchecked`: everything that changes is touched with the lock held, `working` by the writer alone.
package final class MemoryStorage: Storage, @unchecked Sendable {
  let options: MemoryOptions
  let observer: any StorageObserver
  package let historyID: String
  package let tokenKey: [UInt8]
  /// What survives the end of the process.
  package let disk: MemoryDisk
  let lock = NSCondition()
  var inbox = MemoryInbox()
  /// What everybody may see.
  var visible: MemoryState
  /// What there was before the last batch, for a fault.
  var previous: MemoryState
  /// What the writer has made.
  var working: MemoryState
  /// Threads that have not ended.
  private var threads = 0

  /// - Parameter disk: What there is already; it goes on.
  package init(
    _ options: MemoryOptions, disk: MemoryDisk = MemoryDisk(), observer: any StorageObserver
  ) {
    self.options = options
    self.observer = observer
    self.disk = disk
    let content = disk.open(options)
    historyID = content.historyID
    tokenKey = content.tokenKey
    visible = content.state
    previous = content.state
    working = content.state
    start { $0.write() }
    for _ in 0..<max(1, options.readerCount) { start { $0.read() } }
  }

  private func start(_ body: @escaping @Sendable (MemoryStorage) -> Void) {
    threads += 1
    Thread.detachNewThread { [self] in
      body(self)
      lock.withLock {
        threads -= 1
        lock.broadcast()
      }
    }
  }

  // MARK: - What is seen

  package var catalog: Catalog { lock.withLock { visible.catalog } }
  package var unservedTables: [UnservedTable] { [] }
  package var gone: DatasyncError? { nil }

  package var head: Sequence {
    lock.withLock { options.fault == .announcesHeadEarly ? visible.head.next : visible.head }
  }

  package var bounds: StorageBounds {
    var bounds = StorageBounds()
    bounds.maxLogBytes = options.maxLogBytes
    bounds.maxReaders = options.readerCount
    return bounds
  }

  package var load: StorageLoad {
    lock.withLock {
      var load = StorageLoad()
      load.queuedWrites = inbox.queue.count
      load.queuedReads = inbox.reads.count
      load.logBytes = visible.logBytes
      load.oldest = visible.oldest
      return load
    }
  }

  package var memory: [StorageMemory] {
    lock.withLock {
      [
        StorageMemory(
          "queued_writes", inbox.queue.byteCount, of: options.maxQueuedWriteBytes,
          "max_queued_write_bytes")
      ]
    }
  }

  // MARK: - Writes

  package func submit(_ request: WriteRequest, startsNow: Bool) throws(DatasyncError) {
    try locked { () throws(DatasyncError) in
      guard !(inbox.isClosed || inbox.isEnding) || options.fault == .servesWhenClosed else {
        throw MemoryStorage.closed
      }
      if let limit = inbox.limitReached(by: request, options) {
        throw DatasyncError(
          .resourceExhausted, reason: "WRITE_QUEUE_FULL",
          "\(inbox.queue.count) writes are waiting: try again later", metadata: ["limit": limit],
          retryAfter: .milliseconds(100))
      }
      inbox.queue.append(request)
      if startsNow { inbox.isStarted = true }
    }
  }

  package func startWriting() {
    locked { inbox.isStarted = true }
  }

  package func resumeWriting() {
    locked { inbox.gatheringEnds = nil }
  }

  package func withdrawWrites(loop: Int, session: UInt64) -> [UInt64] {
    locked {
      let withdrawn = inbox.queue.withdraw(loop: loop, session: session)
      if options.fault == .writesWithdrawn { withdrawn.forEach { inbox.queue.append($0) } }
      return withdrawn.map(\.replyTo.request)
    }
  }

  package func endWrites(_ ended: @escaping @Sendable () -> Void) {
    let isOver = locked {
      inbox.isEnding = true
      if !inbox.isWriterGone { inbox.whenEnded.append(ended) }
      return inbox.isWriterGone
    }
    if isOver { ended() }
  }

  /// What another program does, in one transaction; returns when that program's is over.
  package func writeAsOther(_ changes: [ForeignChange]) {
    locked {
      if options.fault == .showsForeignEarly {
        var write = MemoryWrite(visible, now: options.calendar(), fault: nil)
        for change in changes { write.perform(change) }
        visible.rows = write.state.rows
      }
      inbox.foreign.append(.changes(changes))
    }
  }

  /// Other tables are served from now on, as if a program had made or removed some.
  package func serve(_ catalog: Catalog) {
    locked { inbox.foreign.append(.catalog(catalog)) }
  }

  // MARK: - Reads

  package func perform(_ read: StorageRead) {
    let refusal: DatasyncError? = locked {
      if inbox.isClosed { return MemoryStorage.closed }
      guard inbox.reads.count < options.maxQueuedReads || options.fault == .queuesWithoutBound
      else {
        return DatasyncError(
          .resourceExhausted, reason: "READ_QUEUE_FULL",
          "\(inbox.reads.count) reads are waiting: try again later",
          metadata: ["limit": "max_queued_reads"], retryAfter: .milliseconds(100))
      }
      inbox.reads.append((read, Date() + options.readWait.seconds))
      return nil
    }
    if let refusal { read.run(.failure(refusal)) }
  }

  // MARK: - The end

  package func close() {
    lock.lock()
    inbox.isClosed = true
    lock.broadcast()
    while threads > 0 { lock.wait() }
    lock.unlock()
  }

  static var closed: DatasyncError {
    DatasyncError(
      .unavailable, reason: "STORE_CLOSED", "the server is shutting down; try again later",
      retryAfter: .seconds(1))
  }

  /// Runs the body under the lock, and has all threads look again.
  func locked<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    lock.lock()
    defer {
      lock.broadcast()
      lock.unlock()
    }
    return try body()
  }
}

/// What a ``MemoryStorage`` is asked to do. A value, under its lock.
struct MemoryInbox {
  /// What happened outside.
  enum Foreign {
    case changes([ForeignChange])
    case catalog(Catalog)
  }

  var queue = WriteQueue()
  var foreign: [Foreign] = []
  /// Of them, what the writer is giving its place.
  var adopted: Foreign?
  /// Reads that wait, and until when at most.
  var reads: [(read: StorageRead, until: Date)] = []
  /// Reads at work, for a fault.
  var readsAtWork = 0
  /// Whether the writer is at work, for a fault.
  var isWriting = false
  var isStarted = false
  /// Set while requests gather.
  var gatheringEnds: Date?
  var isEnding = false
  var isClosed = false
  var isWriterGone = false
  var whenEnded: [@Sendable () -> Void] = []

  func limitReached(by request: WriteRequest, _ options: MemoryOptions) -> String? {
    guard options.fault != .queuesWithoutBound else { return nil }
    if queue.count >= options.maxQueuedWrites { return "max_queued_writes" }
    // One alone may be larger.
    let bytes = queue.isEmpty ? 0 : queue.byteCount + request.byteCount
    return bytes > options.maxQueuedWriteBytes ? "max_queued_write_bytes" : nil
  }

  /// Ids of tables with changes of others that are not in the log.
  func pendingTables(_ catalog: Catalog) -> Set<Int> {
    var tables: Set<Int> = []
    for case .changes(let changes) in foreign + [adopted].compactMap(\.self) {
      tables.formUnion(changes.compactMap { catalog.table(named: $0.table)?.id })
    }
    return tables
  }
}
