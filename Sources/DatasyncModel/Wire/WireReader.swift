/// Reads protobuf fields from bytes that may be hostile: never past the end, never recursive.
///
/// Confined to the lifetime of its buffer. Groups are refused. Source:
/// protobuf.dev/programming-guides/encoding.
package struct WireReader {
  /// Why bytes are no message; after one, no more fields can be read. A value.
  package enum Fault: Error {
    /// The bytes end within a field, or a length points past them.
    case truncated
    /// A varint of more than ten bytes, field number 0, or a wire type that we don't read.
    case malformed
  }

  /// A field's value, before it is known what type it has.
  package enum Field {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes(UnsafeRawBufferPointer)
  }

  private let buffer: UnsafeRawBufferPointer
  private var position = 0

  /// - Parameter buffer: Must outlive the reader and the ``Field``s it gives: they point into it.
  package init(_ buffer: UnsafeRawBufferPointer) {
    self.buffer = buffer
  }

  /// Where the next field begins, in bytes from the start.
  package var offset: Int { position }

  /// The next field, or nil at the end.
  package mutating func next() throws(Fault) -> (number: Int, field: Field)? {
    guard position < buffer.count else { return nil }
    let tag = try varint()
    let number = tag >> 3
    guard number > 0, number <= 0x1FFF_FFFF else { throw .malformed }
    switch tag & 7 {
    case 0:
      return (Int(number), .varint(try varint()))
    case 1:
      return (Int(number), .fixed64(UInt64(littleEndian: try load(UInt64.self))))
    case 2:
      let length = try varint()
      guard length <= UInt64(buffer.count - position) else { throw .truncated }
      let start = position
      position += Int(length)
      return (Int(number), .bytes(UnsafeRawBufferPointer(rebasing: buffer[start..<position])))
    case 5:
      return (Int(number), .fixed32(UInt32(littleEndian: try load(UInt32.self))))
    default:
      throw .malformed
    }
  }

  private mutating func load<T: FixedWidthInteger>(_ type: T.Type) throws(Fault) -> T {
    guard buffer.count - position >= MemoryLayout<T>.size else { throw .truncated }
    let value = buffer.loadUnaligned(fromByteOffset: position, as: type)
    position += MemoryLayout<T>.size
    return value
  }

  private mutating func varint() throws(Fault) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < buffer.count {
      let byte = buffer[position]
      position += 1
      guard shift < 64 else { throw .malformed }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    throw shift >= 64 ? .malformed : .truncated
  }
}
