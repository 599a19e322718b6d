import DatasyncModel

/// The values of a packed field, one after another. Confined to the lifetime of its bytes.
struct PackedReader {
  private let bytes: UnsafeRawBufferPointer
  private let wireType: WireWriter.WireType
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer, of wireType: WireWriter.WireType) {
    self.bytes = bytes
    self.wireType = wireType
  }

  /// Nil at the end.
  mutating func next() throws(JSONFault) -> WireReader.Field? {
    guard position < bytes.count else { return nil }
    switch wireType {
    case .fixed64: return .fixed64(UInt64(littleEndian: try load(UInt64.self)))
    case .fixed32: return .fixed32(UInt32(littleEndian: try load(UInt32.self)))
    case .varint, .lengthDelimited: return .varint(try varint())
    }
  }

  private mutating func load<T: FixedWidthInteger>(_ type: T.Type) throws(JSONFault) -> T {
    guard bytes.count - position >= MemoryLayout<T>.size else {
      throw JSONFault(.message, "the bytes are no message: truncated")
    }
    defer { position += MemoryLayout<T>.size }
    return bytes.loadUnaligned(fromByteOffset: position, as: type)
  }

  private mutating func varint() throws(JSONFault) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) where position < bytes.count {
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
    }
    throw JSONFault(.message, "the bytes are no message: truncated")
  }
}
