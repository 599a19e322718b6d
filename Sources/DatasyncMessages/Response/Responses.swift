package import DatasyncModel

/// The answer to one request. A value. Source: `proto/datasync/v1/datasync.proto`.
package enum Response: Sendable {
  case open(OpenReply)
  case write(WriteReply)
  case commit([WriteReply], replayed: Bool)
  case get(GetReply)
  case query(QueryReply)
  case authenticate(principal: String, expiresAt: Int64?)
  case describe([DescribedTable], notServed: [NotServed])
  case changes(ChangesReply)
}

/// A row and the name of its message. A value.
package struct EntityReply: Sendable {
  /// The full name: `tables.TodoItems`, or that of a detail of a status.
  package var messageName: String
  /// Only the fields that are to be sent.
  package var image: RowImage

  package init(messageName: String, image: RowImage) {
    self.messageName = messageName
    self.image = image
  }

  /// The whole row: no select is applied.
  package init(_ row: StoredRow) {
    self.init(messageName: row.table.messageName, image: row.image)
  }
}

/// What a session is told of itself and of the server. A value.
package struct OpenReply: Sendable {
  /// Random; a new one for each stream.
  package var sessionID: String
  /// As Open gave it; random where that was empty.
  package var clientID: String
  /// Names the database's history: another one where the sequence may have gone back (a restored backup).
  package var historyID: String
  /// The last one committed at that moment.
  package var sequence: Sequence
  /// Microseconds since 1970 UTC.
  package var serverTime: Int64
  /// Empty: anonymous.
  package var principal: String
  /// When the credentials end, in microseconds since 1970 UTC; nil: they do not.
  package var expiresAt: Int64?

  package init(
    sessionID: String, clientID: String, historyID: String, sequence: Sequence, serverTime: Int64,
    principal: String, expiresAt: Int64? = nil
  ) {
    self.expiresAt = expiresAt
    self.sessionID = sessionID
    self.clientID = clientID
    self.historyID = historyID
    self.sequence = sequence
    self.serverTime = serverTime
    self.principal = principal
  }
}

/// What became of one write, alone or in a commit. A value.
package struct WriteReply: Sendable {
  /// nil: the row cannot be read.
  package var entity: EntityReply?
  /// The change's, and so the row's version; where nothing changed, the version it has.
  package var sequence: Sequence
  /// The mutation id was carried out before: this is the result of then.
  package var replayed: Bool

  package init(entity: EntityReply?, sequence: Sequence, replayed: Bool) {
    self.entity = entity
    self.sequence = sequence
    self.replayed = replayed
  }
}

/// What a get found; that there is no such row is an error instead. A value.
package enum GetReply: Sendable {
  case row(EntityReply)
  case notModified
}

/// One page of a query. A value.
package struct QueryReply: Sendable {
  /// Gives the rows their type URL.
  package var table: Table
  /// In the query's order, without those that cannot be read.
  package var rows: PackedRows
  /// Empty: this is the last page.
  package var nextPageToken: String
  /// Rows that match, before `skip` and `top`; 0 also where they were not asked for.
  package var total: UInt64
  /// The position that the page was read at: a subscription from there misses nothing.
  package var resumeToken: String
  /// DATA_LOSS, reason UNREADABLE, for each row of the page that cannot be read, in the query's order.
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

/// The changes after a position, as a subscription would have sent them. A value.
package struct ChangesReply: Sendable {
  /// Each the bytes of a `Change`.
  package var changes: [[UInt8]]
  /// Each the bytes of an `Unreadable`.
  package var unreadable: [[UInt8]]
  /// Where the next call goes on, within a commit if need be; given also where nothing changed.
  package var resumeToken: String
  /// The position that the token stands for.
  package var sequence: Sequence
  /// The log already goes on after it, though perhaps not for this view.
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
  /// Raw values are `datasync.v1.Notice.Kind`.
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

/// A table as a caller sees it, and what the caller may do with its rows. A value.
package struct DescribedTable: Sendable {
  /// Raw values are `datasync.v1.Operation`.
  package enum Operation: UInt32, Sendable, CaseIterable {
    case read = 1
    case create = 2
    case update = 3
    case delete = 4
  }

  /// Columns without a name in it are left out.
  package var table: Table
  /// In order; empty: the server has no rules.
  package var allowed: [Operation]
  /// Rows of a page where a query says 0.
  package var defaultPageSize: Int
  /// Rows of any page.
  package var maxPageSize: Int

  package init(
    _ table: Table, allowed: [Operation] = [], defaultPageSize: Int, maxPageSize: Int
  ) {
    self.defaultPageSize = defaultPageSize
    self.maxPageSize = maxPageSize
    self.table = table
    self.allowed = allowed
  }
}

/// A table that is not served, or a column, and why. A value.
package struct NotServed: Hashable, Sendable {
  package var table: String
  /// For operators, in words.
  package var reason: String

  package init(table: String, reason: String) {
    self.table = table
    self.reason = reason
  }
}
