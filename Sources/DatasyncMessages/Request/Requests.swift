/// A row in google.protobuf.Any: its message's full name, and its bytes. A value.
package struct Entity: Hashable, Sendable {
  /// `tables.TodoItems`; what stands before the last `/` of the type URL does not count.
  package var messageName: String
  /// The row's message, not looked into yet.
  package var bytes: [UInt8]

  package init(messageName: String, bytes: [UInt8]) {
    self.messageName = messageName
    self.bytes = bytes
  }
}

/// One message of a session. A value. Source: `proto/datasync/v1/datasync.proto`.
package struct SessionRequest: Sendable {
  /// The client's choice; 0, and that of a request still running, are refused.
  package var requestID: UInt64
  /// nil: the oneof was empty.
  package var request: Request?
  /// What it took on the wire, in bytes.
  package var byteCount: Int
}

/// What a client can ask for, in a session or as a unary call. A value.
package enum Request: Sendable {
  case open(clientID: String)
  case authenticate(token: String)
  case write(WriteMessage)
  case commit(CommitMessage)
  case get(GetRequest)
  case query(QueryRequest)
  case subscribe(SubscribeRequest)
  case cancel(requestID: UInt64)
  case describe(table: String)
  case changes(ChangesRequest)
}

/// Create, Replace, Update or Delete, with its mutation id. A value.
package struct WriteMessage: Sendable {
  package var write: Write
  /// At most 64 bytes: carried out once for each client. Empty: none, as it must be inside a commit.
  package var mutationID: String

  package init(write: Write, mutationID: String) {
    self.write = write
    self.mutationID = mutationID
  }
}

/// A write as it stands in the request, nothing resolved. A value.
package enum Write: Sendable {
  case create(Entity?)
  case replace(Entity?, WriteOptions)
  /// `mask`: nil where there is none.
  case update(Entity?, mask: [String]?, WriteOptions)
  case delete(table: String, id: String, ifVersion: UInt64)
}

/// The conditions of Replace and Update. A value.
package struct WriteOptions: Hashable, Sendable {
  /// The version that the stored row must have, else FAILED_PRECONDITION; 0: any.
  package var ifVersion: UInt64
  /// Creates the row where there is none. Together with ``ifVersion``: INVALID_ARGUMENT, reason
  /// BAD_CONDITION.
  package var allowMissing: Bool
  /// Reaches a soft-deleted row, which else is NOT_FOUND, reason ROW_DELETED; lets `deleted` be written.
  package var includeDeleted: Bool

  package init(ifVersion: UInt64, allowMissing: Bool, includeDeleted: Bool) {
    self.ifVersion = ifVersion
    self.allowMissing = allowMissing
    self.includeDeleted = includeDeleted
  }
}

/// Writes that happen all or not at all, in their order; none is OK. A value.
package struct CommitMessage: Sendable {
  /// nil: a Write whose oneof was empty.
  package var writes: [WriteMessage?]
  /// Of the commit as a whole, as ``WriteMessage/mutationID``.
  package var mutationID: String
}

/// Asks for one row by its key. A value.
package struct GetRequest: Sendable {
  /// May be empty in a typed service alone, which has a table of its own.
  package var table: String
  /// The key as text; empty is refused.
  package var id: String
  /// Whether a soft-deleted row is found; else NOT_FOUND, reason ROW_DELETED.
  package var includeDeleted: Bool
  /// Field names; empty: all. The key comes in any case.
  package var select: [String]
  /// Not 0 and the row's version still: the answer is ``GetReply/notModified``. Refused by a typed service.
  package var unlessVersion: UInt64
}

/// Asks for one page of the rows that match. A value.
package struct QueryRequest: Sendable {
  /// May be empty in a typed service alone, which has a table of its own.
  package var table: String
  /// OData's `$filter`; empty: every row.
  package var filter: String
  /// OData's `$orderby`; empty: by key. The key is the last term where the text does not name it.
  package var orderBy: String
  /// Field names; empty: all. The key comes in any case.
  package var select: [String]
  /// Rows to leave out before the first page; the later ones give the same number, and skip no more.
  package var skip: UInt32
  /// Most rows over all pages; 0: no bound.
  package var top: UInt32
  /// Most rows of this page; 0: the table's default. Above the table's maximum it is that.
  package var pageSize: UInt32
  /// ``QueryReply/nextPageToken`` of the page before, with the same query; empty: the first page.
  package var pageToken: String
  /// Asks for ``QueryReply/total``: rows are counted for each page that asks.
  package var count: Bool
  /// Whether soft-deleted rows are among them.
  package var includeDeleted: Bool
}

/// Asks for the changes of a view, as they happen. A value.
package struct SubscribeRequest: Sendable {
  /// Where it begins.
  package enum Start: Hashable, Sendable {
    /// With the rows as they are.
    case rows
    case now
    case resumeToken(String)
  }

  /// Empty: every table the caller may read, with no filter and no select; in a typed service, its own.
  package var table: String
  /// As a query's, without `now()`; empty: every row.
  package var filter: String
  /// Field names; empty: all. The key comes in any case.
  package var select: [String]
  /// Whether a soft delete leaves the row in the view: an UPDATE instead of a DELETE.
  package var includeDeleted: Bool
  package var start: Start
  /// Ends it with OK at the first checkpoint marked `current`.
  package var once: Bool
  /// Leaves out changes by the caller's client id; an empty id is nobody's own.
  package var excludeOwn: Bool
  /// Whether UPDATE and DELETE carry the row before.
  package var previous: Bool
  /// nil or zero: every commit on its own. Else the net changes of each interval; at least the limit
  /// `min_interval_floor`. Negative is refused.
  package var minInterval: DurationMessage?
  /// The longest time between two checkpoints: 100 ms to 5 min, clamped; nil or zero: 15 s. Negative is
  /// refused.
  package var heartbeatInterval: DurationMessage?

  package init(
    table: String, filter: String, select: [String], includeDeleted: Bool, start: Start,
    once: Bool, excludeOwn: Bool, previous: Bool, minInterval: DurationMessage?,
    heartbeatInterval: DurationMessage?
  ) {
    self.table = table
    self.filter = filter
    self.select = select
    self.includeDeleted = includeDeleted
    self.start = start
    self.once = once
    self.excludeOwn = excludeOwn
    self.previous = previous
    self.minInterval = minInterval
    self.heartbeatInterval = heartbeatInterval
  }
}

/// Asks for the changes after a position, once: long polling. A value.
package struct ChangesRequest: Sendable {
  /// Empty: every table the caller may read, with no filter and no select.
  package var table: String
  /// As a subscription's; empty: every row.
  package var filter: String
  /// Empty: no changes, but the position of now, at once.
  package var resumeToken: String
  /// How long to wait for a first change; nil or zero: not at all; at most the limit `max_long_poll`.
  package var maxWait: DurationMessage?
  /// 0: 1,000; above 100,000 it is that. A commit is not split for it, and unreadable rows count too.
  package var maxChanges: UInt32
  /// Field names; empty: all. The key comes in any case.
  package var select: [String]
  /// As ``SubscribeRequest/includeDeleted``.
  package var includeDeleted: Bool
  /// Whether UPDATE and DELETE carry the row before.
  package var previous: Bool
  /// As ``SubscribeRequest/excludeOwn``: the caller's id is in its metadata.
  package var excludeOwn: Bool
}

/// A google.protobuf.Duration as it came; its range is the resolver's to judge. A value.
package struct DurationMessage: Hashable, Sendable {
  /// A day or more is taken for a day.
  package var seconds: Int64
  /// ±999,999,999 with the sign of ``seconds`` where it is well formed; not checked.
  package var nanos: Int32

  package init(seconds: Int64, nanos: Int32) {
    self.seconds = seconds
    self.nanos = nanos
  }

  /// Whether either part is below zero, so that parts of different signs are negative too.
  package var isNegative: Bool { seconds < 0 || nanos < 0 }
}
