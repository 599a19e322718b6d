/// Writes protobuf fields into memory that is known to be large enough: no check, no growth. Confined
/// to the lifetime of that memory; for what is written once an event.
///
/// Source: protobuf.dev/programming-guides/encoding.
package struct WireOutput {
  private let bytes: UnsafeMutableRawBufferPointer
  /// Bytes written so far, from the start of the memory.
  package private(set) var count = 0

  /// - Parameter bytes: Large enough for all that will be written.
  package init(_ bytes: UnsafeMutableRawBufferPointer) {
    self.bytes = bytes
  }

  /// One to ten bytes, without a tag.
  @inline(__always)
  package mutating func write(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes[count] = UInt8(truncatingIfNeeded: rest) | 0x80
      count += 1
      rest >>= 7
    }
    bytes[count] = UInt8(truncatingIfNeeded: rest)
    count += 1
  }

  /// Writes 0, too: to leave it out is the caller's affair.
  package mutating func write(field number: Int, varint value: UInt64) {
    write(varint: UInt64(number) << 3)
    write(varint: value)
  }

  /// The head of a field whose bytes follow.
  package mutating func write(field number: Int, length: Int) {
    write(varint: UInt64(number) << 3 | 2)
    write(varint: UInt64(length))
  }

  /// Bytes as they are, without tag or length; unlike the others, traps where there is no room.
  package mutating func write(_ source: UnsafeRawBufferPointer) {
    guard let from = source.baseAddress, let to = bytes.baseAddress, !source.isEmpty else { return }
    precondition(source.count <= bytes.count - count, "the memory is large enough")
    (to + count).copyMemory(from: from, byteCount: source.count)
    count += source.count
  }

  package mutating func write(_ source: [UInt8]) {
    source.withUnsafeBytes { write($0) }
  }

  /// Writes an empty text, too.
  package mutating func write(field number: Int, string: String) {
    write(field: number, length: string.utf8.count)
    write(utf8: string)
  }

  /// The text alone, after ``write(field:length:)``.
  package mutating func write(utf8 string: String) {
    var string = string
    string.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  /// Writes an empty value, too; also for a message that is encoded already.
  package mutating func write(field number: Int, bytes value: UnsafeRawBufferPointer) {
    write(field: number, length: value.count)
    write(value)
  }

  /// A google.protobuf.Timestamp of microseconds since 1970; at most 20 bytes.
  package mutating func write(field number: Int, timestamp microseconds: Int64) {
    let (seconds, rest) = microseconds.flooredDivision(by: 1_000_000)
    let nanos = rest * 1000
    var size = 0
    if seconds != 0 { size += 1 + WireWriter.varintSize(UInt64(bitPattern: seconds)) }
    if nanos != 0 { size += 1 + WireWriter.varintSize(UInt64(nanos)) }
    write(field: number, length: size)
    if seconds != 0 { write(field: 1, varint: UInt64(bitPattern: seconds)) }
    if nanos != 0 { write(field: 2, varint: UInt64(nanos)) }
  }

  /// The bytes that the closure writes.
  ///
  /// - Parameter maxBytes: At least what it writes.
  package static func bytes(
    maxBytes: Int, _ write: (inout WireOutput) -> Void
  ) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: maxBytes) { buffer, count in
      var output = WireOutput(UnsafeMutableRawBufferPointer(buffer))
      write(&output)
      count = output.count
    }
  }
}
