import DatasyncMessages
import DatasyncModel
import DatasyncStorage

// Writes: resolved here, carried out by the store in the order of sending.
extension Operations {
  func commit(_ message: CommitMessage, id: UInt64) throws(DatasyncError) {
    guard message.writes.count <= loop.options.maxWritesPerCommit else {
      throw DatasyncError(
        .resourceExhausted, reason: "MAX_WRITES_PER_COMMIT",
        "a commit holds at most \(loop.options.maxWritesPerCommit) writes",
        metadata: ["limit": "max_writes_per_commit"])
    }
    var writes: [WriteMessage] = []
    for (index, write) in message.writes.enumerated() {
      guard let write else { throw DatasyncError.emptyRequest.at(writeIndex: index) }
      guard write.mutationID.isEmpty else {
        throw DatasyncError.badField(
          "mutation_id", reason: "BAD_MUTATION_ID",
          "a write inside a commit has none: the commit has one"
        ).at(writeIndex: index)
      }
      writes.append(write)
    }
    if writes.isEmpty, message.mutationID.isEmpty {
      running[id] = .write
      return answer(id, .commit([], replayed: false))
    }
    try write(writes, isCommit: true, mutationID: message.mutationID, id: id)
  }

  func write(
    _ messages: [WriteMessage], isCommit: Bool, mutationID: String, id: UInt64
  ) throws(DatasyncError) {
    let resolver = resolver
    var operations: [WriteOperation] = []
    operations.reserveCapacity(messages.count)
    var byteCount = 64
    for (index, message) in messages.enumerated() {
      do {
        operations.append(try resolver.write(message.write))
      } catch {
        var faults = RequestFaults()
        faults.note(error)
        faults.check { () throws(DatasyncError) in try resolver.checkMutationID(mutationID) }
        let all = faults.joined(to: error)
        throw isCommit ? all.at(writeIndex: index) : all
      }
      byteCount += message.write.byteCount
    }
    let mutation = try resolver.mutation(mutationID, operations, isCommit: isCommit)
    let ticket = makeTicket()
    let request = WriteRequest(
      replyTo: ReplyAddress(loop: loop.index, session: register(), request: ticket),
      operations: operations, isCommit: isCommit, author: caller.author, mutation: mutation,
      byteCount: byteCount, rules: caller.rights)
    running[id] = .write
    if let hooks = loop.requests.hooks, operations.contains(where: { hooks.concern($0.tableName) })
    {
      return enqueue(id, .hookedWrite) { [self] in
        let write = HookedWrite(request, id: id, self, hooks)
        hookedWrite = write
        write.begin()
      }
    }
    if steps.isEmpty, activeReads == 0, hookedWrite == nil { return try submit(request, id: id) }
    steps.append(
      Step(requestID: id, kind: .write) { [self] in
        do throws(DatasyncError) {
          try submit(request, id: id)
        } catch {
          finish(id, error: error)
        }
      })
  }

  func makeTicket() -> UInt64 {
    defer { nextTicket += 1 }
    return nextTicket
  }

  func submit(
    _ request: WriteRequest, id: UInt64, isHooked: Bool = false
  ) throws(DatasyncError) {
    guard whenWritesEnded == nil else { throw DatasyncError.callEnds }
    try loop.submit(request)
    pendingWrites[request.replyTo.request] = PendingWrite(
      requestID: id, isCommit: request.isCommit, isHooked: isHooked)
  }

  func register() -> UInt64 {
    if let registration { return registration }
    let id = loop.requesters.register(self)
    registration = id
    return id
  }

  func unregisterWhenIdle() {
    guard sink == nil, pendingWrites.isEmpty, let registration else { return }
    loop.requesters.unregister(registration)
    self.registration = nil
  }

  func answered(_ answer: WriteAnswer) {
    guard let pending = pendingWrites.removeValue(forKey: answer.replyTo.request) else { return }
    let hooked = pending.isHooked ? hookedWrite : nil
    if hooked?.goesOn(after: answer.outcome) == true { return }
    // A call may end with its answer; what comes behind the write does not.
    hooked?.settled(answer.outcome)
    if case .write = running[pending.requestID] {
      switch answer.outcome {
      case .failure(let error):
        finish(pending.requestID, error: shown(error))
      case .success(let results, let replayed):
        let replies = results.map { result in
          WriteReply(
            entity: result.image.flatMap { shown($0, of: result.messageName) }.map {
              EntityReply(messageName: result.messageName, image: $0)
            },
            sequence: FaultSwitch.isOn(.wrongSequence) ? result.sequence.next : result.sequence,
            replayed: replayed)
        }
        if pending.isCommit {
          self.answer(pending.requestID, .commit(replies, replayed: replayed))
        } else if let reply = replies.first {
          self.answer(pending.requestID, .write(reply))
        } else {
          finish(
            pending.requestID, error: DatasyncError(.internal, "the write has no result"))
        }
      }
    }
    hooked?.answered(answer.outcome)
    startSteps()
    unregisterWhenIdle()
    tellWritesEnded()
  }

  // MARK: - What the caller may see of an answer

  /// What the caller may see of a row that it may read; nil: nothing of it.
  private func shown(_ image: RowImage, of messageName: String) -> RowImage? {
    guard let rights = caller.rights else { return image }
    guard let table = loop.catalog.table(messageName: messageName) else { return nil }
    return rights.withoutHidden(image, of: table)
  }

  /// The one exit of errors that carry a stored row.
  private func shown(_ error: DatasyncError) -> DatasyncError {
    guard let rights = caller.rights else { return error }
    var error = rights.withoutHidden(error, in: loop.catalog)
    error.row = error.row.flatMap { row in
      rights.withoutHidden(row.image, of: row.table).map { image in
        StoredRow(
          table: row.table, key: row.key, image: image, version: row.version,
          isDeleted: row.isDeleted)
      }
    }
    // What a row has that is not shown is nobody's business.
    if error.reason == "ROW_EXISTS", error.row == nil { error.cause = nil }
    return error
  }

  // MARK: - The end

  /// Refuses writes that have not begun, and calls back when those that had are answered: nobody may
  /// learn that a write failed which took effect. Not where the call is gone before that.
  func endWrites(_ ended: @escaping () -> Void) {
    guard whenWritesEnded == nil else { return }
    whenWritesEnded = ended
    let withdrawn = withdraw().compactMap { pendingWrites.removeValue(forKey: $0)?.requestID }
    let waiting = steps.filter { $0.kind == .write || $0.kind == .hookedWrite }.map(\.requestID)
    var refused = withdrawn + waiting
    if let hookedWrite, hookedWrite.isBeforeWriting || withdrawn.contains(hookedWrite.requestID) {
      hookedWrite.abandon()
      refused.append(hookedWrite.requestID)
    }
    for id in refused {
      if case .write = running[id] { finish(id, error: .callEnds) }
    }
    tellWritesEnded()
  }

  private func tellWritesEnded() {
    guard pendingWrites.isEmpty, let ended = whenWritesEnded else { return }
    ended()
  }

  /// The tickets of writes that the store has not begun, and will not.
  func withdraw() -> [UInt64] {
    guard !pendingWrites.isEmpty, let registration else { return [] }
    return loop.store.withdrawWrites(loop: loop.index, session: registration)
  }
}

extension WriteOperation {
  fileprivate var tableName: String {
    switch self {
    case .create(let draft), .replace(let draft, _), .update(let draft, _, _): draft.table.name
    case .delete(let table, _, _): table.name
    }
  }

  /// ``Table/id`` of its table.
  var tableID: Int {
    switch self {
    case .create(let draft), .replace(let draft, _), .update(let draft, _, _): draft.table.id
    case .delete(let table, _, _): table.id
    }
  }
}

extension Write {
  fileprivate var byteCount: Int {
    switch self {
    case .create(let entity), .replace(let entity, _), .update(let entity, _, _):
      128 + (entity?.bytes.count ?? 0)
    case .delete(_, let id, _): 128 + id.utf8.count
    }
  }
}

extension DatasyncError {
  /// Of a write that had not begun when the server ended its call.
  fileprivate static var callEnds: DatasyncError {
    DatasyncError(
      .unavailable, reason: "CALL_ENDED",
      "the server ends the call before the write had its turn: it was not made, send it again",
      retryAfter: .zero)
  }

  /// The same error, of one write of a commit.
  fileprivate func at(writeIndex index: Int) -> DatasyncError {
    var error = self
    error.metadata["write_index"] = String(index)
    return error
  }
}
