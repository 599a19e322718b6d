/// Base64 as texts of values and tokens have it. Namespace; source: RFC 4648, sections 4 and 5.
package enum Base64 {
  /// The digits of ``urlText(of:)``.
  private static let urlDigits = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  // MARK: - For URLs: one text for one value

  /// In the alphabet for URLs, without padding.
  package static func urlText(of bytes: [UInt8]) -> String {
    let digits = urlDigits
    return String(unsafeUninitializedCapacity: (bytes.count * 4 + 2) / 3) { output in
      var length = 0
      var index = 0
      while index < bytes.count {
        let count = min(3, bytes.count - index)
        var group = UInt32(bytes[index]) << 16
        if count > 1 { group |= UInt32(bytes[index + 1]) << 8 }
        if count > 2 { group |= UInt32(bytes[index + 2]) }
        for position in 0...count {
          output[length] = digits[Int(group >> (18 - 6 * UInt32(position))) & 63]
          length += 1
        }
        index += 3
      }
      return length
    }
  }

  /// nil where it is not, digit for digit, what ``urlText(of:)`` makes of some bytes.
  package static func bytes(ofURLText text: some StringProtocol) -> [UInt8]? {
    var text = String(text)
    return text.withUTF8 { digits -> [UInt8]? in
      guard !digits.contains(where: { $0 == 0x2B || $0 == 0x2F }) else { return nil }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(digits.count / 4 * 3 + 2)
      let rest = append(UnsafeRawBufferPointer(digits)[...], to: &bytes)
      return rest == 0 && digits.count % 4 != 1 ? bytes : nil
    }
  }

  // MARK: - As others write it

  /// How many bytes a text of either alphabet, padded or not, stands for.
  ///
  /// - Returns: nil where no text of that length and padding is base64.
  package static func byteCount(of text: UnsafeRawBufferPointer) -> Int? {
    let digits = digitCount(text)
    guard digits % 4 != 1, digits == text.count || text.count % 4 == 0, text.count - digits <= 2
    else { return nil }
    return digits / 4 * 3 + max(digits % 4 - 1, 0)
  }

  /// Appends what a text of either alphabet stands for; bits that are left over do not count.
  ///
  /// - Parameter text: One that ``byteCount(of:)`` takes.
  /// - Returns: False where another character is in it.
  package static func append(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) -> Bool {
    append(text[..<digitCount(text)], to: &bytes) != nil
  }

  private static func digitCount(_ text: UnsafeRawBufferPointer) -> Int {
    var count = text.count
    while count > 0, text[count - 1] == UInt8(ascii: "=") { count -= 1 }
    return count
  }

  /// - Returns: The bits that are left over; nil: something is no digit.
  private static func append(
    _ digits: Slice<UnsafeRawBufferPointer>, to bytes: inout [UInt8]
  ) -> UInt32? {
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for digit in digits {
      guard let value = value(of: digit) else { return nil }
      bits = bits << 6 | value
      count += 6
      guard count >= 8 else { continue }
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> count))
      bits &= 1 << count - 1
    }
    return bits
  }

  private static func value(of digit: UInt8) -> UInt32? {
    switch digit {
    case 0x41...0x5A: UInt32(digit) - 0x41
    case 0x61...0x7A: UInt32(digit) - 71
    case 0x30...0x39: UInt32(digit) + 4
    case 0x2B, 0x2D: 62
    case 0x2F, 0x5F: 63
    default: nil
    }
  }
}
