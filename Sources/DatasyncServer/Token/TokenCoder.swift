/// Packs a token's content so that a changed or foreign one is noticed: base64url of the content and
/// a checksum that is keyed by the database's history. Not a secret: a token opens nothing that its
/// holder may not read anyway.
struct TokenCoder: Sendable {
  /// The hash of the key, which goes before the content.
  private let keyHash: UInt64

  /// - Parameter key: Enters the checksum: tokens of another key do not decode.
  init(key: String) {
    keyHash = Fingerprint.hash64(key.utf8)
  }

  func encode(_ content: [UInt8]) -> String {
    let sum = checksum(content)
    var bytes = content
    for shift in stride(from: 56, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: sum >> UInt64(shift)))
    }
    return Base64URL.encode(bytes)
  }

  func decode(_ token: String) -> [UInt8]? {
    guard let bytes = Base64URL.decode(token), bytes.count >= 8 else { return nil }
    let content = Array(bytes.dropLast(8))
    let sum = bytes.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return sum == checksum(content) ? content : nil
  }

  private func checksum(_ content: [UInt8]) -> UInt64 {
    Fingerprint.hash64(content, after: keyHash)
  }
}

/// Source: RFC 4648 §5, without padding.
enum Base64URL {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    let alphabet = alphabet
    return String(unsafeUninitializedCapacity: (bytes.count * 4 + 2) / 3) { output in
      var length = 0
      var index = 0
      while index < bytes.count {
        let count = min(3, bytes.count - index)
        var group = UInt32(bytes[index]) << 16
        if count > 1 { group |= UInt32(bytes[index + 1]) << 8 }
        if count > 2 { group |= UInt32(bytes[index + 2]) }
        for position in 0...count {
          output[length] = alphabet[Int(group >> (18 - 6 * UInt32(position))) & 63]
          length += 1
        }
        index += 3
      }
      return length
    }
  }

  static func decode(_ text: String) -> [UInt8]? {
    guard text.utf8.count % 4 != 1 else { return nil }
    var output: [UInt8] = []
    var group: UInt32 = 0
    var bits = 0
    for character in text.utf8 {
      guard let value = value(of: character) else { return nil }
      group = group << 6 | value
      bits += 6
      if bits >= 8 {
        bits -= 8
        output.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
        group &= (1 << UInt32(bits)) - 1
      }
    }
    return group == 0 ? output : nil
  }

  private static func value(of character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a") + 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0") + 52)
    case UInt8(ascii: "-"): 62
    case UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
