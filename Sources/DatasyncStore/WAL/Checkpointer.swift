import CDatasyncSQLite
import DatasyncModel

/// Copies the WAL into the database off the writer's path, on a thread and connection of its own.
///
/// Sendable. ``CheckpointSchedule`` says when and how.
final class Checkpointer: Sendable {
  private struct Work {
    var schedule: CheckpointSchedule
    var hasNews = false
    var isClosed = false
  }

  private let work: Monitor<Work>
  /// Shut while the WAL is made ready to be begun anew.
  private let gate = Gate()
  private let shared: SharedState
  /// Told how long the WAL is where a long read keeps it from being begun anew; in bytes.
  private let reportLongRead: @Sendable (Int) -> Void

  /// How long all is quiet before the WAL is emptied.
  private let quietTime: Duration = .seconds(2)
  /// The longest that RESTART waits for transactions that are open, and new ones for it.
  private let restartMilliseconds: Int32 = 100

  init(
    options: StoreOptions, shared: SharedState,
    reportLongRead: @escaping @Sendable (_ bytes: Int) -> Void
  ) {
    self.shared = shared
    work = Monitor(
      Work(
        schedule: CheckpointSchedule(
          passivePages: options.checkpointPages, restartPages: options.restartPages)))
    self.reportLongRead = reportLongRead
  }

  // MARK: - On the writer's thread

  /// After a commit.
  func walGrew(to pages: Int) {
    let isDue = work.withLock { work in
      shared.setWALPages(pages)
      work.schedule.walGrew(to: pages)
      work.hasNews = true
      return work.schedule.isDue
    }
    if isDue { work.signal() }
  }

  /// Between transactions, where the disk is full: copies what is in the WAL and has room in the
  /// database, and has the next transaction write over it.
  ///
  /// - Parameters:
  ///   - connection: The writer's; its busy handler is to be set again.
  ///   - milliseconds: How long a checkpoint that is under way and reads are waited for.
  /// - Returns: Whether all was copied and nobody reads it.
  func makeRoom(by connection: Connection, waiting milliseconds: Int32) -> Bool {
    sqlite3_busy_timeout(connection.handle, milliseconds)
    return gate.whileShut {
      sqlite3_wal_checkpoint_v2(connection.handle, "main", SQLITE_CHECKPOINT_RESTART, nil, nil)
        == SQLITE_OK
    }
  }

  // MARK: - On any thread

  /// Before a transaction, the writer's or a reader's: waits while the rest of the WAL is copied, a
  /// few milliseconds.
  func makeWay() {
    gate.pass(within: .milliseconds(Int64(restartMilliseconds)))
  }

  func close() {
    work.withLock { $0.isClosed = true }
    work.broadcast()
  }

  /// The body of the checkpointer's thread.
  func run(_ connection: Connection) {
    let pageBytes = Int((try? connection.integer("PRAGMA page_size")) ?? 4096)
    while true {
      let (step, isClosed) = work.wait(
        timeout: quietTime, until: { $0.schedule.isDue || $0.isClosed }
      ) { work in
        defer { work.hasNews = false }
        return (work.schedule.step(isQuiet: !work.hasNews), work.isClosed)
      }
      if isClosed { break }
      // What is not whole is not to be copied.
      var next = shared.isWALDamaged ? nil : step
      while let step = next {
        let outcome = perform(step, on: connection)
        next = work.withLock { work in
          let next = work.schedule.ended(step, outcome, now: MonotonicClock.now)
          shared.setWALPages(work.schedule.pages)
          return next
        }
      }
      let held = work.withLock { work in
        work.schedule.reportsLongRead(now: MonotonicClock.now) ? work.schedule.pages : nil
      }
      if let held { reportLongRead(held * pageBytes) }
    }
    if shared.isWALDamaged { connection.keepWAL() }
    connection.close()
  }

  private func perform(
    _ step: CheckpointSchedule.Step, on connection: Connection
  ) -> CheckpointSchedule.Outcome {
    switch step {
    case .passive:
      return checkpoint(connection, SQLITE_CHECKPOINT_PASSIVE)
    case .restart:
      sqlite3_busy_timeout(connection.handle, restartMilliseconds)
      return gate.whileShut { checkpoint(connection, SQLITE_CHECKPOINT_RESTART) }
    case .truncate:
      // Whoever reads or writes now has precedence.
      sqlite3_busy_timeout(connection.handle, 0)
      return checkpoint(connection, SQLITE_CHECKPOINT_TRUNCATE)
    }
  }

  private func checkpoint(_ connection: Connection, _ mode: Int32) -> CheckpointSchedule.Outcome {
    var pages: Int32 = 0
    var copied: Int32 = 0
    // A connection that has read nothing yet does not know of the WAL, and would find nothing to do.
    guard (try? connection.integer("SELECT count(*) FROM sqlite_schema")) != nil else {
      return CheckpointSchedule.Outcome(isComplete: false, pages: 0, copiedPages: 0)
    }
    let head = shared.head
    let code = sqlite3_wal_checkpoint_v2(connection.handle, "main", mode, &pages, &copied)
    if code == SQLITE_OK, copied == pages { shared.setCheckpointed(head) }
    return CheckpointSchedule.Outcome(
      isComplete: code == SQLITE_OK, pages: Int(pages), copiedPages: Int(copied))
  }
}
