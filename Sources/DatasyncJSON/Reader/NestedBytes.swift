import DatasyncModel

/// Protobuf bytes whose nested lengths are put in at the end, once they are known: so nothing is moved
/// more than once. A value.
struct NestedBytes {
  /// All bytes but the lengths of what is nested.
  var bytes: [UInt8] = []
  /// Where each length belongs, in order, and what it is.
  private var lengths: [(position: UInt32, length: UInt32)] = []
  /// How many bytes the lengths take that are known.
  private var lengthBytes = 0

  /// What is open. A value.
  struct Mark {
    fileprivate let index: Int
    fileprivate let lengthBytes: Int
    /// Before the tag.
    fileprivate let start: Int
  }

  /// As large as the message will be at least.
  var count: Int { bytes.count + lengthBytes }

  mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  @inline(__always)
  mutating func append(tag number: Int, _ type: WireWriter.WireType) {
    append(varint: UInt64(number) << 3 | type.rawValue)
  }

  mutating func append<T: FixedWidthInteger>(fixed value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Begins what is nested under that number.
  mutating func open(_ number: Int) -> Mark {
    let start = bytes.count
    append(tag: number, .lengthDelimited)
    lengths.append((UInt32(truncatingIfNeeded: bytes.count), 0))
    return Mark(index: lengths.count - 1, lengthBytes: lengthBytes, start: start)
  }

  /// - Parameter dropsEmpty: Takes the field back where nothing is in it.
  mutating func close(_ mark: Mark, dropsEmpty: Bool = false) {
    let position = Int(lengths[mark.index].position)
    let length = bytes.count - position + lengthBytes - mark.lengthBytes
    if dropsEmpty, length == 0 {
      lengths.removeLast()
      bytes.removeLast(bytes.count - mark.start)
      return
    }
    lengths[mark.index].length = UInt32(truncatingIfNeeded: length)
    lengthBytes += WireWriter.varintSize(UInt64(length))
  }

  /// All of it, lengths and all, once nothing is open.
  func joined() -> [UInt8] {
    if lengths.isEmpty { return bytes }
    return bytes.withUnsafeBytes { source in
      // Once all is closed, the count is exact.
      WireOutput.bytes(maxBytes: count) { output in
        var start = 0
        for (position, length) in lengths {
          output.write(UnsafeRawBufferPointer(rebasing: source[start..<Int(position)]))
          output.write(varint: UInt64(length))
          start = Int(position)
        }
        output.write(UnsafeRawBufferPointer(rebasing: source[start...]))
      }
    }
  }
}
