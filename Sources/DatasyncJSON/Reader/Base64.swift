/// RFC 4648's base64, of either alphabet, padded or not. Namespace.
enum Base64 {
  /// How many bytes it stands for; nil where it has no such length.
  static func count(of text: UnsafeRawBufferPointer) -> Int? {
    let digits = digitCount(text)
    guard digits % 4 != 1, digits == text.count || text.count % 4 == 0, text.count - digits <= 2
    else { return nil }
    return digits / 4 * 3 + max(digits % 4 - 1, 0)
  }

  private static func digitCount(_ text: UnsafeRawBufferPointer) -> Int {
    var count = text.count
    while count > 0, text[count - 1] == UInt8(ascii: "=") { count -= 1 }
    return count
  }

  /// False where another character is in it.
  ///
  /// - Parameter text: One that ``count(of:)`` takes.
  static func append(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) -> Bool {
    var bits: UInt32 = 0
    var bitCount = 0
    for index in 0..<digitCount(text) {
      guard let digit = digit(text[index]) else { return false }
      bits = bits << 6 | digit
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
      }
    }
    return true
  }

  private static func digit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x41...0x5A: UInt32(byte) - 0x41
    case 0x61...0x7A: UInt32(byte) - 71
    case 0x30...0x39: UInt32(byte) + 4
    case 0x2B, 0x2D: 62
    case 0x2F, 0x5F: 63
    default: nil
    }
  }
}
