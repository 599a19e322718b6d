package import DatasyncModel

/// One write, or several that happen together or not at all. A value.
package struct WriteRequest: Sendable {
  /// Whom the answer is for, in the caller's own terms.
  package private(set) var replyTo: ReplyAddress
  /// In the order in which they take effect.
  package private(set) var operations: [WriteOperation]
  /// Whether it is a Commit request: an error then carries metadata `write_index`.
  package let isCommit: Bool
  /// For the log.
  package let author: Author
  /// nil: sent again, it is done again.
  package let mutation: Mutation?
  /// The size to account for in the queue, in bytes.
  package let byteCount: Int
  /// nil: the caller may do everything.
  package let rules: (any WriteRules)?
  /// What it is instead of operations; answered by one result, whose sequence is the position.
  package let consumer: ConsumerStep?
  /// What the rows must be before the operations, one for each; else nothing is done, and the answer is
  /// ``DatasyncModel/DatasyncError/rowChanged``. Empty: anything.
  package private(set) var expectations: [RowExpectation] = []
  /// Whether it is done only where its ``mutation`` was done before; else the answer is
  /// ``DatasyncModel/DatasyncError/notDoneBefore``.
  package private(set) var onlyReplays = false

  package init(
    replyTo: ReplyAddress, operations: [WriteOperation], isCommit: Bool, author: Author,
    mutation: Mutation?, byteCount: Int, rules: (any WriteRules)? = nil,
    consumer: ConsumerStep? = nil
  ) {
    self.rules = rules
    self.consumer = consumer
    self.replyTo = replyTo
    self.operations = operations
    self.isCommit = isCommit
    self.author = author
    self.mutation = mutation
    self.byteCount = byteCount
  }
}

extension WriteRequest {
  /// The same with other operations, each of which expects its row to be so.
  package func with(
    _ operations: [WriteOperation], _ expectations: [RowExpectation]
  ) -> WriteRequest {
    precondition(operations.count == expectations.count, "one expectation an operation")
    var request = self
    request.operations = operations
    request.expectations = expectations
    return request
  }

  /// The same under another number of its session's.
  package func with(_ number: UInt64) -> WriteRequest {
    var request = self
    request.replyTo = ReplyAddress(
      loop: replyTo.loop, session: replyTo.session, request: number)
    return request
  }

  /// The same, which does nothing but answer a repeat.
  package var onlyIfDone: WriteRequest {
    var request = self
    request.onlyReplays = true
    return request
  }
}

/// What a row is to be when an operation comes to it. A value.
package enum RowExpectation: Hashable, Sendable {
  case any
  case absent
  /// There, and of this version; marked as deleted or not.
  case version(Sequence)
}

extension DatasyncError {
  /// A row is not what a request expects.
  package static var rowChanged: DatasyncError {
    DatasyncError(
      .aborted, reason: "ROW_CHANGED", "the row changes all the time: try again",
      retryAfter: .milliseconds(10))
  }

  /// A request that is only to be repeated has not been done.
  package static var notDoneBefore: DatasyncError {
    DatasyncError(.notFound, reason: "NOT_DONE_BEFORE", "the write has not been done")
  }
}

/// Names the requester to whoever observes the store. A value.
package struct ReplyAddress: Hashable, Sendable {
  /// The event loop's index.
  package let loop: Int
  /// The session, as its loop numbers them.
  package let session: UInt64
  /// The session's own number for it, not the id that the client gave.
  package let request: UInt64

  package init(loop: Int, session: UInt64, request: UInt64) {
    self.loop = loop
    self.session = session
    self.request = request
  }
}

/// Makes a write happen once. A value.
package struct Mutation: Hashable, Sendable {
  /// Principal and client id, joined so that they cannot be confused.
  package let scope: String
  /// As the client gave it; 1 to 64 bytes.
  package let id: String
  /// Tells requests apart: equal for a repeat, different for another request.
  package let fingerprint: [UInt8]

  package init(scope: String, id: String, fingerprint: [UInt8]) {
    self.scope = scope
    self.id = id
    self.fingerprint = fingerprint
  }
}

/// What to do to one row. The table of a draft may be of an older generation than the store's; the
/// writer maps its columns by field number.
package enum WriteOperation: Sendable {
  case create(RowDraft)
  /// Every column is written; absent ones become the column's default.
  case replace(RowDraft, WriteCondition)
  /// `columns`: the positions in ``Table/columns`` that are written; absent ones become NULL.
  case update(RowDraft, columns: [Int], WriteCondition)
  case delete(Table, key: String, ifVersion: Sequence)
}

/// When a replace or an update may happen. A value.
package struct WriteCondition: Hashable, Sendable {
  /// 0: any.
  package var ifVersion: Sequence
  /// Whether a row that is not there is created; else NOT_FOUND. Not together with ``ifVersion``:
  /// INVALID_ARGUMENT, BAD_CONDITION.
  package var allowMissing: Bool
  /// Whether a row marked as deleted may be written; else NOT_FOUND, ROW_DELETED. The mark is written then,
  /// too: by an update that names it, and by every replace, which takes it off where the draft has none.
  package var includeDeleted: Bool

  /// By default: any version of a row that is there and not marked as deleted.
  package init(
    ifVersion: Sequence = .zero, allowMissing: Bool = false, includeDeleted: Bool = false
  ) {
    self.ifVersion = ifVersion
    self.allowMissing = allowMissing
    self.includeDeleted = includeDeleted
  }
}

/// What became of a write request. A value.
package struct WriteAnswer: Sendable {
  package let replyTo: ReplyAddress
  package let outcome: Outcome

  /// All that was asked for, or nothing: after a failure, no row has changed for the request.
  package enum Outcome: Sendable {
    /// The i-th result belongs to the i-th operation. `replayed`: it happened before.
    case success([WriteResult], replayed: Bool)
    case failure(DatasyncError)
  }

  package init(replyTo: ReplyAddress, outcome: Outcome) {
    self.replyTo = replyTo
    self.outcome = outcome
  }
}

/// One row after its write. A value.
package struct WriteResult: Sendable {
  /// The full name of the row's message; in a replayed answer, as it was then.
  package let messageName: String
  /// As stored; after a hard delete, the last image. nil where it cannot be read.
  package let image: RowImage?
  /// The sequence of the change; of one that changed nothing, the row's version.
  package let sequence: Sequence

  package init(messageName: String, image: RowImage?, sequence: Sequence) {
    self.messageName = messageName
    self.image = image
    self.sequence = sequence
  }
}

/// What one transaction of the writer did: the answers first, then what everyone sees.
package final class CommittedBatch: Sendable {
  /// One for each request that was taken on, in that order; refusals, too.
  package let answers: [WriteAnswer]
  /// In commit order; foreign changes, adopted first, come first.
  package let commits: [Commit]
  /// The last sequence after the batch.
  package let head: Sequence

  package init(answers: [WriteAnswer], commits: [Commit], head: Sequence) {
    self.answers = answers
    self.commits = commits
    self.head = head
  }
}
