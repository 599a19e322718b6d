import DatasyncModel

extension Lexer {
  /// `123e4567-e89b-12d3-a456-426614174000`, where it stands here.
  mutating func uuid() -> Literal? {
    guard index + 36 <= scalars.count else { return nil }
    for offset in 0..<36 {
      let scalar = scalars[index + offset]
      let fits = [8, 13, 18, 23].contains(offset) ? scalar == "-" : Lexer.isHexDigit(scalar)
      guard fits else { return nil }
    }
    guard !Lexer.continuesWord(peek(36)), peek(36) != "-" else { return nil }
    let start = index
    index += 36
    return Literal(operand: .string(text(from: start).lowercased()), type: .uuid)
  }

  /// What begins with a digit.
  mutating func dateTimeOrNumber() throws(ParseFault) -> Literal {
    let digits = scalars[index...].prefix { Lexer.isDigit($0) }.count
    switch peek(digits) {
    case "-": return try dateOrTimestamp()
    case ":": return try timeOfDay()
    default: return try number()
    }
  }

  private mutating func dateOrTimestamp() throws(ParseFault) -> Literal {
    let start = index
    skip { Lexer.isDigit($0) || $0 == "-" }
    guard peek() == "T" || peek() == "t" else {
      guard !Lexer.continuesWord(peek()), let date = CivilTime(date: text(from: start)) else {
        skip { Lexer.continuesWord($0) }
        throw fault(from: start, "a date such as 2026-01-31")
      }
      return Literal(operand: .string(date.dateText), type: .date)
    }
    skip { Lexer.continuesWord($0) || $0 == ":" || $0 == "+" || $0 == "-" }
    guard let moment = CivilTime.timestamp(parsing: text(from: start)) else {
      throw fault(from: start, "a date and time such as 2026-01-31T02:14:00Z")
    }
    return Literal(operand: .timestamp(moment), type: .timestamp)
  }

  private mutating func timeOfDay() throws(ParseFault) -> Literal {
    let start = index
    skip { Lexer.continuesWord($0) || $0 == ":" }
    guard let time = CivilTime.timeOfDay(parsing: text(from: start), maxDecimals: 12) else {
      throw fault(from: start, "a time of day such as 02:14:00")
    }
    return Literal(operand: .string(CivilTime(timestamp: time).timeText), type: .timeOfDay)
  }

  /// Digits with a sign, a fraction or an exponent; a suffix as OData 3 has it: `L`, `M`, `D`, `F`.
  mutating func number() throws(ParseFault) -> Literal {
    let start = index
    if peek() == "-" { index += 1 }
    skip { Lexer.isDigit($0) }
    var isInteger = true
    if peek() == ".", Lexer.isDigit(peek(1)) {
      isInteger = false
      index += 1
      skip { Lexer.isDigit($0) }
    }
    var hasExponent = false
    if peek() == "e" || peek() == "E" {
      let signed = peek(1) == "+" || peek(1) == "-"
      if Lexer.isDigit(peek(signed ? 2 : 1)) {
        hasExponent = true
        index += signed ? 2 : 1
        skip { Lexer.isDigit($0) }
      }
    }
    let digits = text(from: start)
    let suffix = Lexer.continuesWord(peek(1)) ? nil : peek()
    switch suffix {
    case "L", "l":
      index += 1
      guard isInteger, !hasExponent, let value = Int64(digits) else {
        throw fault(from: start, "an integer of 64 bits")
      }
      return Literal(operand: .int64(value), type: .int64)
    case "M", "m":
      index += 1
      return try decimal(digits, from: start)
    case "D", "d", "F", "f":
      index += 1
      return try double(digits, from: start)
    default:
      guard !Lexer.continuesWord(peek()) else {
        skip { Lexer.continuesWord($0) }
        throw fault(
          from: start, "a number or a field" + Lexer.quotesHint(for: scalars[start..<index]))
      }
    }
    if hasExponent { return try double(digits, from: start) }
    if isInteger, let value = Int64(digits) {
      return Literal(operand: .int64(value), type: .int64)
    }
    return try decimal(digits, from: start)
  }

  private func decimal(_ digits: String, from start: Int) throws(ParseFault) -> Literal {
    guard let value = Decimal(digits) else {
      throw fault(from: start, "a number of at most \(Decimal.maxDigits) digits")
    }
    return Literal(operand: .decimal(value), type: .decimal)
  }

  private func double(_ digits: String, from start: Int) throws(ParseFault) -> Literal {
    guard let value = Double(digits), value.isFinite else {
      throw fault(from: start, "a number within the range of doubles")
    }
    return Literal(operand: .double(value), type: .double)
  }

  /// `datetime'…'`, `guid'…'` and their like; nil where the word is no such prefix.
  mutating func prefixedLiteral(
    _ prefix: String, at start: Int
  ) throws(ParseFault) -> Literal? {
    let type: ExpressionType
    switch prefix {
    case "datetime", "datetimeoffset": type = .timestamp
    case "date": type = .date
    case "time", "timeofday": type = .timeOfDay
    case "guid": type = .uuid
    case "binary", "X": type = .bytes
    default: return nil
    }
    let content = try quoted()
    let operand =
      type == .bytes
      ? BinaryLiteral.bytes(of: content, isHexadecimal: prefix == "X").map { Operand.bytes($0) }
      : Literal.operand(of: content, as: type)
    guard let operand else {
      throw fault(from: start, "the text of \(type.name)")
    }
    return Literal(operand: operand, type: type)
  }

  private func fault(from start: Int, _ expected: String) -> ParseFault {
    let text = text(from: start).shortened
    return ParseFault(at: start + 1, "found \(text), which is not valid here; expected \(expected)")
  }
}

extension Literal {
  /// The canonical operand of a text that stands for a date, time, moment or UUID; nil where it does
  /// not.
  package static func operand(of text: String, as type: ExpressionType) -> Operand? {
    switch type {
    case .timestamp: CivilTime.timestamp(parsing: text).map { .timestamp($0) }
    case .date: CivilTime(date: text).map { .string($0.dateText) }
    case .timeOfDay:
      CivilTime.timeOfDay(parsing: text).map { .string(CivilTime(timestamp: $0).timeText) }
    case .uuid: (try? CanonicalText.of(text, for: .uuid)).map { .string($0) }
    case .null, .bool, .int64, .double, .decimal, .string, .bytes, .enumeration: nil
    }
  }
}

/// Reads the content of `binary'…'` (base64, either alphabet) and `X'…'` (hexadecimal).
enum BinaryLiteral {
  static func bytes(of text: String, isHexadecimal: Bool) -> [UInt8]? {
    isHexadecimal ? hexadecimal(text) : base64(text)
  }

  private static func hexadecimal(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x37
    case 0x61...0x66: digit - 0x57
    default: nil
    }
  }

  private static func base64(_ text: String) -> [UInt8]? {
    var text = text
    return text.withUTF8 { digits -> [UInt8]? in
      let digits = UnsafeRawBufferPointer(digits)
      guard Base64.byteCount(of: digits) != nil else { return nil }
      var bytes: [UInt8] = []
      return Base64.append(digits, to: &bytes) ? bytes : nil
    }
  }
}
