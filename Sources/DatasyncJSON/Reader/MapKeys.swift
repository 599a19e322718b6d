/// The keys of a map that have come, to be compared once all have: by where they stand in the output.
/// A value.
struct MapKeys {
  private var keys: [(start: UInt32, end: UInt32)] = []

  mutating func append(_ range: Range<Int>) {
    keys.append(
      (UInt32(truncatingIfNeeded: range.lowerBound), UInt32(truncatingIfNeeded: range.upperBound)))
  }

  /// - Complexity: O(n log n), in the bytes of all keys, without a hash that somebody could aim at.
  mutating func hasDuplicates(in bytes: [UInt8]) -> Bool {
    guard keys.count > 1 else { return false }
    return bytes.withUnsafeBytes { bytes in
      func key(_ index: Int) -> Slice<UnsafeRawBufferPointer> {
        bytes[Int(keys[index].start)..<Int(keys[index].end)]
      }
      keys.sort { left, right in
        bytes[Int(left.start)..<Int(left.end)]
          .lexicographicallyPrecedes(bytes[Int(right.start)..<Int(right.end)])
      }
      return (1..<keys.count).contains { key($0 - 1).elementsEqual(key($0)) }
    }
  }
}
