#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Makes UUIDv7 keys that ascend within the process: key order is speed. A value.
///
/// Source: RFC 9562 §5.7, method 1: the twelve bits after the milliseconds count upward.
struct KeyGenerator {
  /// Milliseconds and the twelve bits, as one number.
  private var last: UInt64 = 0
  /// Random bits in advance: each draw asks the system.
  private var random: [UInt64] = []
  /// As many as getentropy gives at once: 256 bytes.
  private static let drawn = 32

  /// - Parameter now: Microseconds since 1970.
  mutating func next(now: Int64, as form: KeyForm = KeyForm()) -> String {
    let milliseconds = UInt64(clamping: now) / 1000
    // A fraction of a millisecond in the twelve bits keeps keys of one millisecond spread.
    let fraction = UInt64(clamping: now) % 1000 * 4
    last = max(last + 1, milliseconds << 12 | fraction)
    let high = (last >> 12) << 16 | 0x7000 | (last & 0xFFF)
    let low = draw() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return KeyGenerator.text(high, low, form)
  }

  private mutating func draw() -> UInt64 {
    if let next = random.popLast() { return next }
    random = [UInt64](unsafeUninitializedCapacity: KeyGenerator.drawn) { block, count in
      let size = KeyGenerator.drawn * MemoryLayout<UInt64>.size
      count = getentropy(block.baseAddress, size) == 0 ? KeyGenerator.drawn : 0
    }
    if let next = random.popLast() { return next }
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }

  private static func text(_ high: UInt64, _ low: UInt64, _ form: KeyForm) -> String {
    let letters: UInt8 = form.isUppercase ? 0x37 : 0x57
    return String(unsafeUninitializedCapacity: 36) { buffer in
      var position = 0
      for (word, wordIndex) in [(high, 0), (low, 1)] {
        for nibble in 0..<16 {
          let digit = wordIndex * 16 + nibble
          if form.hasHyphens, digit == 8 || digit == 12 || digit == 16 || digit == 20 {
            buffer[position] = 0x2D
            position += 1
          }
          let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - nibble * 4)) & 0xF
          buffer[position] = value < 10 ? 0x30 + value : letters + value
          position += 1
        }
      }
      return position
    }
  }
}
