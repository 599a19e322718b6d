/// Appends protobuf fields to bytes. A value.
///
/// Source: protobuf.dev/programming-guides/encoding.
package struct WireWriter {
  /// All that was written so far.
  package private(set) var bytes: [UInt8]

  /// - Parameter capacity: In bytes; more may be written.
  package init(reservingCapacity capacity: Int = 0) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  /// The low three bits of a tag; groups (3 and 4) are not written.
  package enum WireType: UInt64, Sendable {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
  }

  /// Takes back what was written last.
  package mutating func truncate(to count: Int) {
    bytes.removeLast(bytes.count - count)
  }

  /// Keeps the memory for what comes next.
  package mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
  }

  /// One to ten bytes, without a tag.
  package mutating func appendVarint(_ value: UInt64) {
    if value < 0x80 { return bytes.append(UInt8(truncatingIfNeeded: value)) }
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// - Parameter number: 1 … 536,870,911; not checked.
  package mutating func appendTag(_ number: Int, _ type: WireType) {
    appendVarint(UInt64(number) << 3 | type.rawValue)
  }

  /// Writes 0, too: to leave it out is the caller's affair.
  package mutating func append(field number: Int, varint value: UInt64) {
    appendTag(number, .varint)
    appendVarint(value)
  }

  /// As protobuf's int64, not zigzag: negative numbers take ten bytes.
  package mutating func append(field number: Int, int64 value: Int64) {
    append(field: number, varint: UInt64(bitPattern: value))
  }

  /// Writes false, too.
  package mutating func append(field number: Int, bool value: Bool) {
    append(field: number, varint: value ? 1 : 0)
  }

  /// Little-endian; writes 0, too.
  package mutating func append(field number: Int, double value: Double) {
    appendTag(number, .fixed64)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Copies the bytes; writes an empty value, too.
  package mutating func append(field number: Int, bytes value: UnsafeRawBufferPointer) {
    appendTag(number, .lengthDelimited)
    appendVarint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func append(field number: Int, bytes value: [UInt8]) {
    appendTag(number, .lengthDelimited)
    appendVarint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  /// As UTF-8; writes an empty text, too.
  package mutating func append(field number: Int, string value: String) {
    var value = value
    value.withUTF8 { append(field: number, bytes: UnsafeRawBufferPointer($0)) }
  }

  /// A google.protobuf.Timestamp of microseconds since 1970.
  package mutating func append(field number: Int, timestamp microseconds: Int64) {
    let (seconds, rest) = microseconds.flooredDivision(by: 1_000_000)
    let nanos = rest * 1000
    var size = 0
    if seconds != 0 { size += 1 + WireWriter.varintSize(UInt64(bitPattern: seconds)) }
    if nanos != 0 { size += 1 + WireWriter.varintSize(UInt64(nanos)) }
    appendTag(number, .lengthDelimited)
    appendVarint(UInt64(size))
    if seconds != 0 { append(field: 1, int64: seconds) }
    if nanos != 0 { append(field: 2, varint: UInt64(nanos)) }
  }

  /// Appends bytes that are fields already; not for any collection: other modules would copy byte by byte.
  package mutating func append(encoded fields: UnsafeRawBufferPointer) {
    bytes.append(contentsOf: fields)
  }

  package mutating func append(encoded fields: [UInt8]) {
    bytes.append(contentsOf: fields)
  }

  /// A nested message, written by the closure.
  package mutating func append(
    field number: Int, message write: (inout WireWriter) -> Void
  ) {
    var nested = WireWriter()
    write(&nested)
    append(field: number, bytes: nested.bytes)
  }

  /// How many bytes a field with so many takes, its length and a tag of one byte included.
  package static func fieldSize(_ length: Int) -> Int {
    1 + varintSize(UInt64(length)) + length
  }

  /// How many bytes a varint takes, 1 to 10.
  package static func varintSize(_ value: UInt64) -> Int {
    (64 - (value | 1).leadingZeroBitCount + 6) / 7
  }
}

extension Int64 {
  /// Quotient rounded down, and the remainder in 0 ..< divisor.
  package func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
