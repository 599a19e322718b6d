import DatasyncAccess
import DatasyncModel
import DatasyncStorage
import NIOCore

/// A write of a call that hooks look at, from its turn to its end; a call has one at a time. Loop-bound.
///
///     asking ──► deciding ──► writing ──► committed
///                   ▲            │
///                   └────────────┘  the stored row has changed meanwhile
final class HookedWrite {
  private let operations: Operations
  private let hooks: HookSet
  private let request: WriteRequest
  private let id: UInt64
  private let caller: WriteCaller
  private var loop: ServiceLoop { operations.loop }
  private var decided: HookRun.Decided?
  private var attempts = 0
  /// Rises with every task; what an older one says comes too late.
  private var generation = 0
  private var task: Task<Void, Never>?
  private var deadline: Scheduled<Void>?
  /// Of the request that the store has; nil: none.
  private(set) var ticket: UInt64?

  private var isCommitted = false

  private static let maxAttempts = 8

  init(_ request: WriteRequest, id: UInt64, _ operations: Operations, _ hooks: HookSet) {
    self.request = request
    self.id = id
    self.operations = operations
    self.hooks = hooks
    caller = WriteCaller(operations.caller)
  }

  /// A write that has happened is not shown to hooks again.
  func begin() {
    guard request.mutation != nil else { return read() }
    submit(request.onlyIfDone)
  }

  private var run: HookRun { HookRun(request: request, caller: caller, hooks: hooks) }

  private func read() {
    attempts += 1
    let run = run
    let tables = Set(request.operations.map(\.tableID)).union(
      operations.caller.rights?.rules.membershipTables ?? [])
    loop.read(
      .tables(tables), turn: operations.caller.turn,
      { snapshot throws(DatasyncError) in try run.find(in: snapshot) },
      completion: { [self] (result: Result<[HookRun.Found], DatasyncError>) in
        switch result {
        case .success(let found): decide(run, found)
        case .failure(let error): end(error)
        }
      })
  }

  private func decide(_ run: HookRun, _ found: [HookRun.Found]) {
    guard isWanted else { return leave() }
    perform {
      try await run.decide(found)
    } completion: { [self] result in
      switch result {
      case .success(let decided):
        self.decided = decided
        submit(decided.request)
      case .failure(let error):
        if error.reason == "HOOK_FAILED" { hooks.log.hookFailed(error) }
        end(error)
      }
    }
  }

  /// Whether somebody waits for it.
  private var isWanted: Bool { operations.isRunning(id) && operations.hookedWrite === self }

  private func submit(_ request: WriteRequest) {
    guard isWanted else { return leave() }
    let ticket = operations.makeTicket()
    self.ticket = ticket
    do throws(DatasyncError) {
      try operations.submit(request.with(ticket), id: id, isHooked: true)
    } catch {
      end(error)
    }
  }

  /// - Returns: Whether that was not its last answer.
  func goesOn(after outcome: WriteAnswer.Outcome) -> Bool {
    guard case .failure(let error) = outcome else { return false }
    let goesOn =
      error.reason == DatasyncError.notDoneBefore.reason
      || (error.reason == DatasyncError.rowChanged.reason && attempts < HookedWrite.maxAttempts)
    guard goesOn, isWanted else { return false }
    ticket = nil
    read()
    return true
  }

  /// The write has happened or not; nobody gives it up any more.
  func settled(_ outcome: WriteAnswer.Outcome) {
    guard case .success = outcome else { return }
    isCommitted = true
    ticket = nil
  }

  /// The client has its answer.
  func answered(_ outcome: WriteAnswer.Outcome) {
    ticket = nil
    guard case .success(let results, replayed: false) = outcome, let decided else { return leave() }
    let run = run
    perform {
      await run.committed(decided.rows, results)
    } completion: { [self] result in
      if case .failure(let error) = result { hooks.log.hookFailed(error) }
      leave()
    }
  }

  /// Runs a hook's part, for as long as it may take.
  private func perform<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result,
    completion: @escaping (Swift.Result<Result, DatasyncError>) -> Void
  ) {
    do throws(DatasyncError) {
      try hooks.enter()
    } catch {
      return completion(.failure(error))
    }
    generation += 1
    let number = generation
    let bound = NIOLoopBound((self, completion), eventLoop: loop.eventLoop)
    let eventLoop = loop.eventLoop
    let tell = { @Sendable (result: Swift.Result<Result, DatasyncError>) -> Void in
      eventLoop.execute {
        let (write, completion) = bound.value
        guard write.generation == number else { return }
        write.generation += 1
        write.deadline?.cancel()
        write.task = nil
        completion(result)
      }
    }
    let timeout = hooks.timeout
    task = Task { [hooks] in
      defer { hooks.leave() }
      do {
        tell(.success(try await body()))
      } catch {
        tell(.failure((error as? DatasyncError) ?? .hookFailed(error)))
      }
    }
    deadline = eventLoop.scheduleTask(in: timeout) {
      bound.value.0.task?.cancel()
      tell(.failure(.hookTimedOut(timeout)))
    }
  }

  private func end(_ error: DatasyncError) {
    if operations.isRunning(id) { operations.finish(id, error: error) }
    leave()
  }

  private func leave() {
    guard operations.hookedWrite === self else { return }
    operations.hookedWrite = nil
    operations.startSteps()
  }

  /// Nobody hears of it any more; what the store has begun takes effect.
  func abandon() {
    generation += 1
    deadline?.cancel()
    task?.cancel()
    task = nil
    if operations.hookedWrite === self { operations.hookedWrite = nil }
  }

  /// Whether it is still before the store.
  var isBeforeWriting: Bool { ticket == nil && !isCommitted }
  /// Of the client.
  var requestID: UInt64 { id }
}
