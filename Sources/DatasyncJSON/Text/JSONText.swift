/// Appends JSON's tokens to bytes. A value.
struct JSONText {
  var bytes: [UInt8] = []

  @inline(__always)
  mutating func append(_ byte: UInt8) { bytes.append(byte) }

  mutating func append(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Escapes what must be, nothing else; slashes and characters beyond ASCII stand as they are.
  ///
  /// - Returns: False where the text is no UTF-8.
  mutating func append(quoted text: UnsafeRawBufferPointer) -> Bool {
    append(UInt8(ascii: "\""))
    var start = 0
    while start < text.count {
      var end = TextScan.plainEnd(text, from: start)
      while end < text.count, text[end] >= 0x80 {
        let length = TextScan.sequenceLength(text, at: end)
        guard length > 0 else { return false }
        end += length
      }
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[start..<end]))
      start = end
      if end < text.count, text[end] < 0x80 {
        if text[end] < 0x20 || text[end] == 0x22 || text[end] == 0x5C {
          append(escaped: text[end])
          start = end + 1
        }
      }
    }
    append(UInt8(ascii: "\""))
    return true
  }

  mutating func append(quoted text: String) {
    var text = text
    // A String is UTF-8 always.
    _ = text.withUTF8 { append(quoted: UnsafeRawBufferPointer($0)) }
  }

  private mutating func append(escaped byte: UInt8) {
    append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08: append(UInt8(ascii: "b"))
    case 0x09: append(UInt8(ascii: "t"))
    case 0x0A: append(UInt8(ascii: "n"))
    case 0x0C: append(UInt8(ascii: "f"))
    case 0x0D: append(UInt8(ascii: "r"))
    case 0x22, 0x5C: append(byte)
    default:
      append("u00")
      append(byte >> 4 + 0x30)
      append(byte & 15 < 10 ? byte & 15 + 0x30 : byte & 15 + 0x57)
    }
  }

  // MARK: - Numbers

  mutating func append(_ value: UInt64) {
    if value < 10 { return append(UInt8(value) + 0x30) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var rest = value
      var start = 20
      repeat {
        start -= 1
        digits[start] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
        rest /= 10
      } while rest > 0
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
    }
  }

  mutating func append(_ value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(value.magnitude)
  }

  /// As many digits as are asked for, zeros first.
  mutating func append(_ value: Int, digits: Int) {
    if digits > 2 { append(value / 100, digits: digits - 2) }
    if digits > 1 { append(UInt8(truncatingIfNeeded: value / 10 % 10) + 0x30) }
    append(UInt8(truncatingIfNeeded: value % 10) + 0x30)
  }

  /// The shortest that is read as the same number again; a text for what is no number.
  mutating func append(_ value: Double) {
    if value.isFinite { append(number: value.description) } else { append(infinite: value) }
  }

  mutating func append(_ value: Float) {
    if value.isFinite { append(number: value.description) } else { append(infinite: Double(value)) }
  }

  private mutating func append(infinite value: Double) {
    append(value.isNaN ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"")
  }

  /// Swift's `1.0` is `1` here; but `-0.0` stays, since Python takes `-0` for an integer, without a sign.
  private mutating func append(number text: String) {
    bytes.append(contentsOf: text.utf8)
    let count = bytes.count
    if bytes[count - 1] == 0x30, bytes[count - 2] == 0x2E, text != "-0.0" { bytes.removeLast(2) }
  }

  // MARK: - Bytes

  /// RFC 4648's standard alphabet, padded, in quotes.
  mutating func append(base64 value: UnsafeRawBufferPointer) {
    append(UInt8(ascii: "\""))
    bytes.reserveCapacity(bytes.count + (value.count + 2) / 3 * 4 + 1)
    var index = 0
    while index < value.count {
      let taken = min(3, value.count - index)
      var group = UInt32(value[index]) << 16
      if taken > 1 { group |= UInt32(value[index + 1]) << 8 }
      if taken > 2 { group |= UInt32(value[index + 2]) }
      append(JSONText.digit(group >> 18))
      append(JSONText.digit(group >> 12))
      append(taken > 1 ? JSONText.digit(group >> 6) : UInt8(ascii: "="))
      append(taken > 2 ? JSONText.digit(group) : UInt8(ascii: "="))
      index += taken
    }
    append(UInt8(ascii: "\""))
  }

  private static func digit(_ bits: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: bits & 63)
    return switch value {
    case 0..<26: value + 0x41
    case 26..<52: value + 71
    case 52..<62: value - 4
    case 62: 0x2B
    default: 0x2F
    }
  }
}
