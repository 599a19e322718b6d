/// A word of SQL. A value.
struct SQLToken: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    /// A keyword or a bare name.
    case word
    /// A name in double quotes, brackets or backticks; ``text`` is what they hold.
    case quotedName
    /// A string; ``text`` is what its quotes hold.
    case string
    case number
    case symbol
    /// `--` or `/* */`; ``text`` is the comment without its marks.
    case comment
  }

  let kind: Kind
  let text: String
  /// Offsets of the token's bytes in the source.
  let range: Range<Int>
  /// The line on which it begins, from 0.
  let line: Int

  func isWord(_ word: String) -> Bool {
    kind == .word && text.asciiLowercased == word
  }

  func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }

  /// The name that it is, where it may be one.
  var name: String? {
    switch kind {
    case .word, .quotedName, .string: text
    case .number, .symbol, .comment: nil
    }
  }
}

/// Splits SQL that SQLite has accepted into words. A value; used once.
struct SQLTokenizer {
  private let bytes: [UInt8]
  private var position = 0
  private var line = 0

  static func tokens(of sql: String) -> [SQLToken] {
    var tokenizer = SQLTokenizer(bytes: Array(sql.utf8))
    var tokens: [SQLToken] = []
    while let token = tokenizer.next() { tokens.append(token) }
    return tokens
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  private mutating func next() -> SQLToken? {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0C, 0x0D].contains(bytes[position]) {
      if bytes[position] == 0x0A { line += 1 }
      position += 1
    }
    guard position < bytes.count else { return nil }
    let start = position
    let startLine = line
    let (kind, text) = scan()
    return SQLToken(kind: kind, text: text, range: start..<position, line: startLine)
  }

  private mutating func scan() -> (SQLToken.Kind, String) {
    let byte = bytes[position]
    switch byte {
    case UInt8(ascii: "'"): return (.string, quoted(byte))
    case UInt8(ascii: "\""), UInt8(ascii: "`"): return (.quotedName, quoted(byte))
    case UInt8(ascii: "["): return (.quotedName, bracketed())
    case UInt8(ascii: "-") where peek(1) == UInt8(ascii: "-"): return (.comment, lineComment())
    case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"): return (.comment, blockComment())
    case 0x30...0x39: return (.number, take { SQLTokenizer.isWordByte($0) || $0 == 0x2E })
    case _ where SQLTokenizer.isWordByte(byte): return (.word, take(while: SQLTokenizer.isWordByte))
    default:
      position += 1
      return (.symbol, String(decoding: [byte], as: UTF8.self))
    }
  }

  private func peek(_ distance: Int) -> UInt8? {
    position + distance < bytes.count ? bytes[position + distance] : nil
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x24, 0x80...0xFF: true
    default: false
    }
  }

  private mutating func take(while isPart: (UInt8) -> Bool) -> String {
    let start = position
    while position < bytes.count, isPart(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func advance() {
    if bytes[position] == 0x0A { line += 1 }
    position += 1
  }

  private mutating func quoted(_ quote: UInt8) -> String {
    var content: [UInt8] = []
    position += 1
    while position < bytes.count {
      if bytes[position] == quote {
        position += 1
        guard position < bytes.count, bytes[position] == quote else { break }
      }
      content.append(bytes[position])
      advance()
    }
    return String(decoding: content, as: UTF8.self)
  }

  private mutating func bracketed() -> String {
    position += 1
    let content = take { $0 != UInt8(ascii: "]") }
    if position < bytes.count { position += 1 }
    return content
  }

  private mutating func lineComment() -> String {
    position += 2
    return take { $0 != 0x0A }.trimmed
  }

  private mutating func blockComment() -> String {
    position += 2
    let start = position
    var end = bytes.count
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
        end = position
        position += 2
        break
      }
      advance()
    }
    return String(decoding: bytes[start..<end], as: UTF8.self).trimmed
  }
}

extension String {
  /// Without white space at its ends.
  var trimmed: String {
    let head = drop(while: \.isWhitespace)
    guard let last = head.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(head[...last])
  }
}
