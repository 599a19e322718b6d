import DatasyncMessages
import DatasyncModel
import DatasyncRPC
import NIOCore

/// Writes an event that many share behind the few bytes that are a subscriber's own.
///
/// Every byte goes straight to its place: this runs once a delivery.
enum EventFrame {
  /// One message with an event, for a stream that frames it.
  static func write(
    _ form: EventForm, _ event: EncodedEvent, own: Bool, more: Bool, to buffer: inout ByteBuffer
  ) {
    buffer.writeWithUnsafeMutableBytes(
      minimumWritableBytes: event.bytes.count + maxHeadBytes
    ) { bytes in
      var output = WireOutput(bytes)
      output.write(form, event.kind, event.bytes, own: own, more: more)
      return output.count
    }
  }

  /// One message with a checkpoint, for a stream that frames it.
  static func write(_ form: EventForm, checkpoint: [UInt8], to buffer: inout ByteBuffer) {
    buffer.writeWithUnsafeMutableBytes(
      minimumWritableBytes: checkpoint.count + maxHeadBytes
    ) { bytes in
      var output = WireOutput(bytes)
      output.write(form, checkpoint: checkpoint)
      return output.count
    }
  }

  /// The same as a gRPC message: not compressed, its length before it.
  static func appendMessage(
    _ form: EventForm, _ event: EncodedEvent, own: Bool, more: Bool, to buffer: inout ByteBuffer
  ) {
    appendMessage(form, event.kind, event.bytes, own: own, more: more, to: &buffer)
  }

  /// The same of an event whose bytes are apart.
  static func appendMessage(
    _ form: EventForm, _ kind: EncodedEvent.Kind, _ bytes: [UInt8], own: Bool, more: Bool,
    to buffer: inout ByteBuffer
  ) {
    append(to: &buffer, maxBytes: bytes.count + maxHeadBytes) { output in
      output.write(form, kind, bytes, own: own, more: more)
    }
  }

  static func appendMessage(_ form: EventForm, checkpoint: [UInt8], to buffer: inout ByteBuffer) {
    append(to: &buffer, maxBytes: checkpoint.count + maxHeadBytes) { output in
      output.write(form, checkpoint: checkpoint)
    }
  }

  /// At most: two tags and varints, two tags and lengths, two flags, a prefix.
  private static let maxHeadBytes = 64

  private static func append(
    to buffer: inout ByteBuffer, maxBytes: Int, _ write: (inout WireOutput) -> Void
  ) {
    MessageFramer.append(to: &buffer, maxBytes: maxBytes) { room in
      var output = WireOutput(room)
      write(&output)
      return output.count
    }
  }
}

extension WireOutput {
  fileprivate mutating func write(
    _ form: EventForm, _ kind: EncodedEvent.Kind, _ event: [UInt8], own: Bool, more: Bool
  ) {
    guard kind == .change else { return write(form, unreadable: event, more: more) }
    let flags = (own ? 2 : 0) + (more ? 2 : 0)
    switch form {
    case .session(let requestID):
      writeHead(requestID, eventField: EventField.change, size: event.count + flags)
    case .event:
      write(field: EventField.change, length: event.count + flags)
    case .rowEvent:
      write(event)
      if own { write(field: EventField.rowOwn, varint: 1) }
      if more { write(field: EventField.rowMore, varint: 1) }
      return
    }
    write(event)
    if own { write(field: EventField.own, varint: 1) }
    if more { write(field: EventField.more, varint: 1) }
  }

  private mutating func write(_ form: EventForm, unreadable event: [UInt8], more: Bool) {
    let size = event.count + (more ? 2 : 0)
    switch form {
    case .session(let requestID):
      writeHead(requestID, eventField: EventField.unreadable, size: size)
    case .event: write(field: EventField.unreadable, length: size)
    case .rowEvent: write(field: EventField.rowUnreadable, length: size)
    }
    write(event)
    if more { write(field: EventField.unreadableMore, varint: 1) }
  }

  fileprivate mutating func write(_ form: EventForm, checkpoint: [UInt8]) {
    switch form {
    case .session(let requestID):
      writeHead(requestID, eventField: EventField.checkpoint, size: checkpoint.count)
    case .event: write(field: EventField.checkpoint, length: checkpoint.count)
    case .rowEvent: write(field: EventField.rowCheckpoint, length: checkpoint.count)
    }
    write(checkpoint)
  }

  private mutating func writeHead(_ requestID: UInt64, eventField: Int, size: Int) {
    write(field: EventField.requestID, varint: requestID)
    write(
      field: EventField.event, length: 1 + WireWriter.varintSize(UInt64(size)) + size)
    write(field: eventField, length: size)
  }
}
