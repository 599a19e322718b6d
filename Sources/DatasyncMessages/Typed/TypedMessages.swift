package import DatasyncModel
import DatasyncProtobuf

/// The messages of the typed services, which hold rows themselves and are made from tables at run
/// time, so that no generated code knows them.
package enum TypedMessages {
  /// A row as the request of Create.
  package static func create(_ bytes: UnsafeRawBufferPointer, table: Table) -> Request {
    .write(
      WriteMessage(
        write: .create(Entity(messageName: table.messageName, bytes: Array(bytes))),
        mutationID: ""))
  }

  /// A RowReplace.
  ///
  /// - Throws: ``WireReader/Fault`` or ``MessageArena/Fault``: no such message.
  package static func replace(
    _ bytes: UnsafeRawBufferPointer, table: Table
  ) throws -> Request {
    var entity: Entity?
    var options = WriteOptions(ifVersion: 0, allowMissing: false, includeDeleted: false)
    var mutationID = ""
    var reader = WireReader(bytes)
    while let next = try reader.next() {
      switch next {
      case (1, .bytes(let row)): entity = merged(entity, row, table)
      case (2, .varint(let value)): options.ifVersion = value
      case (3, .varint(let value)): options.allowMissing = value != 0
      case (4, .varint(let value)): options.includeDeleted = value != 0
      case (5, .bytes(let text)): mutationID = try string(text)
      default: break
      }
    }
    return .write(WriteMessage(write: .replace(entity, options), mutationID: mutationID))
  }

  /// A RowUpdate. Throws as ``replace(_:table:)``.
  package static func update(
    _ bytes: UnsafeRawBufferPointer, table: Table, decoder: RequestDecoder
  ) throws -> Request {
    var entity: Entity?
    var mask: [String]?
    var options = WriteOptions(ifVersion: 0, allowMissing: false, includeDeleted: false)
    var mutationID = ""
    var reader = WireReader(bytes)
    while let next = try reader.next() {
      switch next {
      case (1, .bytes(let row)): entity = merged(entity, row, table)
      case (2, .bytes(let paths)): mask = (mask ?? []) + (try decoder.fieldMask(paths))
      case (3, .varint(let value)): options.ifVersion = value
      case (4, .varint(let value)): options.allowMissing = value != 0
      case (5, .varint(let value)): options.includeDeleted = value != 0
      case (6, .bytes(let text)): mutationID = try string(text)
      default: break
      }
    }
    return .write(
      WriteMessage(write: .update(entity, mask: mask, options), mutationID: mutationID))
  }

  /// A RowPage. Rows travel as they are stored.
  package static func page(_ reply: QueryReply) -> [UInt8] {
    var writer = WireWriter(
      reservingCapacity: 256 + reply.rows.byteCount + 6 * reply.rows.count)
    reply.rows.forEach { writer.append(field: 1, bytes: $0) }
    if !reply.nextPageToken.isEmpty { writer.append(field: 2, string: reply.nextPageToken) }
    if reply.total != 0 { writer.append(field: 3, varint: reply.total) }
    if !reply.resumeToken.isEmpty { writer.append(field: 4, string: reply.resumeToken) }
    for error in reply.errors { writer.append(field: 5) { StatusWire.write(error, to: &$0) } }
    return writer.bytes
  }

  /// A message field that comes twice is merged, which for protobuf is to read one after the other.
  private static func merged(
    _ entity: Entity?, _ row: UnsafeRawBufferPointer, _ table: Table
  ) -> Entity {
    Entity(messageName: table.messageName, bytes: (entity?.bytes ?? []) + row)
  }

  private static func string(_ bytes: UnsafeRawBufferPointer) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw MessageArena.Fault.malformed
    }
    return text
  }
}
