import CDatasyncMessages
package import DatasyncModel
import DatasyncProtobuf

/// Packs answers through protobuf-c. Not Sendable: holds an arena, and belongs to one event loop.
package final class ResponseEncoder {
  private let arena = MessageArena(initialBytes: 32 << 10)

  /// Takes 32 KiB, and keeps them.
  package init() {}

  /// A SessionResponse with an answer. The bytes are lent to the closure.
  package func session(
    _ requestID: UInt64, _ response: Response, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    switch response {
    case .write(let reply):
      RowAnswer(reply).sessionResponse(requestID, body)
    case .get(.row(let entity)):
      RowAnswer(found: entity).sessionResponse(requestID, body)
    case .query(let reply):
      pack({ Encode.query(reply, $0) }) { rest in
        QueryPage(reply, rest: rest).sessionResponse(requestID).withUnsafeBytes(body)
      }
    case .open, .authenticate, .commit, .get(.notModified), .describe, .changes:
      pack(
        sessionResponse(requestID) { arena, message in
          Encode.set(response, of: &message, arena)
        }, body)
    }
  }

  /// A SessionResponse with a status; nil is OK.
  package func session(
    _ requestID: UInt64, status: DatasyncError?, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    pack(
      sessionResponse(requestID) { arena, message in
        message.response_case = DATASYNC__V1__SESSION_RESPONSE__RESPONSE_STATUS
        message.status = Encode.status(status, arena)
      }, body)
  }

  /// A SessionResponse with a notice, under request id 0. The bytes are lent to the closure.
  package func session(notice: NoticeReply, _ body: (UnsafeRawBufferPointer) -> Void) {
    pack(
      sessionResponse(0) { arena, message in
        message.response_case = DATASYNC__V1__SESSION_RESPONSE__RESPONSE_NOTICE
        message.notice = Encode.notice(notice, arena)
      }, body)
  }

  /// The answer alone, as a unary call gives it.
  package func unary(_ response: Response, _ body: (UnsafeRawBufferPointer) -> Void) {
    switch response {
    case .open(let reply): pack({ Encode.open(reply, $0) }, body)
    case .authenticate(let principal, let expiresAt):
      pack({ Encode.authenticate(principal, expiresAt, $0) }, body)
    case .write(let reply): pack({ Encode.write(reply, $0) }, body)
    case .commit(let replies, let replayed):
      pack({ Encode.commit(replies, replayed, $0) }, body)
    case .get(let reply): pack({ Encode.get(reply, $0) }, body)
    case .query(let reply):
      pack({ Encode.query(reply, $0) }) { rest in
        QueryPage(reply, rest: rest).response().withUnsafeBytes(body)
      }
    case .describe(let tables, let notServed):
      pack({ Encode.describe(tables, notServed, $0) }, body)
    case .changes(let reply):
      // The changes are encoded already; fields may follow in any order.
      var writer = WireWriter()
      for change in reply.changes { writer.append(field: 1, bytes: change) }
      for row in reply.unreadable { writer.append(field: 5, bytes: row) }
      pack({ Encode.changes(reply, $0) }, { writer.append(encoded: $0) })
      writer.bytes.withUnsafeBytes { body($0) }
    }
  }

  /// A serialized google.rpc.Status with its details.
  package func status(_ error: DatasyncError) -> [UInt8] {
    arena.encode(building: { Encode.status(error, $0) }, { Array($0) })
  }

  private func sessionResponse(
    _ requestID: UInt64,
    _ fill: @escaping (MessageArena, inout Datasync__V1__SessionResponse) -> Void
  ) -> (MessageArena) -> UnsafeMutablePointer<Datasync__V1__SessionResponse> {
    { arena in
      let message = arena.make(datasync__v1__session_response__init)
      message.pointee.request_id = requestID
      fill(arena, &message.pointee)
      return message
    }
  }

  private func pack<Message>(
    _ build: (MessageArena) -> UnsafeMutablePointer<Message>,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    arena.encode(building: build, body)
  }
}
