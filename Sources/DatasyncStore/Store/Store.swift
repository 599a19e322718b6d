package import DatasyncFilter
import DatasyncFilterSQLite
package import DatasyncModel
package import DatasyncStorage
import Synchronization

/// One SQLite database with its writer thread, its reader threads and its change log. Sendable.
package final class Store: Storage {
  private let shared: SharedState
  let writer: Writer
  private let readers: ReaderPool
  private let checkpointer: Checkpointer
  private let busyWait: BusyWait
  private let threads: Mutex<[WorkerThread]>
  private let identity: FileIdentity
  /// The database's file, as it was given.
  package let path: String
  /// Names this database's history; OpenResponse.history_id.
  package var historyID: String { shared.historyID }
  /// Signs what clients keep and bring again; the database's own, and secret.
  package let tokenKey: [UInt8]
  private let options: StoreOptions
  /// As the options say; they do not change.
  package let bounds: StorageBounds
  /// By this opening; not what was attached before, nor what has been since.
  package let attachedAtStart: [String]

  /// Opens a database, recovers it, and adopts what others wrote while we were away.
  ///
  /// - Throws: with a message that names the file and what to do.
  package static func open(
    path: String, options: StoreOptions, observer: any StorageObserver
  ) throws(DatasyncError) -> Store {
    let opening = StoreOpening(path: path, options: options)
    let busyWait = BusyWait()
    let lock = try opening.lock()
    let connection = try opening.connect(busyWait: busyWait)
    let identity = try FileIdentity(database: path, lock: lock)
    let prepared = try opening.prepare(
      connection, identity: identity, attaching: options.attachesTables ? .all : .ready)
    return try Store(
      opening: opening, connection: connection, identity: identity, prepared: prepared,
      busyWait: busyWait, observer: observer)
  }

  private init(
    opening: StoreOpening, connection: Connection, identity: FileIdentity,
    prepared: StoreOpening.Prepared, busyWait: BusyWait, observer: any StorageObserver
  ) throws(DatasyncError) {
    let options = opening.options
    let shared = SharedState(prepared: prepared)
    let writer = Writer(
      connection: connection, options: options, observer: observer, shared: shared,
      prepared: prepared)
    let checkpointer = Checkpointer(options: options, shared: shared) { bytes in
      observer.noticed(.longReadHoldsWAL(bytes: bytes))
    }
    writer.work(with: checkpointer, busyWait, identity, shared)
    let wake = { @Sendable [weak writer] () -> Void in writer?.wake() }
    let makeReader = { @Sendable (options: StoreOptions) throws(SQLiteFailure) -> Reader in
      try Reader(
        path: opening.path, options: options, shared: shared, busyWait: busyWait,
        checkpointer: checkpointer, adopt: wake)
    }
    var connections: [Reader] = []
    let checkpointConnection: Connection
    do {
      for _ in 0..<max(1, options.readerCount) {
        connections.append(try makeReader(options))
      }
      checkpointConnection = try Connection(path: opening.path)
    } catch {
      throw opening.explained(error)
    }
    let confined = Confined(checkpointConnection)
    let threads = [
      WorkerThread { writer.run() },
      WorkerThread { checkpointer.run(confined.value) },
    ]
    self.options = options
    bounds = options.bounds
    self.shared = shared
    self.writer = writer
    self.checkpointer = checkpointer
    self.busyWait = busyWait
    self.identity = identity
    tokenKey = prepared.tokenKey
    attachedAtStart = prepared.attached.map(\.table.name)
    path = opening.path
    readers = ReaderPool(
      readers: connections, limit: options.maxQueuedReads, maxScans: options.maxScans
    ) {
      // There may be many of them.
      try makeReader(options.ofLaterReaders)
    }
    self.threads = Mutex(threads.compactMap { $0 })
    guard !threads.contains(where: { $0 == nil }) else {
      close()
      throw DatasyncError(
        .resourceExhausted, reason: "NO_THREADS", "the system has no thread left for the store")
    }
  }

  /// The tables that are served now; another value after each change of the schema.
  package var catalog: Catalog { shared.catalog }
  var schema: Schema { shared.schema }

  /// Tables that are not served now, and why; in order of name.
  package var unservedTables: [UnservedTable] { shared.schema.unserved }

  /// The last sequence that was committed and announced.
  package var head: Sequence { shared.head }

  // MARK: - What is seen from outside; cheap, from any thread

  /// Its parts are read one after the other, and may be a moment apart.
  package var load: StorageLoad {
    var load = StorageLoad()
    load.queuedWrites = writer.queuedCount
    load.queuedReads = readers.queuedCount
    load.writer = shared.writerWatch.current
    load.logBytes = shared.logBytes
    load.mutationBytes = shared.mutationBytes
    load.oldest = shared.oldest
    load.walPages = shared.walPages
    return load
  }

  package var memory: [StorageMemory] {
    [
      StorageMemory(
        "queued_writes", writer.queuedBytes, of: options.maxQueuedWriteBytes,
        "max_queued_write_bytes"),
      // As the log, the answer and the record of the mutation have it.
      StorageMemory(
        "transaction", nil,
        of: (options.maxCommitBytes + options.maxBatchBytes).multipliedClamped(by: 3),
        "3 × (max_commit_bytes + max_batch_bytes)"),
      StorageMemory(
        "page_caches", shared.cacheBytes, of: options.allCacheBytes, "cache_bytes × connections"),
    ]
  }

  /// Everything after it is in the log.
  package var oldest: Sequence { shared.oldest }
  /// UNAVAILABLE, reason DATABASE_REPLACED, once the file or its WAL is not what was opened; nil before.
  package var gone: DatasyncError? { shared.gone }

  // MARK: - Writes

  /// - Throws: RESOURCE_EXHAUSTED, reason WRITE_QUEUE_FULL, metadata `limit`; UNAVAILABLE, reason
  ///   STORE_CLOSED or DATABASE_REPLACED.
  package func submit(_ request: WriteRequest, startsNow: Bool) throws(DatasyncError) {
    try writer.submit(request, startsNow: startsNow)
  }

  package func startWriting() {
    writer.start()
  }

  package func resumeWriting() {
    writer.resume()
  }

  /// - Returns: The numbers of requests that wait in the queue; those of the batch at hand are answered.
  package func withdrawWrites(loop: Int, session: UInt64) -> [UInt64] {
    writer.withdraw(loop: loop, session: session)
  }

  /// Calls back on the writer's thread; on the caller's where the store is closed already.
  package func endWrites(_ ended: @escaping @Sendable () -> Void) {
    writer.endWrites(ended)
  }

  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER, where it is deep and names many fields.
  package func check(_ filter: Filter) throws(DatasyncError) {
    try filter.checkSQL()
  }

  /// The snapshot's sequence may be ahead of the last announced batch by the batch that is about to be
  /// announced, never behind one that was announced before the call. Other programs' writes into what the
  /// read concerns are waited for, up to five seconds.
  package func perform(_ read: StorageRead) {
    if let error = shared.gone { return read.run(.failure(error)) }
    let job = ReadJob(read, minimum: max(read.atLeast, shared.head))
    if let error = readers.submit(job) { read.run(.failure(error)) }
  }

  /// Blocks until all threads have ended; other programs' locks are waited for, up to five seconds.
  package func close() {
    shared.setClosing()
    busyWait.giveUp(after: .seconds(5))
    writer.closeQueue()
    checkpointer.close()
    let waiting = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in waiting { thread.join() }
    readers.close()
    ForeignReads.closeGone()
    identity.unlock()
  }

  deinit {
    close()
  }
}

extension Writer {
  /// Makes way for checkpoints, and has them make room; tells how busy the write lock is.
  fileprivate func work(
    with checkpointer: Checkpointer, _ busyWait: BusyWait, _ identity: FileIdentity,
    _ shared: SharedState
  ) {
    beginning = { checkpointer.makeWay() }
    copyWAL = { [unowned self] milliseconds in
      defer { busyWait.install(on: connection.handle) }
      return checkpointer.makeRoom(by: connection, waiting: milliseconds)
    }
    connection.timeSyncs()
    busyWait.lockTaken()
    // Only what is synced gains by it.
    let reserve =
      options.synchronous == .full
      ? WALReserve(connection: connection, maxPages: options.restartPages) : nil
    begun = {
      busyWait.lockTaken()
      reserve?.extendIfDue()
    }
    keep(identity, shared) { pages in
      checkpointer.walGrew(to: pages)
      reserve?.walGrew(to: pages)
    }
  }

  /// Notes in the database's companion what is announced, and tells how long the WAL is.
  fileprivate func keep(
    _ identity: FileIdentity, _ shared: SharedState, walGrew: @escaping (_ pages: Int) -> Void
  ) {
    let wal = WALLength()
    wal.install(on: connection)
    let unsyncedBoot = options.synchronous == .normal ? Boot.id : nil
    identity.writeSynced(
      FileIdentity.Record(
        historyID: shared.historyID, head: head.rawValue, unsyncedBoot: unsyncedBoot))
    inode = identity.inode
    historyBegun = { [unowned self] in
      identity.writeSynced(
        FileIdentity.Record(
          historyID: shared.historyID, head: head.rawValue, unsyncedBoot: unsyncedBoot))
    }
    identity.noteSideFiles()
    reserve = identity.diskReserve()
    walGuard = identity.walGuard(connection)
    foreignReads = ForeignReads(ofDatabase: connection.path)
    isInPlace = { identity.isInPlace() }
    closedSynced = { [unowned self] in
      identity.writeSynced(FileIdentity.Record(historyID: shared.historyID, head: head.rawValue))
    }
    committed = { [unowned self] in
      // Before anyone hears of the commit.
      identity.write(head: head.rawValue)
      if let pages = wal.take() { walGrew(pages) }
    }
  }
}

/// Hands something to the one thread that will use it.
///
/// `@unchecked Sendable`: that is the promise of whoever makes it.
struct Confined<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) {
    self.value = value
  }
}
