/// The characters of HTTP/1. Namespace. Source: RFC 9110, section 5.
enum HTTP1Syntax {
  /// `tchar`.
  static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  /// Visible characters, spaces, tabs, and what is beyond ASCII.
  static func isFieldValue(_ byte: UInt8) -> Bool {
    byte == 0x09 || (byte >= 0x20 && byte != 0x7F)
  }

  /// Of a host with its port: nothing that ends one in a URL, and no list.
  static func isAuthority(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && !"/?#@\\,\"<>^`{|}".utf8.contains(byte)
  }

  static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var bytes = bytes[...]
    while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
    while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
    return UnsafeRawBufferPointer(rebasing: bytes)
  }

  /// Tokens between commas, in lower case.
  static func list(_ text: String) -> [String] {
    text.lowercased().split(separator: ",").map { item in
      String(item.filter { $0 != " " && $0 != "\t" })
    }
  }
}
