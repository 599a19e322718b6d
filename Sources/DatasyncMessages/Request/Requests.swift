/// A row in google.protobuf.Any: its message's full name, and its bytes. A value.
package struct Entity: Hashable, Sendable {
  /// `tables.TodoItems`; what stands before the last `/` of the type URL does not count.
  package var messageName: String
  package var bytes: [UInt8]

  package init(messageName: String, bytes: [UInt8]) {
    self.messageName = messageName
    self.bytes = bytes
  }
}

/// One message of a session. A value. Source: `proto/datasync/v1/datasync.proto`.
package struct SessionRequest: Sendable {
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
  package var ifVersion: UInt64
  package var allowMissing: Bool
  package var includeDeleted: Bool

  package init(ifVersion: UInt64, allowMissing: Bool, includeDeleted: Bool) {
    self.ifVersion = ifVersion
    self.allowMissing = allowMissing
    self.includeDeleted = includeDeleted
  }
}

package struct CommitMessage: Sendable {
  /// nil: a Write whose oneof was empty.
  package var writes: [WriteMessage?]
  package var mutationID: String
}

package struct GetRequest: Sendable {
  package var table: String
  package var id: String
  package var includeDeleted: Bool
  package var select: [String]
  package var unlessVersion: UInt64
}

package struct QueryRequest: Sendable {
  package var table: String
  package var filter: String
  package var orderBy: String
  package var select: [String]
  package var skip: UInt32
  package var top: UInt32
  package var pageSize: UInt32
  package var pageToken: String
  package var count: Bool
  package var includeDeleted: Bool
}

package struct SubscribeRequest: Sendable {
  package enum Start: Hashable, Sendable {
    /// With the rows as they are.
    case rows
    case now
    case resumeToken(String)
  }

  package var table: String
  package var filter: String
  package var select: [String]
  package var includeDeleted: Bool
  package var start: Start
  package var once: Bool
  package var excludeOwn: Bool
  package var previous: Bool
  package var minInterval: DurationMessage?
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

package struct ChangesRequest: Sendable {
  package var table: String
  package var filter: String
  package var resumeToken: String
  package var maxWait: DurationMessage?
  package var maxChanges: UInt32
  package var select: [String]
  package var includeDeleted: Bool
  package var previous: Bool
  package var excludeOwn: Bool
}

/// A google.protobuf.Duration as it came; its range is the resolver's to judge. A value.
package struct DurationMessage: Hashable, Sendable {
  package var seconds: Int64
  package var nanos: Int32

  package init(seconds: Int64, nanos: Int32) {
    self.seconds = seconds
    self.nanos = nanos
  }

  package var isNegative: Bool { seconds < 0 || nanos < 0 }
}
