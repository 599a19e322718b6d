/// Cuts a filter into tokens. Confined to one call.
struct Lexer {
  let scalars: [Unicode.Scalar]
  var index = 0
  /// Whether `@principal…` and `@old…` are names, as in rules.
  private let isOfRule: Bool

  init(_ text: String, isOfRule: Bool = false) {
    scalars = Array(text.unicodeScalars)
    self.isOfRule = isOfRule
  }

  /// The next token; at the end always ``Token/Kind/end``.
  mutating func next() throws(ParseFault) -> Token {
    while let scalar = peek(), scalar.properties.isWhitespace { index += 1 }
    let start = index
    let kind = try kind()
    return Token(
      kind: kind, position: start + 1,
      text: String(String.UnicodeScalarView(scalars[start..<index])))
  }

  // MARK: - Characters

  func peek(_ offset: Int = 0) -> Unicode.Scalar? {
    index + offset < scalars.count ? scalars[index + offset] : nil
  }

  /// The text from a place to here.
  func text(from start: Int) -> String {
    String(String.UnicodeScalarView(scalars[start..<index]))
  }

  mutating func skip(while condition: (Unicode.Scalar) -> Bool) {
    while let scalar = peek(), condition(scalar) { index += 1 }
  }

  static func isDigit(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar else { return false }
    return ("0"..."9").contains(scalar)
  }

  static func isHexDigit(_ scalar: Unicode.Scalar) -> Bool {
    isDigit(scalar) || ("a"..."f").contains(scalar) || ("A"..."F").contains(scalar)
  }

  static func beginsWord(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar else { return false }
    return scalar == "_" || scalar.properties.isAlphabetic
  }

  /// A dot too, for the names of types: `Edm.Date`.
  static func continuesWord(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar else { return false }
    return beginsWord(scalar) || scalar == "." || scalar.properties.isXIDContinue
  }

  // MARK: - Tokens

  private mutating func kind() throws(ParseFault) -> Token.Kind {
    guard let scalar = peek() else { return .end }
    switch scalar {
    case "(": return mark(.leftParenthesis)
    case ")": return mark(.rightParenthesis)
    case ",": return mark(.comma)
    case "'": return .literal(Literal(operand: .string(try quoted()), type: .string))
    case "-": return Lexer.isDigit(peek(1)) ? .literal(try number()) : mark(.minus)
    case "$": return try explicitField()
    case "@" where isOfRule && Lexer.beginsWord(peek(1)): return ruleName()
    default: break
    }
    if let literal = uuid() { return .literal(literal) }
    if Lexer.isDigit(scalar) { return .literal(try dateTimeOrNumber()) }
    guard Lexer.beginsWord(scalar) else {
      throw meaningless()
    }
    return try word()
  }

  private mutating func mark(_ kind: Token.Kind) -> Token.Kind {
    index += 1
    return kind
  }

  private mutating func explicitField() throws(ParseFault) -> Token.Kind {
    let start = index
    guard scalars[index...].starts(with: "$it/".unicodeScalars), Lexer.beginsWord(peek(4)) else {
      throw ParseFault(at: start + 1, "found $; a field may be written as $it/name, or name alone")
    }
    index += 4
    let name = index
    skip { Lexer.continuesWord($0) }
    return .field(text(from: name))
  }

  private mutating func ruleName() -> Token.Kind {
    let start = index
    index += 1
    skip { Lexer.continuesWord($0) }
    return .field(text(from: start))
  }

  private mutating func word() throws(ParseFault) -> Token.Kind {
    let start = index
    skip { Lexer.continuesWord($0) }
    let word = text(from: start)
    if peek() == "'", let literal = try prefixedLiteral(word, at: start) {
      return .literal(literal)
    }
    if peek() == "/" {
      throw ParseFault(
        at: index + 1,
        "found /; paths are not supported, expected a field of this table; to divide, write div or "
          + "divby")
    }
    return .word(word)
  }

  /// The text between quotes; two quotes within stand for one.
  mutating func quoted() throws(ParseFault) -> String {
    let start = index
    index += 1
    var text = String.UnicodeScalarView()
    while let scalar = peek() {
      index += 1
      if scalar == "'" {
        guard peek() == "'" else { return String(text) }
        index += 1
      }
      guard scalar != "\0" else {
        throw ParseFault(at: index, "found a NUL character; no text holds one")
      }
      text.append(scalar)
    }
    throw ParseFault(at: start + 1, "the text that begins here has no closing quote")
  }

  static func name(of scalar: Unicode.Scalar) -> String {
    scalar.properties.isWhitespace || scalar.value < 0x20 || scalar.value == 0x7F
      ? "the character U+\(String(scalar.value, radix: 16, uppercase: true))" : String(scalar)
  }
}
