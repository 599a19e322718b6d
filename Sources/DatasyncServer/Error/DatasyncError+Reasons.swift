import DatasyncModel

/// The errors that the server itself makes; the store has its own.
extension DatasyncError {
  static func requestIDInUse(_ id: UInt64) -> DatasyncError {
    DatasyncError(
      .invalidArgument, reason: "REQUEST_ID_IN_USE",
      "request_id \(id) is still running on this stream; choose another",
      metadata: ["request_id": String(id)])
  }

  static var badRequestID: DatasyncError {
    DatasyncError(
      .invalidArgument, reason: "BAD_REQUEST_ID", "request_id 0 cannot name a request; start at 1",
      metadata: ["request_id": "0"])
  }

  static var malformedMessage: DatasyncError {
    DatasyncError(
      .invalidArgument, reason: "MALFORMED_MESSAGE",
      "the message is no datasync.v1.SessionRequest, or holds text that is not UTF-8")
  }

  /// The last of them, with which the call ends.
  static func tooManyMalformedMessages(_ limit: Int) -> DatasyncError {
    DatasyncError(
      .invalidArgument, reason: "MALFORMED_MESSAGE",
      "more than \(limit) messages of the session are no datasync.v1.SessionRequest, or hold text "
        + "that is not UTF-8", metadata: ["limit": "max_malformed_messages"])
  }

  static var messageTooLarge: DatasyncError {
    DatasyncError(
      .resourceExhausted, reason: "MESSAGE_TOO_COMPLEX",
      "the message would take too much memory to decode; send fewer or smaller fields",
      metadata: ["limit": "max_decoded_bytes"])
  }

  /// - Parameter limit: That of the server or that of the connection, by its name.
  static func requestBytes(_ limit: String) -> DatasyncError {
    DatasyncError(
      .resourceExhausted, reason: "MAX_REQUEST_BYTES",
      "requests that run, and messages that are not whole yet, take more than \(limit): wait "
        + "for answers, or try again later",
      metadata: ["limit": limit], retryAfter: .milliseconds(100))
  }

  static var emptyRequest: DatasyncError {
    DatasyncError(
      .invalidArgument, reason: "EMPTY_REQUEST", "the request says nothing: its oneof is empty")
  }

  static var sessionAlreadyOpen: DatasyncError {
    DatasyncError(
      .failedPrecondition, reason: "SESSION_ALREADY_OPEN",
      "open must be the first request of a session, and come once")
  }

  static func requestNotFound(_ id: UInt64) -> DatasyncError {
    DatasyncError(
      .notFound, reason: "REQUEST_NOT_FOUND", "no request \(id) is running on this stream",
      metadata: ["request_id": String(id)])
  }

  static var requestCancelled: DatasyncError {
    DatasyncError(.cancelled, reason: "REQUEST_CANCELLED", "cancelled by the client")
  }

  /// A request that has to name its table, and does not.
  static func missingTable(among tables: [Table]) -> DatasyncError {
    .badField(
      "table", reason: "MISSING_TABLE",
      "the request names no table"
        + NameSuggestion.clauseOrList(for: "", among: tables.map(\.name), kind: "tables"))
  }

  /// A request that this server has no use for, or that has no place in the call.
  static func unimplemented(_ why: String) -> DatasyncError {
    DatasyncError(.unimplemented, reason: "UNIMPLEMENTED", why)
  }

  static func historyCompacted(oldest: Sequence, _ why: String) -> DatasyncError {
    DatasyncError(
      .outOfRange, reason: "HISTORY_COMPACTED",
      "\(why); begin anew without a resume token", metadata: ["oldest": String(oldest.rawValue)]
    )
  }

  /// What the caller may read is another than a position was given under.
  static var viewChanged: DatasyncError {
    DatasyncError(
      .outOfRange, reason: "VIEW_CHANGED",
      "what you may read has changed: begin anew, without a resume token")
  }

  static func tableAttached(at sequence: Sequence) -> DatasyncError {
    .historyCompacted(
      oldest: sequence, "a table was attached at \(sequence), where its history begins")
  }

  /// A column of the owner's has taken the name of a system field.
  static func fieldsRenamed(_ table: String) -> DatasyncError {
    DatasyncError(
      .unavailable, reason: "SCHEMA_CHANGED",
      "\(table) has a new column that has taken the name of a system field: look at the table's "
        + "description, and begin anew", metadata: ["table": table],
      retryAfter: .milliseconds(50))
  }

  static var historyReplaced: DatasyncError {
    DatasyncError(
      .outOfRange, reason: "HISTORY_REPLACED",
      "the resume token belongs to another history of the database (a restored backup, another "
        + "file); begin anew without it")
  }
}
