/// Why a text is no JSON that is taken here. A value.
struct JSONFault: Error {
  let reason: String
}

/// JSON, read strictly: a name that stands twice in an object is refused, for no two readers agree on
/// which one counts. A value. Source: RFC 8259.
enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// As it is written.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Of arrays and objects.
  static let maxDepth = 32

  init(parsing bytes: [UInt8]) throws(JSONFault) {
    var parser = JSONParser(bytes)
    self = try parser.whole()
  }
}

/// Confined to one call.
private struct JSONParser {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func fault(_ reason: String) -> JSONFault {
    JSONFault(reason: "\(reason) at byte \(position)")
  }

  mutating func whole() throws(JSONFault) -> JSONValue {
    let value = try value(depth: 1)
    skipSpace()
    guard position == bytes.count else { throw fault("found more after the value") }
    return value
  }

  private mutating func skipSpace() {
    while let byte = current, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
  }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard current == byte else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONFault) -> JSONValue {
    skipSpace()
    switch current {
    case 0x7B:
      guard depth <= JSONValue.maxDepth else { throw fault("found too many levels") }
      return try object(depth: depth + 1)
    case 0x5B:
      guard depth <= JSONValue.maxDepth else { throw fault("found too many levels") }
      return try array(depth: depth + 1)
    case 0x22: return .string(try string())
    case 0x74: return try word("true", .bool(true))
    case 0x66: return try word("false", .bool(false))
    case 0x6E: return try word("null", .null)
    default: return .number(try number())
    }
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(JSONFault) -> JSONValue {
    for byte in word.utf8 {
      guard skip(byte) else { throw fault("found no value") }
    }
    return value
  }

  private mutating func object(depth: Int) throws(JSONFault) -> JSONValue {
    position += 1
    var object: [String: JSONValue] = [:]
    skipSpace()
    if skip(0x7D) { return .object(object) }
    while true {
      skipSpace()
      guard current == 0x22 else { throw fault("found no name") }
      let name = try string()
      skipSpace()
      guard skip(0x3A) else { throw fault("found no colon") }
      let value = try value(depth: depth)
      guard object.updateValue(value, forKey: name) == nil else {
        throw fault("found a name twice")
      }
      skipSpace()
      if skip(0x7D) { return .object(object) }
      guard skip(0x2C) else { throw fault("found no comma") }
    }
  }

  private mutating func array(depth: Int) throws(JSONFault) -> JSONValue {
    position += 1
    var array: [JSONValue] = []
    skipSpace()
    if skip(0x5D) { return .array(array) }
    while true {
      array.append(try value(depth: depth))
      skipSpace()
      if skip(0x5D) { return .array(array) }
      guard skip(0x2C) else { throw fault("found no comma") }
    }
  }

  private mutating func digits() -> Bool {
    let start = position
    while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
    return position > start
  }

  private mutating func number() throws(JSONFault) -> String {
    let start = position
    _ = skip(0x2D)
    if !skip(0x30) { guard digits() else { throw fault("found no value") } }
    if skip(0x2E) { guard digits() else { throw fault("found no number") } }
    if skip(0x65) || skip(0x45) {
      if !skip(0x2B) { _ = skip(0x2D) }
      guard digits() else { throw fault("found no number") }
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func string() throws(JSONFault) -> String {
    position += 1
    var text: [UInt8] = []
    while let byte = current {
      position += 1
      switch byte {
      case 0x22:
        guard let text = String(validating: text, as: UTF8.self) else {
          throw fault("found a text that is no UTF-8")
        }
        return text
      case 0x5C: text.append(contentsOf: try escape())
      case 0..<0x20: throw fault("found a control character")
      default: text.append(byte)
      }
    }
    throw fault("found a text without an end")
  }

  private mutating func escape() throws(JSONFault) -> [UInt8] {
    guard let byte = current else { throw fault("found a text without an end") }
    position += 1
    switch byte {
    case 0x22, 0x5C, 0x2F: return [byte]
    case 0x62: return [0x08]
    case 0x66: return [0x0C]
    case 0x6E: return [0x0A]
    case 0x72: return [0x0D]
    case 0x74: return [0x09]
    case 0x75: return Array(String(try scalar()).utf8)
    default: throw fault("found an unknown escape")
    }
  }

  /// After `\u`; of a pair of surrogates both.
  private mutating func scalar() throws(JSONFault) -> Character {
    var code = UInt32(try unit())
    if (0xD800..<0xDC00).contains(code) {
      guard skip(0x5C), skip(0x75) else { throw fault("found half a character") }
      let low = UInt32(try unit())
      guard (0xDC00..<0xE000).contains(low) else { throw fault("found half a character") }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw fault("found half a character") }
    return Character(scalar)
  }

  private mutating func unit() throws(JSONFault) -> UInt16 {
    guard position + 4 <= bytes.count,
      bytes[position..<position + 4].allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
      let unit = UInt16(
        String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw fault("found an unknown escape") }
    position += 4
    return unit
  }
}

extension JSONValue {
  /// Whether it is `null`.
  var isNull: Bool {
    if case .null = self { true } else { false }
  }
}
