import NIOCore

/// What is in the URL of a call that is made with GET. A value.
/// Source: connectrpc.com/docs/protocol, Unary-Get-Request.
struct ConnectQuery {
  private(set) var version: String?
  private(set) var encoding: String?
  private(set) var compression: String?
  private var text: [UInt8]?
  private var isBase64 = false

  /// Of a name that is there twice, the last counts.
  init(_ query: Substring) {
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let value = ConnectQuery.unescaped(parts.count > 1 ? parts[1] : "")
      let string = String(decoding: value, as: UTF8.self)
      switch parts[0] {
      case "connect": version = string
      case "encoding": encoding = string
      case "compression": compression = string
      case "base64": isBase64 = string == "1"
      case "message": text = value
      default: break
      }
    }
  }

  /// - Throws: INVALID_ARGUMENT: there is none, or it is not base64 where it says so.
  func message() throws(Status) -> ByteBuffer {
    guard let text else { throw Status(.invalidArgument, "the query has no message") }
    guard isBase64 else { return ByteBuffer(bytes: text) }
    // Both alphabets are read, also where a plus came as it is.
    let standard = text.map { byte in
      switch byte {
      case UInt8(ascii: "-"), UInt8(ascii: " "): UInt8(ascii: "+")
      case UInt8(ascii: "_"): UInt8(ascii: "/")
      default: byte
      }
    }
    guard let bytes = Base64.decode(standard) else {
      throw Status(.invalidArgument, "the query's message is not base64")
    }
    return ByteBuffer(bytes: bytes)
  }

  /// Percent and two digits are a byte, a plus is a space; what is no such thing stays as it is.
  private static func unescaped(_ text: Substring) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        continue
      }
      let digits = rest.prefix(2)
      if digits.count == 2, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }
}
