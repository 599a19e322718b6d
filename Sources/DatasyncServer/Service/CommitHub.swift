import DatasyncAccess
import DatasyncModel
import DatasyncStorage
import NIOCore
import Synchronization

/// Takes what the writer announces to every event loop, once each. Sendable.
///
/// What comes before the loops exist is kept, so that none of them starts with a gap.
///
/// Where every loop has many subscribers to write to, the writer waits until all have done so: what
/// arrives meanwhile is committed at once, and each subscriber gets it in one write. No answer waits
/// for longer than it would behind the writes of its own loop, and a commit.
final class CommitHub: StorageObserver {
  private struct Loop {
    let eventLoop: any EventLoop
    let loop: NIOLoopBound<ServiceLoop>
    /// Whether its last batch went to so many that writing to them takes as long as a commit.
    var isWide = false
  }

  private struct State {
    var loops: [Loop] = []
    weak var store: (any Storage)?
    /// Batches announced since the start.
    var batchCount: UInt64 = 0
    /// Loops that the writer waits for.
    var awaited = 0
    var early: [CommittedBatch] = []
    /// Tables that have been told of; nil: none has, the server starts.
    var unserved: Set<UnservedTable>?
    var access: AccessControl?
    var onCatalog: (@Sendable (Catalog) -> Void)?
    var hasStarted = false
  }

  private let state = Mutex(State())
  private let metrics: ServiceMetrics
  private let log: ServiceLog

  init(metrics: ServiceMetrics, log: ServiceLog) {
    self.metrics = metrics
    self.log = log
  }

  func start(
    _ loops: [NIOLoopBound<ServiceLoop>], on eventLoops: [any EventLoop], of store: any Storage,
    access: AccessControl?, onCatalog: @escaping @Sendable (Catalog) -> Void
  ) {
    state.withLock { state in
      state.loops = zip(eventLoops, loops).map { Loop(eventLoop: $0, loop: $1) }
      state.store = store
      state.access = access
      state.onCatalog = onCatalog
      state.hasStarted = true
      access?.memberships.begin(at: store.head)
      for batch in state.early { deliver(batch, in: &state) }
      state.early = []
      // The schema may have changed since the loops were made, when nobody was told.
      tell(store.catalog, state)
    }
  }

  func batchCommitted(_ batch: CommittedBatch) -> Bool {
    state.withLock { state in
      state.access?.memberships.note(batch)
      guard state.hasStarted else {
        state.early.append(batch)
        return false
      }
      return deliver(batch, in: &state)
    }
  }

  func catalogChanged(_ catalog: Catalog) {
    let onCatalog = state.withLock { state in
      tell(catalog, state)
      return state.onCatalog
    }
    onCatalog?(catalog)
  }

  /// Loops keep what they have where that is newer.
  private func tell(_ catalog: Catalog, _ state: State) {
    // The rules first: nobody is served a table by none.
    for fault in state.access?.adapt(to: catalog) ?? [] { log.ruleBroken(fault.description) }
    for entry in state.loops {
      let loop = entry.loop
      entry.eventLoop.execute { loop.value.catalogChanged(catalog) }
    }
  }

  func unservedTablesChanged(_ tables: [UnservedTable]) {
    let (told, isFirst) = state.withLock { state in
      defer { state.unserved = Set(tables) }
      return (tables.filter { state.unserved?.contains($0) != true }, state.unserved == nil)
    }
    for table in told {
      log.tableIsUnserved(table.name, reason: table.reason, isStarting: isFirst)
    }
  }

  func historyReplaced() {
    log.historyBegunAnew()
    state.withLock { state in
      state.access?.memberships.forget()
      for entry in state.loops {
        let loop = entry.loop
        entry.eventLoop.execute { loop.value.historyReplaced() }
      }
    }
  }

  func noticed(_ notice: StorageNotice) {
    log.noticed(notice)
  }

  func committed(in duration: Duration, syncing: Duration) {
    metrics.committed(in: duration, syncing: syncing)
  }

  func foreignAdopted(_ count: Int, total: Int, in duration: Duration) {
    metrics.foreignAdopted(count)
    if duration > ServiceLog.longAdoption { log.adoptionLasts(rows: total, in: duration) }
  }

  func writesFailed(_ error: DatasyncError) {
    metrics.writesFailed(reason: error.reason)
    log.writesFail(error)
  }

  /// The access file has changed: every loop looks at it at the same place between two batches.
  func accessChanged() {
    state.withLock { state in
      for entry in state.loops {
        let loop = entry.loop
        entry.eventLoop.execute { loop.value.accessChanged() }
      }
    }
  }

  // MARK: - Loops

  /// A loop that writes to so many is busy for about as long as a commit takes.
  private static let wideDeliveries = 32
  /// After it has written, a loop looks at what came in meanwhile: in the first turn that begins
  /// after this.
  private static let gatherTime: TimeAmount = .microseconds(20)

  /// - Returns: Whether the writer waits for the loops.
  @discardableResult
  private func deliver(_ batch: CommittedBatch, in state: inout State) -> Bool {
    state.batchCount += 1
    let isWaitedFor = !batch.commits.isEmpty && state.loops.allSatisfy(\.isWide)
    state.awaited = isWaitedFor ? state.loops.count : 0
    let number = state.batchCount
    for (index, entry) in state.loops.enumerated()
    where !batch.commits.isEmpty || batch.answers.contains(where: { $0.replyTo.loop == index }) {
      let loop = entry.loop
      let wasWide = entry.isWide
      entry.eventLoop.execute { [self] in
        let deliveries = loop.value.deliver(batch)
        guard !batch.commits.isEmpty else { return }
        note(deliveries >= CommitHub.wideDeliveries, of: index, before: wasWide)
        guard isWaitedFor else { return }
        let eventLoop = loop.value.eventLoop
        // What is sent leaves at the end of this turn, before what is put behind it here.
        eventLoop.execute {
          eventLoop.scheduleTask(in: CommitHub.gatherTime) { self.loopIsDone(with: number) }
        }
      }
    }
    return isWaitedFor
  }

  private func note(_ isWide: Bool, of index: Int, before wasWide: Bool) {
    guard isWide != wasWide else { return }
    state.withLock { $0.loops[index].isWide = isWide }
  }

  private func loopIsDone(with number: UInt64) {
    let store = state.withLock { state -> (any Storage)? in
      guard state.batchCount == number else { return nil }
      state.awaited -= 1
      return state.awaited == 0 ? state.store : nil
    }
    store?.resumeWriting()
  }
}
