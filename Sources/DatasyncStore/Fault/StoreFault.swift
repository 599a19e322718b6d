import DatasyncModel
import DatasyncStorage

/// Promises that a store breaks on purpose, so that tests see that they would notice. Only in debug
/// builds; a store in a release build keeps them whatever is asked.
package enum StoreFault: String, CaseIterable, Sendable {
  /// Versions are not compared: `if_version` holds always.
  case ignoreVersion = "ignore-version"
  /// Some writes are answered, and not done.
  case loseWrite = "lose-write"
  /// Of a commit only the first write is done; all are answered.
  case tearCommit = "tear-commit"
  /// Reads are answered from a snapshot that is up to 300 ms old, whatever has been written since.
  case staleRead = "stale-read"
}

#if DEBUG
  extension WriteTransaction {
    /// Carries a request out, as a store with that fault does.
    func apply(
      _ request: WriteRequest, breaking fault: StoreFault?
    ) throws(WriteFailure) -> WriteAnswer.Outcome {
      switch fault {
      case .ignoreVersion:
        return try apply(
          request.with(request.operations.map(\.withoutVersion), mutation: request.mutation))
      case .loseWrite where next.rawValue % 8 == 0:
        return try pretend(request)
      case .tearCommit where request.operations.count > 1:
        let outcome = try pretend(request)
        // Nothing is recorded of it: a repeat finds no answer that belongs to less than it asked.
        if case .success = outcome {
          _ = try apply(request.with([request.operations[0]], mutation: nil))
        }
        return outcome
      case nil, .loseWrite, .tearCommit, .staleRead:
        return try apply(request)
      }
    }

    /// Takes back what has been answered.
    private func pretend(_ request: WriteRequest) throws(WriteFailure) -> WriteAnswer.Outcome {
      let start = next
      let count = commits.count
      do {
        try connection.execute("SAVEPOINT fault")
        let outcome = try apply(request)
        try connection.execute("ROLLBACK TO fault; RELEASE fault")
        forgetCommits(since: start, count: count)
        return outcome
      } catch let failure as WriteFailure {
        throw failure
      } catch {
        throw .batch(SQLiteFailure(extendedCode: 1, message: "\(error)"))
      }
    }
  }

  extension WriteRequest {
    fileprivate func with(_ operations: [WriteOperation], mutation: Mutation?) -> WriteRequest {
      WriteRequest(
        replyTo: replyTo, operations: operations, isCommit: isCommit, author: author,
        mutation: mutation, byteCount: byteCount)
    }
  }

  extension WriteOperation {
    fileprivate var withoutVersion: WriteOperation {
      switch self {
      case .create: return self
      case .replace(let draft, var condition):
        condition.ifVersion = .zero
        return .replace(draft, condition)
      case .update(let draft, let columns, var condition):
        condition.ifVersion = .zero
        return .update(draft, columns: columns, condition)
      case .delete(let table, let key, _):
        return .delete(table, key: key, ifVersion: .zero)
      }
    }
  }
#endif
