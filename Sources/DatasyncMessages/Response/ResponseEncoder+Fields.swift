import CDatasyncMessages
import DatasyncModel
import DatasyncProtobuf

/// From our values to protobuf-c's structs, in an arena.
enum Encode {
  static let typeURLPrefix = "type.googleapis.com/"

  static func set(
    _ response: Response, of message: inout Datasync__V1__SessionResponse, _ arena: MessageArena
  ) {
    switch response {
    case .open(let reply):
      message.response_case = DATASYNC__V1__SESSION_RESPONSE__RESPONSE_OPEN
      message.open = open(reply, arena)
    case .authenticate(let principal, let expiresAt):
      message.response_case = DATASYNC__V1__SESSION_RESPONSE__RESPONSE_AUTHENTICATE
      message.authenticate = authenticate(principal, expiresAt, arena)
    case .write:
      preconditionFailure("a written row is answered by RowAnswer")
    case .commit(let replies, let replayed):
      message.response_case = DATASYNC__V1__SESSION_RESPONSE__RESPONSE_COMMIT
      message.commit = commit(replies, replayed, arena)
    case .get(let reply):
      message.response_case = DATASYNC__V1__SESSION_RESPONSE__RESPONSE_GET
      message.get = get(reply, arena)
    case .query:
      preconditionFailure("a page of rows is written by QueryPage")
    case .describe(let tables, let notServed):
      message.response_case = DATASYNC__V1__SESSION_RESPONSE__RESPONSE_DESCRIBE
      message.describe = describe(tables, notServed, arena)
    case .changes:
      preconditionFailure("Changes is a unary call")
    }
  }

  static func entity(
    _ entity: EntityReply, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Google__Protobuf__Any> {
    let any = arena.make(google__protobuf__any__init)
    any.pointee.type_url = arena.bytes(typeURLPrefix + entity.messageName)
    any.pointee.value = arena.bytes(entity.image.bytes)
    return any
  }

  static func timestamp(
    _ microseconds: Int64, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Google__Protobuf__Timestamp> {
    let message = arena.make(google__protobuf__timestamp__init)
    let (seconds, rest) = microseconds.flooredDivision(by: 1_000_000)
    message.pointee.seconds = seconds
    message.pointee.nanos = Int32(rest * 1000)
    return message
  }

  static func duration(
    nanoseconds: Int64, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Google__Protobuf__Duration> {
    let message = arena.make(google__protobuf__duration__init)
    message.pointee.seconds = nanoseconds / 1_000_000_000
    message.pointee.nanos = Int32(nanoseconds % 1_000_000_000)
    return message
  }

  static func open(
    _ reply: OpenReply, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__OpenResponse> {
    let message = arena.make(datasync__v1__open_response__init)
    message.pointee.session_id = arena.bytes(reply.sessionID)
    message.pointee.client_id = arena.bytes(reply.clientID)
    message.pointee.history_id = arena.bytes(reply.historyID)
    message.pointee.sequence = reply.sequence.rawValue
    message.pointee.server_time = timestamp(reply.serverTime, arena)
    message.pointee.principal = arena.bytes(reply.principal)
    if let expiresAt = reply.expiresAt { message.pointee.expires_at = timestamp(expiresAt, arena) }
    return message
  }

  static func authenticate(
    _ principal: String, _ expiresAt: Int64?, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__AuthenticateResponse> {
    let message = arena.make(datasync__v1__authenticate_response__init)
    message.pointee.principal = arena.bytes(principal)
    if let expiresAt { message.pointee.expires_at = timestamp(expiresAt, arena) }
    return message
  }

  static func write(
    _ reply: WriteReply, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__WriteResponse> {
    let message = arena.make(datasync__v1__write_response__init)
    if let row = reply.entity { message.pointee.entity = entity(row, arena) }
    message.pointee.sequence = reply.sequence.rawValue
    message.pointee.replayed = reply.replayed ? 1 : 0
    return message
  }

  static func commit(
    _ replies: [WriteReply], _ replayed: Bool, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__CommitResponse> {
    let message = arena.make(datasync__v1__commit_response__init)
    message.pointee.n_writes = replies.count
    message.pointee.writes = arena.array(replies) { write($0, arena) }
    message.pointee.replayed = replayed ? 1 : 0
    return message
  }

  static func get(
    _ reply: GetReply, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__GetResponse> {
    let message = arena.make(datasync__v1__get_response__init)
    switch reply {
    case .row(let row): message.pointee.entity = entity(row, arena)
    case .notModified: message.pointee.not_modified = 1
    }
    return message
  }

  /// All but the entities.
  static func query(
    _ reply: QueryReply, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__QueryResponse> {
    let message = arena.make(datasync__v1__query_response__init)
    message.pointee.next_page_token = arena.bytes(reply.nextPageToken)
    message.pointee.total = reply.total
    message.pointee.resume_token = arena.bytes(reply.resumeToken)
    message.pointee.n_errors = reply.errors.count
    message.pointee.errors = arena.array(reply.errors) { status($0, arena) }
    return message
  }

  static func changes(
    _ reply: ChangesReply, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__ChangesResponse> {
    let message = arena.make(datasync__v1__changes_response__init)
    message.pointee.resume_token = arena.bytes(reply.resumeToken)
    message.pointee.sequence = reply.sequence.rawValue
    message.pointee.more = reply.more ? 1 : 0
    return message
  }

  static func notice(
    _ reply: NoticeReply, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__Notice> {
    let message = arena.make(datasync__v1__notice__init)
    message.pointee.kind =
      switch reply.kind {
      case .credentialsExpiring: DATASYNC__V1__NOTICE__KIND__CREDENTIALS_EXPIRING
      case .serverDraining: DATASYNC__V1__NOTICE__KIND__SERVER_DRAINING
      }
    message.pointee.time_left = duration(nanoseconds: reply.timeLeft, arena)
    return message
  }
}
