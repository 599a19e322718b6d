import DatasyncModel
import DatasyncStorage

extension WriteTransaction {
  /// Carries a request out: all of it or nothing.
  func apply(_ request: WriteRequest) throws(WriteFailure) -> WriteAnswer.Outcome {
    rules = request.rules?.judge(in: self)
    // It may hold on to the transaction.
    defer { rules = nil }
    do throws(WriteFailure) {
      return try carryOut(request)
    } catch {
      guard case .request(let refusal) = error, refusal.row != nil, let rules = request.rules else {
        throw error
      }
      // As it is without what the request had done.
      throw .request(rules.judge(in: self).shown(refusal))
    }
  }

  private func carryOut(_ request: WriteRequest) throws(WriteFailure) -> WriteAnswer.Outcome {
    if let step = request.consumer {
      let positions = ConsumerPositions(
        connection: connection, now: now, maxCount: WriteTransaction.maxConsumers)
      return .success(
        [
          WriteResult(
            messageName: "", image: nil, sequence: try positions.take(step, head: head))
        ], replayed: false)
    }
    if let mutation = request.mutation, let outcome = try replay(mutation, of: request) {
      return outcome
    }
    guard !request.onlyReplays else { return .failure(.notDoneBefore) }
    let needsSavepoint =
      request.operations.count > 1 || request.rules != nil
      || request.operations.contains { schema.tables[$0.tableID]?.needsSavepoint == true }
    let start = next
    let rowCountsBefore = rowCounts
    author = request.author
    do throws(WriteFailure) {
      if needsSavepoint { try sql("SAVEPOINT request") }
      var results: [WriteResult] = []
      var bytes = 0
      results.reserveCapacity(request.operations.count)
      for (index, operation) in request.operations.enumerated() {
        do throws(WriteFailure) {
          if !request.expectations.isEmpty {
            try check(request.expectations[index], of: operation)
          }
          let result = try perform(operation)
          results.append(result)
          bytes += result.image?.bytes.count ?? 0
          if request.isCommit, bytes > maxCommitBytes { throw .request(commitTooLarge) }
        } catch {
          throw request.isCommit ? error.at(index) : error
        }
      }
      if needsSavepoint, schema.hasDeferredKeys, connection.hasDeferredViolations {
        throw WriteFailure.request(
          DatasyncError(
            .failedPrecondition, reason: "FOREIGN_KEY_VIOLATION",
            "the write leaves a foreign key unfulfilled: a row that is referred to is not there",
            metadata: ["table": request.operations.first.flatMap(tableName) ?? ""]))
      }
      let shown = try shown(results, of: request)
      if needsSavepoint { try sql("RELEASE request") }
      try end(request, results)
      answerBytes += bytes
      return .success(shown, replayed: false)
    } catch {
      guard case .request = error else { throw error }
      forgetChanges(since: start)
      rowCounts = rowCountsBefore
      if needsSavepoint {
        try sql("ROLLBACK TO request")
        try sql("RELEASE request")
      }
      throw error
    }
  }

  /// Whether the row is as the request was made for.
  private func check(
    _ expectation: RowExpectation, of operation: WriteOperation
  ) throws(WriteFailure) {
    guard expectation != .any, let stored = schema.tables[operation.tableID] else { return }
    let key: RowKey?
    do {
      switch operation {
      case .create(let draft), .replace(let draft, _), .update(let draft, _, _):
        key = isAbsent(draft.values[0]) ? nil : try RowKey(value: draft.values[0] ?? .null)
      case .delete(_, let text, _): key = try RowKey(text, table: stored.table)
      }
    } catch let failure as WriteFailure {
      throw failure
    } catch {
      // No such row; the operation itself says what is wrong with its key.
      return
    }
    guard let key else { return }
    let version = try row(key, in: stored)?.row.version
    let found = version.map { RowExpectation.version($0) } ?? .absent
    guard found == expectation else { throw .request(.rowChanged) }
  }

  /// A small request may have large results.
  private var commitTooLarge: DatasyncError {
    DatasyncError(
      .resourceExhausted, reason: "MAX_COMMIT_BYTES",
      "the rows that a commit writes take at most \(maxCommitBytes) bytes in all; divide it",
      metadata: ["limit": "max_commit_bytes"])
  }

  private func replay(
    _ mutation: Mutation, of request: WriteRequest
  ) throws(WriteFailure) -> WriteAnswer.Outcome? {
    let found: MutationLog.Found
    do {
      found = try MutationLog(connection: connection).find(mutation)
    } catch {
      throw .batch(error)
    }
    switch found {
    case .no: return nil
    case .same(let results) where results.count == request.operations.count:
      return .success(try shown(results, of: request), replayed: true)
    case .same, .damaged:
      return .failure(
        DatasyncError(
          .dataLoss, reason: "DATABASE_CORRUPT",
          "the write has happened before, but what was answered is damaged in the database; read "
            + "the row, and have the server's operator run `datasync check`"))
    case .other:
      return .failure(
        .badField(
          "mutation_id", reason: "MUTATION_ID_REUSED",
          "the id has been used for another request: use a new one"))
    }
  }

  /// Writes the log and remembers the mutation. A failure here is nobody's fault.
  private func end(_ request: WriteRequest, _ results: [WriteResult]) throws(WriteFailure) {
    do {
      try endCommit()
      if let mutation = request.mutation {
        let record = try MutationLog(connection: connection)
          .record(mutation, results: results, time: now)
        noteMutation(record.number, bytes: record.bytes)
      }
    } catch {
      throw .batch(error)
    }
  }

  private func sql(_ text: String) throws(WriteFailure) {
    do {
      try connection.cached(text).run()
    } catch {
      throw .batch(error)
    }
  }

  private func tableName(_ operation: WriteOperation) -> String? {
    schema.tables[operation.tableID]?.table.name
  }
}

extension WriteOperation {
  var tableID: Int {
    switch self {
    case .create(let draft), .replace(let draft, _), .update(let draft, _, _): draft.table.id
    case .delete(let table, _, _): table.id
    }
  }
}

extension WriteFailure {
  /// The failure of one write of a Commit.
  func at(_ index: Int) -> WriteFailure {
    switch self {
    case .request(var error):
      error.metadata["write_index"] = String(index)
      return .request(error)
    case .poisoned(var error):
      error.metadata["write_index"] = String(index)
      return .poisoned(error)
    case .batch: return self
    }
  }
}
