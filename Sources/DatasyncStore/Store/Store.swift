package import DatasyncModel
import Synchronization

/// Whoever is told what the store does: on the writer's thread, in order, never blocking it long.
package protocol StoreObserver: Sendable {
  ///
  /// - Returns: Whether the next transaction waits for ``Store/resumeWriting()``, so that all that
  ///   arrives until then goes into it; it waits at most ``StoreOptions/foreignPollInterval``.
  func batchCommitted(_ batch: CommittedBatch) -> Bool
  /// Comes before the first batch whose changes need the new catalog.
  func catalogChanged(_ catalog: Catalog)
  /// Other tables than before are not served.
  func unservedTablesChanged(_ tables: [UnservedTable])
  /// The file's content was put back or replaced by that of another; a new history begins, with the
  /// next batch. Whoever holds a position of the old one holds nothing any more.
  func historyReplaced()
  /// The database's file was removed or replaced; every read and write is refused from now on.
  func databaseGone(path: String)
  /// A read of this server or of another program lasts while much is written: the WAL is as long as
  /// told, and cannot be begun anew before the read ends. On the checkpointer's thread, once for each
  /// doubling.
  func longReadHoldsWAL(bytes: Int)
  /// A transaction is on the disk: how long that took, and how much of it was waiting for the disk.
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

extension StoreObserver {
  /// Observers that do not care learn it from the refusals.
  package func historyReplaced() {}
  package func databaseGone(path: String) {}
  package func longReadHoldsWAL(bytes: Int) {}
  package func unservedTablesChanged(_ tables: [UnservedTable]) {}
  package func committed(in duration: Duration, syncing: Duration) {}
  package func foreignAdopted(_ count: Int, total: Int, in duration: Duration) {}
  package func writesFailed(_ error: DatasyncError) {}
}

/// One SQLite database with its writer thread, its reader threads and its change log. Sendable.
package final class Store: Sendable {
  private let shared: SharedState
  let writer: Writer
  private let readers: ReaderPool
  private let checkpointer: Checkpointer
  private let busyWait: BusyWait
  private let threads: Mutex<[WorkerThread]>
  private let identity: FileIdentity
  package let path: String
  /// Names this database's history; OpenResponse.history_id.
  package var historyID: String { shared.historyID }
  /// Signs what clients keep and bring again; the database's own, and secret.
  package let tokenKey: [UInt8]

  /// Opens a database, recovers it, and adopts what others wrote while we were away.
  ///
  /// - Throws: with a message that names the file and what to do.
  package static func open(
    path: String, options: StoreOptions, observer: any StoreObserver
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
    prepared: StoreOpening.Prepared, busyWait: BusyWait, observer: any StoreObserver
  ) throws(DatasyncError) {
    let options = opening.options
    let shared = SharedState(prepared: prepared)
    let writer = Writer(
      connection: connection, options: options, observer: observer, shared: shared,
      prepared: prepared)
    let checkpointer = Checkpointer(options: options, shared: shared) { bytes in
      observer.longReadHoldsWAL(bytes: bytes)
    }
    writer.beginning = { checkpointer.makeWay() }
    writer.copyWAL = { [unowned writer] milliseconds in
      defer { busyWait.install(on: writer.connection.handle) }
      return checkpointer.makeRoom(by: writer.connection, waiting: milliseconds)
    }
    connection.timeSyncs()
    busyWait.lockTaken()
    // Only what is synced gains by it.
    let reserve =
      options.synchronous == .full
      ? WALReserve(connection: connection, maxPages: options.restartPages) : nil
    writer.begun = {
      busyWait.lockTaken()
      reserve?.extendIfDue()
    }
    writer.keep(identity, shared) { pages in
      checkpointer.walGrew(to: pages)
      reserve?.walGrew(to: pages)
    }
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
    self.shared = shared
    self.writer = writer
    self.checkpointer = checkpointer
    self.busyWait = busyWait
    self.identity = identity
    tokenKey = prepared.tokenKey
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

  package var catalog: Catalog { shared.catalog }

  /// Tables that are not served now, and why; in order of name.
  package var unservedTables: [UnservedTable] { shared.schema.unserved }

  /// The last sequence that was committed and announced.
  package var head: Sequence { shared.head }

  // MARK: - What is seen from outside; cheap, from any thread

  /// What the log takes, in bytes, about.
  package var logBytes: Int { shared.logBytes }
  /// Everything after it is in the log.
  package var oldest: Sequence { shared.oldest }
  /// Pages in the WAL that the next transaction does not write over.
  package var walPages: Int { shared.walPages }
  package var unservedTableCount: Int { shared.unservedCount }
  package var writerState: WriterState { shared.writerWatch.current }
  package var queuedWriteCount: Int { writer.queuedCount }
  package var queuedReadCount: Int { readers.queuedCount }
  /// Of requests that wait for the writer.
  package var queuedWriteBytes: Int { writer.queuedBytes }
  /// What SQLite's page caches take, as each connection last said, a second ago or when it last rested.
  package var cacheBytes: Int { shared.cacheBytes }
  /// Why nothing is served any more; nil: it is.
  package var gone: DatasyncError? { shared.gone }

  // MARK: - Writes

  /// Queues a write; its answer comes in a batch.
  ///
  /// - Throws: RESOURCE_EXHAUSTED with a retry delay where the queue is full; UNAVAILABLE once closed.
  ///
  /// - Parameter startsNow: false: the caller has more, and calls ``startWriting()`` then. A writer
  ///   that is at work takes on what there is in any case.
  package func submit(_ request: WriteRequest, startsNow: Bool = true) throws(DatasyncError) {
    try writer.submit(request, startsNow: startsNow)
  }

  package func startWriting() {
    writer.start()
  }

  /// Lets the writer go on, where it waits for whoever takes its batches.
  package func resumeWriting() {
    writer.resume()
  }

  /// Begins no write any more: those that wait and those that come are refused with UNAVAILABLE.
  /// Calls back when those that had begun are in a batch that was announced.
  package func endWrites(_ ended: @escaping @Sendable () -> Void) {
    writer.endWrites(ended)
  }

  /// Runs a closure on a reader thread, in a snapshot of its own; calls back on that thread.
  ///
  /// The snapshot's sequence may be ahead of the last announced batch by the batch that is about to
  /// be announced, never behind a batch that was announced before the call.
  ///
  /// - Parameter scope: What the closure may look at; other programs' writes into it are waited for,
  ///   up to five seconds.
  /// - Parameter client: Whose read it is: reads that are not short wait by client, which have turns.
  package func read<Result: Sendable>(
    _ scope: ReadScope, cancellation: (any ReadCancellation)? = nil, client: UInt64 = 0,
    isShort: Bool = false,
    _ body: @escaping @Sendable (Snapshot) throws(DatasyncError) -> Result,
    completion: @escaping @Sendable (Swift.Result<Result, DatasyncError>) -> Void
  ) {
    if let error = shared.gone {
      completion(.failure(error))
      return
    }
    let job = ReadJob(
      scope: scope, minimum: shared.head, cancellation: cancellation, client: client,
      isShort: isShort
    ) { snapshot in
      switch snapshot {
      case .failure(let error): completion(.failure(error))
      case .success(let snapshot):
        do throws(DatasyncError) {
          completion(.success(try body(snapshot)))
        } catch {
          completion(.failure(error))
        }
      }
    }
    if let error = readers.submit(job) { completion(.failure(error)) }
  }

  /// Writes what is queued, refuses what comes after and reads that wait, closes the database.
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
