import DatasyncMessages
import DatasyncModel
import NIOCore

/// Writes an event that many share behind the few bytes that are a subscriber's own. DESIGN §4,
/// "encode once".
///
/// Every byte goes straight to its place: this runs once a delivery.
enum EventFrame {
  /// A SessionResponse with a change.
  static func write(
    change: [UInt8], own: Bool, more: Bool, for requestID: UInt64, to buffer: inout ByteBuffer
  ) {
    let flags = (own ? 2 : 0) + (more ? 2 : 0)
    append(to: &buffer, maxBytes: change.count + flags + 40) { output in
      writeHead(requestID, eventField: EventField.change, size: change.count + flags, to: &output)
      output.write(change)
      if own { output.writeFlag(EventField.own) }
      if more { output.writeFlag(EventField.more) }
    }
  }

  /// A SessionResponse with a checkpoint.
  static func write(
    checkpoint: [UInt8], for requestID: UInt64, to buffer: inout ByteBuffer
  ) {
    append(to: &buffer, maxBytes: checkpoint.count + 40) { output in
      writeHead(
        requestID, eventField: EventField.checkpoint, size: checkpoint.count, to: &output)
      output.write(checkpoint)
    }
  }

  /// An Event with a change.
  static func writeEvent(
    change: [UInt8], own: Bool, more: Bool, to buffer: inout ByteBuffer
  ) {
    let flags = (own ? 2 : 0) + (more ? 2 : 0)
    append(to: &buffer, maxBytes: change.count + flags + 20) { output in
      output.writeLength(of: EventField.change, change.count + flags)
      output.write(change)
      if own { output.writeFlag(EventField.own) }
      if more { output.writeFlag(EventField.more) }
    }
  }

  /// An Event with a checkpoint.
  static func writeEvent(checkpoint: [UInt8], to buffer: inout ByteBuffer) {
    append(to: &buffer, maxBytes: checkpoint.count + 20) { output in
      output.writeLength(of: EventField.checkpoint, checkpoint.count)
      output.write(checkpoint)
    }
  }

  /// A row event of a typed service.
  static func writeRowEvent(
    _ event: [UInt8], own: Bool, more: Bool, to buffer: inout ByteBuffer
  ) {
    append(to: &buffer, maxBytes: event.count + 4) { output in
      output.write(event)
      if own { output.writeFlag(EventField.rowOwn) }
      if more { output.writeFlag(EventField.rowMore) }
    }
  }

  static func writeRowEvent(checkpoint: [UInt8], to buffer: inout ByteBuffer) {
    append(to: &buffer, maxBytes: checkpoint.count + 20) { output in
      output.writeLength(of: EventField.rowCheckpoint, checkpoint.count)
      output.write(checkpoint)
    }
  }

  private static func writeHead(
    _ requestID: UInt64, eventField: Int, size: Int, to output: inout Output
  ) {
    output.writeVarint(UInt64(EventField.requestID) << 3)
    output.writeVarint(requestID)
    output.writeLength(of: EventField.event, 1 + WireWriter.varintSize(UInt64(size)) + size)
    output.writeLength(of: eventField, size)
  }

  /// - Parameter maxBytes: At least what the closure writes.
  private static func append(
    to buffer: inout ByteBuffer, maxBytes: Int, _ write: (inout Output) -> Void
  ) {
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: maxBytes) { bytes in
      var output = Output(bytes: bytes)
      write(&output)
      return output.count
    }
  }

  /// Memory with room enough. Confined to one call.
  private struct Output {
    let bytes: UnsafeMutableRawBufferPointer
    var count = 0

    init(bytes: UnsafeMutableRawBufferPointer) {
      self.bytes = bytes
    }

    mutating func writeVarint(_ value: UInt64) {
      var rest = value
      while rest >= 0x80 {
        bytes[count] = UInt8(truncatingIfNeeded: rest) | 0x80
        count += 1
        rest >>= 7
      }
      bytes[count] = UInt8(truncatingIfNeeded: rest)
      count += 1
    }

    mutating func writeLength(of field: Int, _ size: Int) {
      writeVarint(UInt64(field) << 3 | 2)
      writeVarint(UInt64(size))
    }

    mutating func writeFlag(_ field: Int) {
      writeVarint(UInt64(field) << 3)
      writeVarint(1)
    }

    mutating func write(_ source: [UInt8]) {
      source.withUnsafeBytes { source in
        UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).copyMemory(from: source)
      }
      count += source.count
    }
  }
}
