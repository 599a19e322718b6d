package import NIOCore

extension ByteBuffer {
  /// The same as `writeBytes`, without NIO's check for exclusive access, which it makes at run time
  /// and which costs more than the copy of a short message.
  @inline(__always)
  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count) { room in
      room.copyMemory(from: bytes)
      return bytes.count
    }
  }
}
