import CDatasyncMessages
import DatasyncProtobuf

/// From protobuf-c's structs to our values; every string is checked to be UTF-8.
enum Decode {
  static func text(_ data: ProtobufCBinaryData) throws -> String {
    guard let text = data.text else { throw MessageArena.Fault.malformed }
    return text
  }

  static func texts(
    _ array: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int
  ) throws -> [String] {
    try UnsafeBufferPointer(start: array, count: count).map { try text($0) }
  }

  static func entity(_ any: UnsafeMutablePointer<Google__Protobuf__Any>?) throws -> Entity? {
    guard let any = any?.pointee else { return nil }
    return Entity(messageName: try messageName(any.type_url), bytes: any.value.array)
  }

  /// What follows the last slash; what is before it is no name of ours, but text.
  private static func messageName(_ url: ProtobufCBinaryData) throws -> String {
    let bytes = UnsafeMutableBufferPointer(start: url.data, count: url.len)
    var start = bytes.count
    while start > 0, bytes[start - 1] != UInt8(ascii: "/") { start -= 1 }
    guard start > 0 else { return try text(url) }
    if !bytes[..<start].allSatisfy({ $0 < 0x80 }) { _ = try text(url) }
    return try text(
      ProtobufCBinaryData(len: bytes.count - start, data: bytes.baseAddress.map { $0 + start }))
  }

  static func duration(
    _ duration: UnsafeMutablePointer<Google__Protobuf__Duration>?
  ) -> DurationMessage? {
    duration.map { DurationMessage(seconds: $0.pointee.seconds, nanos: $0.pointee.nanos) }
  }

  static func request(_ message: Datasync__V1__SessionRequest) throws -> Request? {
    switch message.request_case {
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_OPEN:
      .open(clientID: try text(message.open.pointee.client_id))
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_AUTHENTICATE:
      .authenticate(token: try text(message.authenticate.pointee.token))
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_CREATE:
      .write(try create(message.create.pointee))
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_REPLACE:
      .write(try replace(message.replace.pointee))
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_UPDATE:
      .write(try update(message.update.pointee))
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_DELETE:
      .write(try delete(message.delete_.pointee))
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_COMMIT:
      .commit(try commit(message.commit.pointee))
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_GET:
      .get(try get(message.get.pointee))
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_QUERY:
      .query(try query(message.query.pointee))
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_SUBSCRIBE:
      .subscribe(try subscribe(message.subscribe.pointee))
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_CANCEL:
      .cancel(requestID: message.cancel.pointee.request_id)
    case DATASYNC__V1__SESSION_REQUEST__REQUEST_DESCRIBE:
      .describe(table: try text(message.describe.pointee.table))
    default:
      nil
    }
  }

  static func create(_ message: Datasync__V1__CreateRequest) throws -> WriteMessage {
    WriteMessage(
      write: .create(try entity(message.entity)), mutationID: try text(message.mutation_id))
  }

  static func replace(_ message: Datasync__V1__ReplaceRequest) throws -> WriteMessage {
    let options = WriteOptions(
      ifVersion: message.if_version, allowMissing: message.allow_missing != 0,
      includeDeleted: message.include_deleted != 0)
    return WriteMessage(
      write: .replace(try entity(message.entity), options),
      mutationID: try text(message.mutation_id))
  }

  static func update(_ message: Datasync__V1__UpdateRequest) throws -> WriteMessage {
    let options = WriteOptions(
      ifVersion: message.if_version, allowMissing: message.allow_missing != 0,
      includeDeleted: message.include_deleted != 0)
    let mask = try message.update_mask.map { try texts($0.pointee.paths, $0.pointee.n_paths) }
    return WriteMessage(
      write: .update(try entity(message.entity), mask: mask, options),
      mutationID: try text(message.mutation_id))
  }

  static func delete(_ message: Datasync__V1__DeleteRequest) throws -> WriteMessage {
    WriteMessage(
      write: .delete(
        table: try text(message.table), id: try text(message.id), ifVersion: message.if_version),
      mutationID: try text(message.mutation_id))
  }

  static func commit(_ message: Datasync__V1__CommitRequest) throws -> CommitMessage {
    let writes = UnsafeBufferPointer(start: message.writes, count: message.n_writes)
    return CommitMessage(
      writes: try writes.map { try $0.flatMap { try write($0.pointee) } },
      mutationID: try text(message.mutation_id))
  }

  private static func write(_ message: Datasync__V1__Write) throws -> WriteMessage? {
    switch message.write_case {
    case DATASYNC__V1__WRITE__WRITE_CREATE: try create(message.create.pointee)
    case DATASYNC__V1__WRITE__WRITE_REPLACE: try replace(message.replace.pointee)
    case DATASYNC__V1__WRITE__WRITE_UPDATE: try update(message.update.pointee)
    case DATASYNC__V1__WRITE__WRITE_DELETE: try delete(message.delete_.pointee)
    default: nil
    }
  }

  static func get(_ message: Datasync__V1__GetRequest) throws -> GetRequest {
    GetRequest(
      table: try text(message.table), id: try text(message.id),
      includeDeleted: message.include_deleted != 0,
      select: try texts(message.select, message.n_select),
      unlessVersion: message.unless_version)
  }

  static func query(_ message: Datasync__V1__QueryRequest) throws -> QueryRequest {
    QueryRequest(
      table: try text(message.table), filter: try text(message.filter),
      orderBy: try text(message.order_by), select: try texts(message.select, message.n_select),
      skip: message.skip, top: message.top, pageSize: message.page_size,
      pageToken: try text(message.page_token), count: message.count != 0,
      includeDeleted: message.include_deleted != 0)
  }

  static func subscribe(_ message: Datasync__V1__SubscribeRequest) throws -> SubscribeRequest {
    let start: SubscribeRequest.Start =
      switch message.start_case {
      case DATASYNC__V1__SUBSCRIBE_REQUEST__START_NOW: .now
      case DATASYNC__V1__SUBSCRIBE_REQUEST__START_RESUME_TOKEN:
        .resumeToken(try text(message.resume_token))
      default: .rows
      }
    return SubscribeRequest(
      table: try text(message.table), filter: try text(message.filter),
      select: try texts(message.select, message.n_select),
      includeDeleted: message.include_deleted != 0, start: start, once: message.once != 0,
      excludeOwn: message.exclude_own != 0, previous: message.previous != 0,
      minInterval: duration(message.min_interval),
      heartbeatInterval: duration(message.heartbeat_interval))
  }

  static func changes(_ message: Datasync__V1__ChangesRequest) throws -> ChangesRequest {
    ChangesRequest(
      table: try text(message.table), filter: try text(message.filter),
      resumeToken: try text(message.resume_token), maxWait: duration(message.max_wait),
      maxChanges: message.max_changes, select: try texts(message.select, message.n_select),
      includeDeleted: message.include_deleted != 0, previous: message.previous != 0,
      excludeOwn: message.exclude_own != 0)
  }
}
