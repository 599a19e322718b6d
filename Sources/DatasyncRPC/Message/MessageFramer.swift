package import NIOCore

/// Appends messages to a stream's bytes, each behind its ``MessagePrefix``. Namespace;
/// ``MessageDeframer`` is the way back.
package enum MessageFramer {
  /// Appends a message that is there already, in one piece.
  package static func append(
    _ message: UnsafeRawBufferPointer, _ flags: MessagePrefix.Flags = [],
    to buffer: inout ByteBuffer
  ) {
    let count = MessagePrefix.byteCount + message.count
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
      MessagePrefix(flags, length: message.count).write(to: room)
      UnsafeMutableRawBufferPointer(rebasing: room[MessagePrefix.byteCount...])
        .copyMemory(from: message)
      return count
    }
  }

  /// Appends a message that the closure writes where it is to stand.
  package static func append(
    to buffer: inout ByteBuffer, writing write: (inout ByteBuffer) -> Void
  ) {
    let start = buffer.writerIndex
    buffer.writeRepeatingByte(0, count: MessagePrefix.byteCount)
    write(&buffer)
    let length = buffer.writerIndex - start - MessagePrefix.byteCount
    // What is not compressed has no flags.
    buffer.setInteger(MessagePrefix(length: length).length, at: start + 1)
  }

  /// The same for closures that write to memory.
  ///
  /// - Parameters:
  ///   - maxBytes: Of the message, at most.
  ///   - write: Returns how many bytes it wrote.
  @inlinable
  package static func append(
    to buffer: inout ByteBuffer, maxBytes: Int,
    writing write: (UnsafeMutableRawBufferPointer) -> Int
  ) {
    let prefix = MessagePrefix.byteCount
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: prefix + maxBytes) { room in
      let length = write(UnsafeMutableRawBufferPointer(rebasing: room[prefix...]))
      MessagePrefix(length: length).write(to: room)
      return prefix + length
    }
  }
}
