import DatasyncMessages
import DatasyncModel
import NIOCore

/// Writes an event that many share behind the few bytes that are a subscriber's own. DESIGN §4,
/// "encode once".
enum EventFrame {
  /// A SessionResponse with a change.
  static func write(
    change: [UInt8], own: Bool, more: Bool, for requestID: UInt64, to buffer: inout ByteBuffer
  ) {
    let changeSize = change.count + (own ? 2 : 0) + (more ? 2 : 0)
    writeHead(requestID, eventField: EventField.change, size: changeSize, to: &buffer)
    buffer.writeBytes(change)
    if own { buffer.writeFlag(EventField.own) }
    if more { buffer.writeFlag(EventField.more) }
  }

  /// A SessionResponse with a checkpoint.
  static func write(
    checkpoint: [UInt8], for requestID: UInt64, to buffer: inout ByteBuffer
  ) {
    writeHead(requestID, eventField: EventField.checkpoint, size: checkpoint.count, to: &buffer)
    buffer.writeBytes(checkpoint)
  }

  /// An Event with a change.
  static func writeEvent(
    change: [UInt8], own: Bool, more: Bool, to buffer: inout ByteBuffer
  ) {
    buffer.writeLength(
      of: EventField.change, change.count + (own ? 2 : 0) + (more ? 2 : 0))
    buffer.writeBytes(change)
    if own { buffer.writeFlag(EventField.own) }
    if more { buffer.writeFlag(EventField.more) }
  }

  /// An Event with a checkpoint.
  static func writeEvent(checkpoint: [UInt8], to buffer: inout ByteBuffer) {
    buffer.writeLength(of: EventField.checkpoint, checkpoint.count)
    buffer.writeBytes(checkpoint)
  }

  /// A row event of a typed service.
  static func writeRowEvent(
    _ event: [UInt8], own: Bool, more: Bool, to buffer: inout ByteBuffer
  ) {
    buffer.writeBytes(event)
    if own { buffer.writeFlag(EventField.rowOwn) }
    if more { buffer.writeFlag(EventField.rowMore) }
  }

  static func writeRowEvent(checkpoint: [UInt8], to buffer: inout ByteBuffer) {
    buffer.writeLength(of: EventField.rowCheckpoint, checkpoint.count)
    buffer.writeBytes(checkpoint)
  }

  private static func writeHead(
    _ requestID: UInt64, eventField: Int, size: Int, to buffer: inout ByteBuffer
  ) {
    buffer.writeVarint(UInt64(EventField.requestID) << 3)
    buffer.writeVarint(requestID)
    buffer.writeLength(of: EventField.event, 1 + WireWriter.varintSize(UInt64(size)) + size)
    buffer.writeLength(of: eventField, size)
  }
}

extension ByteBuffer {
  fileprivate mutating func writeVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    writeInteger(UInt8(truncatingIfNeeded: rest))
  }

  fileprivate mutating func writeLength(of field: Int, _ size: Int) {
    writeVarint(UInt64(field) << 3 | 2)
    writeVarint(UInt64(size))
  }

  fileprivate mutating func writeFlag(_ field: Int) {
    writeVarint(UInt64(field) << 3)
    writeInteger(UInt8(1))
  }
}
