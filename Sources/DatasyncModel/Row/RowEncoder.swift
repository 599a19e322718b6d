/// Writes a row's protobuf message, or those of several rows one behind the other. A value.
///
/// Fields must come in order of number, so that a row has one encoding. NULL is written by not
/// writing.
package struct RowEncoder {
  private var writer: WireWriter

  /// - Parameter capacity: In bytes; more may be written.
  package init(reservingCapacity capacity: Int = 128) {
    writer = WireWriter(reservingCapacity: capacity)
  }

  /// Writes nothing for null. That the value is of the column's type is not checked.
  package mutating func append(_ value: Value, to column: Column) {
    switch value {
    case .null: break
    case .bool(let value): writer.append(field: column.number, bool: value)
    case .int64(let value): writer.append(field: column.number, int64: value)
    case .double(let value): writer.append(field: column.number, double: value)
    case .string(let value): writer.append(field: column.number, string: value)
    case .bytes(let value): writer.append(field: column.number, bytes: value)
    case .timestamp(let value): writer.append(field: column.number, timestamp: value)
    }
  }

  /// Text or blob as it lies in the database's memory: no copy but the one into the row.
  package mutating func append(bytes: UnsafeRawBufferPointer, number: Int) {
    writer.append(field: number, bytes: bytes)
  }

  /// A plain varint, not zigzag: below 0 it takes ten bytes. 0 is written: absent is NULL.
  package mutating func append(int64 value: Int64, number: Int) {
    writer.append(field: number, int64: value)
  }

  /// False is written, too: absent is NULL.
  package mutating func append(bool value: Bool, number: Int) {
    writer.append(field: number, bool: value)
  }

  /// Eight bytes; that it is finite is not checked.
  package mutating func append(double value: Double, number: Int) {
    writer.append(field: number, double: value)
  }

  /// - Parameter value: Microseconds since 1970 UTC, negative before.
  package mutating func append(timestamp value: Int64, number: Int) {
    writer.append(field: number, timestamp: value)
  }

  /// Fields that are encoded already.
  package mutating func append(encoded bytes: UnsafeRawBufferPointer) {
    writer.append(encoded: bytes)
  }

  package mutating func append(encoded bytes: [UInt8]) {
    writer.append(encoded: bytes)
  }

  /// In all rows written so far.
  package var byteCount: Int { writer.bytes.count }

  /// Of all rows written so far, one behind the other.
  package var bytes: [UInt8] { writer.bytes }

  /// Takes back what was written after the first `count` bytes; traps where there are fewer.
  package mutating func truncate(to count: Int) {
    writer.truncate(to: count)
  }

  /// All that was written as one image: only for an encoder of one row.
  package consuming func finish() -> RowImage {
    RowImage(bytes: writer.bytes)
  }

  /// The whole row from its values, in the order of ``Table/columns``.
  package static func image(of values: [Value], table: Table) -> RowImage {
    var encoder = RowEncoder()
    for (column, value) in zip(table.columns, values) {
      encoder.append(value, to: column)
    }
    return encoder.finish()
  }
}
