/// What went wrong, in a form that may be told to the caller. A value.
///
/// One place maps it to a gRPC status: google.rpc.Status with ErrorInfo (`domain` "datasync",
/// ``reason``, ``metadata``), BadRequest (``violations``), RetryInfo (``retryAfter``) and the stored
/// row (``row``). ``cause`` is for the log, and is never sent.
package struct DatasyncError: Error, Sendable {
  /// A google.rpc.Code; open-ended.
  package struct Code: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) {
      self.rawValue = rawValue
    }

    package static let cancelled = Code(rawValue: 1)
    package static let unknown = Code(rawValue: 2)
    package static let invalidArgument = Code(rawValue: 3)
    package static let deadlineExceeded = Code(rawValue: 4)
    package static let notFound = Code(rawValue: 5)
    package static let alreadyExists = Code(rawValue: 6)
    package static let permissionDenied = Code(rawValue: 7)
    package static let resourceExhausted = Code(rawValue: 8)
    package static let failedPrecondition = Code(rawValue: 9)
    package static let aborted = Code(rawValue: 10)
    package static let outOfRange = Code(rawValue: 11)
    package static let unimplemented = Code(rawValue: 12)
    package static let `internal` = Code(rawValue: 13)
    package static let unavailable = Code(rawValue: 14)
    package static let dataLoss = Code(rawValue: 15)
    package static let unauthenticated = Code(rawValue: 16)
  }

  /// One fault in the request, as google.rpc.BadRequest.FieldViolation has it.
  package struct FieldViolation: Hashable, Sendable {
    /// The field of the request or of the row, `filter` for instance.
    package let field: String
    package let description: String

    package init(field: String, description: String) {
      self.field = field
      self.description = description
    }
  }

  package var code: Code
  /// An UPPER_SNAKE_CASE name that programs may rely on, such as `ROW_NOT_FOUND`; DESIGN §7.
  package var reason: String
  /// A sentence for people: what, where, what to do.
  package var message: String
  package var metadata: [String: String]
  package var violations: [FieldViolation]
  /// How many more there are, which are left out so that the rest can be sent.
  package internal(set) var untoldViolations = 0
  /// The stored row, where the error is about it.
  package var row: StoredRow?
  package var retryAfter: Duration?
  package var cause: (any Error)?

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
  package var description: String {
    let head = reason.isEmpty ? message : "\(reason): \(message)"
    return cause.map { "\(head) (\($0))" } ?? head
  }
}
