/// Compares text as SQLite's BINARY does: by code point, which in UTF-8 is by byte.
///
/// Swift's own `==` and `<` take canonically equivalent texts for equal; none of that may get in.
package enum TextOrder {
  /// Below 0, 0 or above 0.
  package static func compare(_ left: String, _ right: String) -> Int {
    withBytes(left, right) { compare($0, $1) }
  }

  /// Below 0, 0 or above 0; of two that begin alike the shorter one comes first.
  package static func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
    left.withUnsafeBytes { left in right.withUnsafeBytes { compare(left, $0) } }
  }

  /// Scalar by scalar: a composed letter is not its parts.
  package static func areEqual(_ left: String, _ right: String) -> Bool {
    withBytes(left, right) { areEqual($0, $1) }
  }

  /// Byte by byte; a different length is told at once.
  package static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer)
    -> Bool
  {
    left.count == right.count && sharedCount(left, right) == left.count
  }

  /// As unsigned bytes, eight at a time.
  package static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer)
    -> Int
  {
    let shared = min(left.count, right.count)
    var index = 0
    while shared - index >= 8 {
      let (first, second) = (word(left, index), word(right, index))
      guard first == second else { return first.bigEndian < second.bigEndian ? -1 : 1 }
      index += 8
    }
    while index < shared {
      guard left[index] == right[index] else { return left[index] < right[index] ? -1 : 1 }
      index += 1
    }
    return Operand.order(left.count, right.count)
  }

  /// Where the second text begins within the first, in bytes; nil: nowhere.
  package static func firstOffset(
    of part: UnsafeRawBufferPointer, in whole: UnsafeRawBufferPointer
  ) -> Int? {
    guard let first = part.first else { return 0 }
    guard part.count <= whole.count else { return nil }
    // Most texts differ soon wherever they are compared; where they do not, time would grow with the
    // product of the lengths.
    var patience = 4 * whole.count + 1024
    for start in 0...(whole.count - part.count) where whole[start] == first {
      let candidate = UnsafeRawBufferPointer(rebasing: whole[start..<start + part.count])
      let same = sharedCount(candidate, part)
      if same == part.count { return start }
      patience -= same
      if patience < 0 {
        let rest = UnsafeRawBufferPointer(rebasing: whole[(start + 1)...])
        return steadyOffset(of: part, in: rest).map { $0 + start + 1 }
      }
    }
    return nil
  }

  /// The same in time that grows with the sum of the lengths: Knuth, Morris and Pratt's.
  private static func steadyOffset(
    of part: UnsafeRawBufferPointer, in whole: UnsafeRawBufferPointer
  ) -> Int? {
    // For each beginning of the part: how long a shorter one is that it ends with.
    var borders = [0]
    borders.reserveCapacity(part.count)
    var same = 0
    for index in part.indices.dropFirst() {
      while same > 0, part[index] != part[same] { same = borders[same - 1] }
      if part[index] == part[same] { same += 1 }
      borders.append(same)
    }
    same = 0
    for (index, byte) in whole.enumerated() {
      while same > 0, byte != part[same] { same = borders[same - 1] }
      if byte == part[same] { same += 1 }
      if same == part.count { return index + 1 - same }
    }
    return nil
  }

  /// How many bytes both begin with, to a word's beginning where they differ; they are of one length.
  private static func sharedCount(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Int {
    var index = 0
    while left.count - index >= 8 {
      guard word(left, index) == word(right, index) else { return index }
      index += 8
    }
    while index < left.count {
      guard left[index] == right[index] else { return index }
      index += 1
    }
    return index
  }

  /// Lends the UTF-8 of two texts.
  @inline(__always)
  package static func withBytes<Result>(
    _ left: String, _ right: String,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
  ) -> Result {
    var (left, right) = (left, right)
    return left.withUTF8 { left in
      right.withUTF8 { body(UnsafeRawBufferPointer(left), UnsafeRawBufferPointer($0)) }
    }
  }

  @inline(__always)
  private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  }
}
