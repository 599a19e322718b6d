/// What went wrong, in a form that may be told to the caller. A value.
///
/// One place maps it to a gRPC status: google.rpc.Status with ErrorInfo (`domain` "datasync",
/// ``reason``, ``metadata``), BadRequest (``violations``), RetryInfo (``retryAfter``) and the stored
/// row (``row``). ``cause`` is for the log, and is never sent.
package struct DatasyncError: Error, Sendable {
  /// A google.rpc.Code; open-ended.
  package struct Code: RawRepresentable, Hashable, Sendable {
    /// The number on the wire, that of the gRPC status too. 0 is OK, and no error.
    package let rawValue: Int32

    package init(rawValue: Int32) {
      self.rawValue = rawValue
    }

    /// By the caller, whether through `cancel` or by the end of the call.
    package static let cancelled = Code(rawValue: 1)
    package static let unknown = Code(rawValue: 2)
    /// The request itself is at fault; ``DatasyncError/violations`` name its fields.
    package static let invalidArgument = Code(rawValue: 3)
    package static let deadlineExceeded = Code(rawValue: 4)
    /// Something named is not there, or the caller may not know of it.
    package static let notFound = Code(rawValue: 5)
    /// What is to be made is there; a row comes along if the caller may read it.
    package static let alreadyExists = Code(rawValue: 6)
    package static let permissionDenied = Code(rawValue: 7)
    /// A limit is reached; where it can be set, metadata `limit` names it.
    package static let resourceExhausted = Code(rawValue: 8)
    /// The state forbids it, such as another version of the row than `if_version` says.
    package static let failedPrecondition = Code(rawValue: 9)
    package static let aborted = Code(rawValue: 10)
    /// A position that the change log does not have: HISTORY_COMPACTED, HISTORY_REPLACED.
    package static let outOfRange = Code(rawValue: 11)
    /// The method or the kind of request is not served there.
    package static let unimplemented = Code(rawValue: 12)
    /// The request is not to blame; ``DatasyncError/cause`` tells the log more.
    package static let `internal` = Code(rawValue: 13)
    /// For the moment: the same request may succeed later, see ``DatasyncError/retryAfter``.
    package static let unavailable = Code(rawValue: 14)
    /// The file is damaged, or a row of it cannot be read (UNREADABLE).
    package static let dataLoss = Code(rawValue: 15)
    package static let unauthenticated = Code(rawValue: 16)
  }

  /// One fault in the request, as google.rpc.BadRequest.FieldViolation has it.
  package struct FieldViolation: Hashable, Sendable {
    /// The field of the request or of the row, `filter` for instance.
    package let field: String
    /// What is wrong with it, as the message goes on after the field's name.
    package let description: String

    package init(field: String, description: String) {
      self.field = field
      self.description = description
    }
  }

  /// The kind of failure; the code of the gRPC status.
  package var code: Code
  /// An UPPER_SNAKE_CASE name that programs may rely on, such as `ROW_NOT_FOUND`.
  package var reason: String
  /// A sentence for people: what, where, what to do.
  package var message: String
  /// For programs, by names that go with ``reason``: `table`, `id`, `column`, `limit`, `position` …
  /// Sent to the caller; values are shortened where the status would be too large.
  package var metadata: [String: String]
  /// In the order of the fields; empty where no field is at fault.
  package var violations: [FieldViolation]
  /// How many more there are, which are left out so that the rest can be sent.
  package internal(set) var untoldViolations = 0
  /// The stored row, where the error is about it.
  package var row: StoredRow?
  /// When to try the same request again; zero: at once; nil: no advice.
  package var retryAfter: Duration?
  package var cause: (any Error)?

  /// - Parameter message: Safe for the peer: it is sent as it is.
  package init(
    _ code: Code, reason: String = "", _ message: String, metadata: [String: String] = [:],
    violations: [FieldViolation] = [], row: StoredRow? = nil, retryAfter: Duration? = nil,
    cause: (any Error)? = nil
  ) {
    self.code = code
    self.reason = reason
    self.message = message
    self.metadata = metadata
    self.violations = violations
    self.row = row
    self.retryAfter = retryAfter
    self.cause = cause
  }

  /// A fault of one field of the request: INVALID_ARGUMENT with a violation that names it.
  package static func badField(
    _ field: String, reason: String, _ description: String, metadata: [String: String] = [:]
  ) -> DatasyncError {
    DatasyncError(
      .invalidArgument, reason: reason, "\(field): \(description)", metadata: metadata,
      violations: [FieldViolation(field: field, description: description)])
  }
}

extension DatasyncError: CustomStringConvertible {
  /// For the log, with the cause: not for the peer.
  package var description: String {
    let head = reason.isEmpty ? message : "\(reason): \(message)"
    return cause.map { "\(head) (\($0))" } ?? head
  }
}
