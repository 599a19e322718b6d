/// Reads base64 as it comes, in pieces: chunks that may follow one another, each of them padded where it
/// is to be. A value. Source: grpc/doc/PROTOCOL-WEB.md, "application/grpc-web-text".
struct Base64Decoder {
  private var pending: UInt32 = 0
  /// Characters of the group that is not whole, with its padding: 0...3.
  private var count = 0
  private var padding = 0

  /// Whether what came ends where a group does.
  var isWhole: Bool { count == 0 }

  /// - Returns: What is told by the text so far and was not yet, at most a byte a character; nil: it is not
  ///   base64, and is not read on.
  mutating func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 3 / 4 + 1)
    for character in text {
      guard take(character, &bytes) else { return nil }
    }
    return bytes
  }

  private mutating func take(_ character: UInt8, _ bytes: inout [UInt8]) -> Bool {
    if character == UInt8(ascii: "=") {
      guard count >= 2 else { return false }
      padding += 1
    } else {
      guard padding == 0, let value = Base64.value(of: character) else { return false }
      pending = pending << 6 | UInt32(value)
      // A character has six bits: the second to the fourth complete a byte each.
      if count > 0 { bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(6 - 2 * count))) }
    }
    count += 1
    if count == 4 { (pending, count, padding) = (0, 0, 0) }
    return true
  }
}
