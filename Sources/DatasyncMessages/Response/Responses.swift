package import DatasyncModel

/// The answer to one request. A value. Source: `proto/datasync/v1/datasync.proto`.
package enum Response: Sendable {
  case open(OpenReply)
  case write(WriteReply)
  case commit([WriteReply], replayed: Bool)
  case get(GetReply)
  case query(QueryReply)
  case describe([Table], notServed: [NotServed])
  case changes(ChangesReply)
}

/// A row and the name of its message. A value.
package struct EntityReply: Sendable {
  package var messageName: String
  package var image: RowImage

  package init(messageName: String, image: RowImage) {
    self.messageName = messageName
    self.image = image
  }

  package init(_ row: StoredRow) {
    self.init(messageName: row.table.messageName, image: row.image)
  }
}

package struct OpenReply: Sendable {
  package var sessionID: String
  package var clientID: String
  package var historyID: String
  package var sequence: Sequence
  /// Microseconds since 1970 UTC.
  package var serverTime: Int64
  package var principal: String

  package init(
    sessionID: String, clientID: String, historyID: String, sequence: Sequence, serverTime: Int64,
    principal: String
  ) {
    self.sessionID = sessionID
    self.clientID = clientID
    self.historyID = historyID
    self.sequence = sequence
    self.serverTime = serverTime
    self.principal = principal
  }
}

package struct WriteReply: Sendable {
  /// nil: the row cannot be read.
  package var entity: EntityReply?
  package var sequence: Sequence
  package var replayed: Bool

  package init(entity: EntityReply?, sequence: Sequence, replayed: Bool) {
    self.entity = entity
    self.sequence = sequence
    self.replayed = replayed
  }
}

package enum GetReply: Sendable {
  case row(EntityReply)
  case notModified
}

package struct QueryReply: Sendable {
  package var table: Table
  package var rows: PackedRows
  package var nextPageToken: String
  package var total: UInt64
  package var resumeToken: String
  package var errors: [DatasyncError]

  package init(
    table: Table, rows: PackedRows, nextPageToken: String, total: UInt64, resumeToken: String,
    errors: [DatasyncError]
  ) {
    self.table = table
    self.rows = rows
    self.nextPageToken = nextPageToken
    self.total = total
    self.resumeToken = resumeToken
    self.errors = errors
  }
}

package struct ChangesReply: Sendable {
  /// Each the bytes of a `Change`.
  package var changes: [[UInt8]]
  /// Each the bytes of an `Unreadable`.
  package var unreadable: [[UInt8]]
  package var resumeToken: String
  package var sequence: Sequence
  package var more: Bool

  package init(
    changes: [[UInt8]], unreadable: [[UInt8]], resumeToken: String, sequence: Sequence, more: Bool
  ) {
    self.changes = changes
    self.unreadable = unreadable
    self.resumeToken = resumeToken
    self.sequence = sequence
    self.more = more
  }
}

/// What the server says unasked. A value.
package struct NoticeReply: Sendable {
  package enum Kind: Int, Sendable {
    case credentialsExpiring = 1
    case serverDraining = 2
  }

  package var kind: Kind
  /// In nanoseconds.
  package var timeLeft: Int64

  package init(kind: Kind, timeLeft: Int64) {
    self.kind = kind
    self.timeLeft = timeLeft
  }
}

/// A table that is not served, or a column, and why. A value.
package struct NotServed: Hashable, Sendable {
  package var table: String
  package var reason: String

  package init(table: String, reason: String) {
    self.table = table
    self.reason = reason
  }
}
