import DatasyncModel
import DatasyncStorage

// What the writer does with a batch of requests, and with what others did.
extension MemoryStorage {
  func carryOut(_ requests: [WriteRequest]) {
    var answers: [WriteAnswer] = []
    var commits: [Commit] = []
    var hasFailed = false
    for request in ordered(requests) {
      let outcome = hasFailed ? .failure(MemoryStorage.closed) : apply(request, &commits)
      if options.fault == .failsNeighbours, case .failure = outcome { hasFailed = true }
      answers.append(WriteAnswer(replyTo: request.replyTo, outcome: outcome))
    }
    keep()
    if options.fault == .eventsFirst, !commits.isEmpty {
      publish([], commits)
      commits = []
    }
    publish(answers, commits)
  }

  private func ordered(_ requests: [WriteRequest]) -> [WriteRequest] {
    guard options.fault == .reordersSession, let last = requests.last,
      let first = requests.firstIndex(where: { $0.replyTo.session == last.replyTo.session })
    else { return requests }
    var requests = requests
    requests.swapAt(first, requests.count - 1)
    return requests
  }

  /// What survives, before anybody is told.
  private func keep() {
    working.compact(to: options.maxLogBytes)
    disk.save(options.fault == .answersEarly ? visible : working)
  }

  /// Carries a request out: all of it or nothing.
  private func apply(_ request: WriteRequest, _ commits: inout [Commit]) -> WriteAnswer.Outcome {
    working.requests += 1
    if let step = request.consumer { return take(step) }
    let name = request.mutation.map {
      MemoryState.MutationName(scope: $0.scope, id: $0.id)
    }
    if let name, let mutation = request.mutation, let known = working.mutations[name],
      options.fault != .repeatsMutation
    {
      return shown(repeated(known, mutation), of: request)
    }
    guard !request.onlyReplays else { return .failure(.notDoneBefore) }
    var write = MemoryWrite(
      working, now: options.calendar(), fault: options.fault, rules: request.rules)
    var results: [WriteResult] = []
    let outcome: WriteAnswer.Outcome
    do throws(DatasyncError) {
      for (index, operation) in request.operations.enumerated() {
        do throws(DatasyncError) {
          if !request.expectations.isEmpty, options.fault != .ignoresExpectations {
            try write.check(request.expectations[index], of: operation)
          }
          results.append(try write.perform(operation))
        } catch {
          throw request.isCommit ? error.at(index) : error
        }
      }
      outcome = .success(results, replayed: false)
    } catch {
      outcome = .failure(error)
    }
    let isFailure = if case .failure = outcome { true } else { false }
    if let mutation = request.mutation, let name,
      !isFailure || options.fault == .remembersFailures
    {
      write.state.mutations[name] = MemoryState.Remembered(
        fingerprint: mutation.fingerprint, outcome: outcome)
      if isFailure { working.mutations = write.state.mutations }
    }
    let shown = shown(outcome, of: request, by: isFailure ? nil : write)
    guard !isFailure || options.fault == .tearsCommit else { return shown }
    if options.fault == .losesWrite, working.requests % 3 == 0 { return shown }
    end(write, author: request.author, &commits)
    return shown
  }

  private func take(_ step: ConsumerStep) -> WriteAnswer.Outcome {
    let before = working.consumers
    defer {
      if options.fault == .forgetsConsumers, step.kind != .begin { working.consumers = before }
    }
    do throws(DatasyncError) {
      let position = try working.take(step)
      return .success(
        [WriteResult(messageName: "", image: nil, sequence: position)], replayed: false)
    } catch {
      return .failure(error)
    }
  }

  /// What the caller may see of an answer.
  ///
  /// - Parameter write: What the request has made; nil: nothing.
  private func shown(
    _ outcome: WriteAnswer.Outcome, of request: WriteRequest, by write: MemoryWrite? = nil
  ) -> WriteAnswer.Outcome {
    guard let rules = request.rules, options.fault != .answersUnseen else { return outcome }
    let judge = rules.judge(in: MemoryRows(write?.state ?? working))
    do throws(DatasyncError) {
      switch outcome {
      case .failure(let error):
        return .failure(judge.shown(error))
      case .success(let results, let replayed):
        let tables = request.operations.map { working.catalog.table(id: $0.table.id) }
        return .success(try judge.shown(results, of: tables), replayed: replayed)
      }
    } catch {
      return .failure(error)
    }
  }

  private func repeated(
    _ known: MemoryState.Remembered, _ mutation: Mutation
  ) -> WriteAnswer.Outcome {
    guard known.fingerprint == mutation.fingerprint || options.fault == .ignoresFingerprint else {
      return .failure(
        .badField(
          "mutation_id", reason: "MUTATION_ID_REUSED",
          "the id has been used for another request: use a new one"))
    }
    guard case .success(let results, _) = known.outcome else { return known.outcome }
    return .success(results, replayed: options.fault != .hidesReplay)
  }

  /// The write takes effect.
  private func end(_ write: MemoryWrite, author: Author, _ commits: inout [Commit]) {
    working = write.state
    var changes = write.changes
    if options.fault == .swapsChanges, changes.count > 1 { changes.swapAt(0, 1) }
    if let commit = working.append(changes, author: author, at: write.now) {
      commits.append(commit)
    }
  }

  // MARK: - What others did

  /// Gives each row that others changed its place in the order; their transaction is one commit.
  func adopt(_ changes: [ForeignChange]) {
    var commits: [Commit] = []
    let parts = options.fault == .splitsForeign ? changes.map { [$0] } : [changes]
    for part in parts {
      var write = MemoryWrite(working, now: options.calendar(), fault: options.fault)
      for change in part { write.perform(change) }
      if options.fault == .losesForeign {
        working.rows = write.state.rows
        continue
      }
      end(write, author: .unknown, &commits)
      if options.fault == .repeatsForeign { repeatForeign(write.changes, &commits) }
    }
    keep()
    publish([], commits)
  }

  private func repeatForeign(_ changes: [Change], _ commits: inout [Commit]) {
    var sequence = working.head
    let again = changes.map { change in
      sequence = sequence.next
      return Change(
        sequence: sequence, tableID: change.tableID, key: change.key, operation: change.operation,
        before: change.before, after: change.after)
    }
    if let commit = working.append(again, author: .unknown, at: options.calendar()) {
      commits.append(commit)
    }
  }

  /// Serves other tables; the history of a new one begins.
  func serveNow(_ catalog: Catalog) {
    let old = Set(working.catalog.tables.map(\.id))
    working.catalog = catalog
    var commits: [Commit] = []
    for table in catalog.tables where !old.contains(table.id) {
      var write = MemoryWrite(working, now: options.calendar(), fault: options.fault)
      write.attach(table)
      end(write, author: .unknown, &commits)
    }
    keep()
    if options.fault == .announcesCatalogLate {
      publish([], commits)
      return observer.catalogChanged(catalog)
    }
    // Whoever is told asks for the tables.
    locked { visible.catalog = catalog }
    observer.catalogChanged(catalog)
    publish([], commits)
  }
}

extension MemoryWrite {
  mutating func perform(_ change: ForeignChange) {
    guard let table = state.catalog.table(named: change.table) else { return }
    switch change {
    case .put(_, let value, let fields):
      guard let key = MemoryKey(value) else { return }
      let before = state.row(key, in: table)
      var values =
        before.map { RowDecoder.values(of: $0.image, table: table) }
        ?? made(key, in: table)
      for (name, value) in fields {
        if let index = table.index(ofColumn: name) { values[index] = value }
      }
      _ = put(values, key, in: table, before: before)
    case .remove(_, let value):
      guard let key = MemoryKey(value), let before = state.row(key, in: table) else { return }
      _ = remove(before, key, in: table)
    }
  }

  /// A new row of the defaults.
  private func made(_ key: MemoryKey, in table: Table) -> [Value] {
    var values = [Value].nulls(table.columns.count)
    values[0] = key.value
    values[SystemColumn.createdAt.rawValue] = .timestamp(now)
    values[SystemColumn.deleted.rawValue] = .bool(false)
    for (name, value) in state.defaults[table.name] ?? [:] {
      if let index = table.index(ofColumn: name) { values[index] = value }
    }
    return values
  }
}

extension DatasyncError {
  /// The same, of one write of a Commit.
  fileprivate func at(_ index: Int) -> DatasyncError {
    var error = self
    error.metadata["write_index"] = String(index)
    return error
  }
}
