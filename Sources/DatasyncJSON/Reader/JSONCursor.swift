/// Walks over JSON's tokens, and checks them. Confined to the lifetime of its bytes.
struct JSONCursor {
  /// A string or a number where it stands. A value.
  struct Token {
    /// Without the quotes.
    let start: Int
    let end: Int
    /// How many bytes a string has without its escapes.
    let count: Int

    var hasEscapes: Bool { count != end - start }
  }

  let bytes: UnsafeRawBufferPointer
  var position = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { position == bytes.count }
  /// The byte here; 0, which no token begins with, at the end.
  @inline(__always)
  var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

  @inline(__always)
  mutating func skipSpace() {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else {
        return
      }
      position += 1
    }
  }

  @inline(__always)
  mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  /// A fault of what stands here.
  func fault(_ due: String) -> JSONFault {
    if isAtEnd { return JSONFault(.syntax, "the text ends where \(due) is due") }
    let byte = bytes[position]
    let found =
      0x21...0x7E ~= byte
      ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
    return JSONFault(.syntax, "\(found) at byte \(position), where \(due) is due")
  }

  mutating func expect(_ byte: UInt8, _ due: String) throws(JSONFault) {
    guard take(byte) else { throw fault(due) }
  }

  mutating func literal(_ word: StaticString) throws(JSONFault) {
    for index in 0..<word.utf8CodeUnitCount where !take(word.utf8Start[index]) {
      throw fault("a value")
    }
  }

  // MARK: - Strings

  /// From quote to quote; all of it is checked.
  mutating func string() throws(JSONFault) -> Token {
    try expect(UInt8(ascii: "\""), "a string")
    let start = position
    var saved = 0
    while true {
      position = TextScan.plainEnd(bytes, from: position)
      guard position < bytes.count else { throw fault("the end of a string") }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return Token(start: start, end: position - 1, count: position - 1 - start - saved)
      case UInt8(ascii: "\\"): saved += try escape()
      case 0..<0x20:
        throw JSONFault(.syntax, "a control character at byte \(position), which must be escaped")
      default:
        let length = TextScan.sequenceLength(bytes, at: position)
        guard length > 0 else { throw JSONFault(.syntax, "byte \(position) is no UTF-8") }
        position += length
      }
    }
  }

  /// How many bytes it takes more than what it stands for.
  private mutating func escape() throws(JSONFault) -> Int {
    let start = position
    position += 1
    switch current {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 1
      return 1
    case UInt8(ascii: "u"): break
    default: throw fault("an escape")
    }
    let unit = try hexadecimal()
    guard 0xD800...0xDFFF ~= unit else { return 6 - JSONCursor.utf8Count(unit) }
    let lone = JSONFault(.syntax, "a surrogate without its other half at byte \(start)")
    guard unit < 0xDC00, take(UInt8(ascii: "\\")), current == UInt8(ascii: "u") else { throw lone }
    let second = try hexadecimal()
    guard 0xDC00...0xDFFF ~= second else { throw lone }
    return 12 - 4
  }

  /// Four digits, behind the `u` that is here.
  private mutating func hexadecimal() throws(JSONFault) -> UInt32 {
    position += 1
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = JSONCursor.hexadecimal(current) else { throw fault("a hexadecimal digit") }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }

  private static func utf8Count(_ scalar: UInt32) -> Int {
    scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
  }

  /// The text as it stands there, escapes and all.
  func raw(_ token: Token) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[token.start..<token.end])
  }

  /// Appends what a string says.
  func append(_ token: Token, to output: inout [UInt8]) {
    guard token.hasEscapes else { return output.append(contentsOf: raw(token)) }
    var index = token.start
    while index < token.end {
      let end = min(TextScan.plainEnd(bytes, from: index), token.end)
      output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[index..<end]))
      index = end
      guard index < token.end else { return }
      if bytes[index] == UInt8(ascii: "\\") {
        appendEscape(at: &index, to: &output)
      } else {
        // A part of a longer character.
        output.append(bytes[index])
        index += 1
      }
    }
  }

  private func appendEscape(at index: inout Int, to output: inout [UInt8]) {
    let kind = bytes[index + 1]
    index += 2
    switch kind {
    case UInt8(ascii: "b"): output.append(0x08)
    case UInt8(ascii: "f"): output.append(0x0C)
    case UInt8(ascii: "n"): output.append(0x0A)
    case UInt8(ascii: "r"): output.append(0x0D)
    case UInt8(ascii: "t"): output.append(0x09)
    case UInt8(ascii: "u"):
      var scalar = unit(at: index)
      index += 4
      if 0xD800...0xDBFF ~= scalar {
        scalar = 0x10000 + (scalar - 0xD800) << 10 + (unit(at: index + 2) - 0xDC00)
        index += 6
      }
      if let scalar = Unicode.Scalar(scalar) {
        output.append(contentsOf: UTF8.encode(scalar) ?? .init())
      }
    default: output.append(kind)
    }
  }

  private func unit(at index: Int) -> UInt32 {
    (index..<index + 4).reduce(0) { $0 << 4 | UInt32(JSONCursor.hexadecimal(bytes[$1]) ?? 0) }
  }

  /// What a token says; the bytes must not be kept.
  func withBytes<Result>(
    of token: Token, _ body: (UnsafeRawBufferPointer) throws(JSONFault) -> Result
  ) throws(JSONFault) -> Result {
    guard token.hasEscapes else { return try body(raw(token)) }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(token.count)
    append(token, to: &decoded)
    return try decoded.withUnsafeBufferPointer { decoded throws(JSONFault) in
      try body(UnsafeRawBufferPointer(decoded))
    }
  }

  func withBytes<Result>(
    of token: Token, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    guard token.hasEscapes else { return body(raw(token)) }
    var decoded: [UInt8] = []
    append(token, to: &decoded)
    return decoded.withUnsafeBytes(body)
  }

  // MARK: - Numbers

  /// A number, or a string with whatever is in it.
  mutating func numberToken() throws(JSONFault) -> Token {
    if current == UInt8(ascii: "\"") { return try string() }
    let start = position
    guard let end = JSONNumber.end(bytes, from: start) else { throw fault("a number") }
    position = end
    return Token(start: start, end: end, count: end - start)
  }

  // MARK: - Values unread

  /// Past a value, of which strings alone are checked.
  mutating func skipValue() throws(JSONFault) {
    var depth = 0
    repeat {
      skipSpace()
      switch current {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        position += 1
      case UInt8(ascii: "\""): _ = try string()
      default:
        guard !isAtEnd else { throw fault("a value") }
        position += 1
        while position < bytes.count, JSONCursor.isWord(bytes[position]) { position += 1 }
      }
    } while depth > 0
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
    default: false
    }
  }
}
