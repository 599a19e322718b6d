/// The encoding of `grpc-message`: UTF-8 with %XX for all but printable ASCII.
/// Source: grpc/doc/PROTOCOL-HTTP2.md.
enum PercentEncoding {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// At most `maxBytes` long; cut between characters, since clients limit their trailers.
  static func encode(_ message: String, maxBytes: Int = 1024) -> [UInt8] {
    var text: [UInt8] = []
    for character in message.unicodeScalars {
      let start = text.count
      for byte in UTF8.encode(character) ?? UTF8.EncodedScalar() {
        if byte >= 0x20, byte <= 0x7E, byte != UInt8(ascii: "%") {
          text.append(byte)
        } else {
          text += escape(byte)
        }
      }
      if text.count > maxBytes {
        text.removeSubrange(start...)
        break
      }
    }
    // A field's value neither begins nor ends with a space: RFC 9113, section 8.2.1.
    let space = UInt8(ascii: " ")
    if text.last == space { text.replaceSubrange((text.count - 1)..., with: escape(space)) }
    if text.first == space { text.replaceSubrange(..<1, with: escape(space)) }
    return text
  }

  private static func escape(_ byte: UInt8) -> [UInt8] {
    [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
  }

  /// Bytes that are no valid escape stay as they are.
  static func decode(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Substring(text).utf8
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
