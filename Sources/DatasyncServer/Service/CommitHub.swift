import DatasyncModel
import DatasyncStore
import Logging
import NIOCore
import Synchronization

/// Takes what the writer announces to every event loop, once each. Sendable.
///
/// What comes before the loops exist is kept, so that none of them starts with a gap.
final class CommitHub: StoreObserver {
  private struct State {
    var loops: [(eventLoop: any EventLoop, loop: NIOLoopBound<ServiceLoop>)] = []
    var early: [CommittedBatch] = []
    var onCatalog: (@Sendable (Catalog) -> Void)?
    var hasStarted = false
  }

  private let state = Mutex(State())
  private let logger: Logger

  init(logger: Logger) {
    self.logger = logger
  }

  func start(
    _ loops: [NIOLoopBound<ServiceLoop>], on eventLoops: [any EventLoop],
    onCatalog: @escaping @Sendable (Catalog) -> Void
  ) {
    state.withLock { state in
      state.loops = Array(zip(eventLoops, loops).map { (eventLoop: $0, loop: $1) })
      state.onCatalog = onCatalog
      state.hasStarted = true
      for batch in state.early { CommitHub.deliver(batch, to: state.loops) }
      state.early = []
    }
  }

  func batchCommitted(_ batch: CommittedBatch) {
    state.withLock { state in
      if state.hasStarted {
        CommitHub.deliver(batch, to: state.loops)
      } else {
        state.early.append(batch)
      }
    }
  }

  func catalogChanged(_ catalog: Catalog) {
    let onCatalog = state.withLock { state in
      for (eventLoop, loop) in state.loops {
        eventLoop.execute { loop.value.catalogChanged(catalog) }
      }
      return state.onCatalog
    }
    onCatalog?(catalog)
  }

  func databaseGone(path: String) {
    logger.critical(
      "the database file, or its -wal or -shm, was replaced or removed while it is served; stop the server, then start it",
      metadata: ["path": "\(path)"])
  }

  func longReadHoldsWAL(bytes: Int) {
    logger.warning(
      "a read that does not end keeps the write-ahead log from being begun anew; most likely another program has a transaction open on the database",
      metadata: ["bytes": "\(bytes)"])
  }

  private static func deliver(
    _ batch: CommittedBatch,
    to loops: [(eventLoop: any EventLoop, loop: NIOLoopBound<ServiceLoop>)]
  ) {
    for (index, entry) in loops.enumerated()
    where !batch.commits.isEmpty || batch.answers.contains(where: { $0.replyTo.loop == index }) {
      let loop = entry.loop
      entry.eventLoop.execute { loop.value.deliver(batch) }
    }
  }
}
