import DatasyncModel

/// Values that are no messages.
extension MessageReading {
  /// - Parameters:
  ///   - isTagged: Writes the field's tag before it; in a packed field there is none.
  ///   - dropsDefault: Writes nothing where the value is what absence means.
  mutating func scalar(
    _ field: FieldSchema, isTagged: Bool, dropsDefault: Bool
  ) throws(JSONFault) {
    switch field.kind {
    case .string:
      let token = try stringToken()
      if dropsDefault, token.count == 0 { return }
      output.append(tag: field.number, .lengthDelimited)
      output.append(varint: UInt64(token.count))
      cursor.append(token, to: &output.bytes)
    case .bytes: try base64(field, dropsDefault: dropsDefault)
    case .double, .float: try real(field, isTagged: isTagged, dropsDefault: dropsDefault)
    case .fixed64, .sfixed64:
      let bits = try integer(field)
      if dropsDefault, bits == 0 { return }
      if isTagged { output.append(tag: field.number, .fixed64) }
      output.append(fixed: bits)
    case .fixed32, .sfixed32:
      let bits = try integer(field)
      if dropsDefault, bits == 0 { return }
      if isTagged { output.append(tag: field.number, .fixed32) }
      output.append(fixed: UInt32(truncatingIfNeeded: bits))
    default:
      let bits = try varint(field)
      if dropsDefault, bits == 0 { return }
      if isTagged { output.append(tag: field.number, .varint) }
      output.append(varint: bits)
    }
  }

  mutating func stringToken() throws(JSONFault) -> JSONCursor.Token {
    guard cursor.current == UInt8(ascii: "\"") else { throw wrongType("a string") }
    return try cursor.string()
  }

  private mutating func varint(_ field: FieldSchema) throws(JSONFault) -> UInt64 {
    switch field.kind {
    case .bool: return try boolean() ? 1 : 0
    case .enumeration: return try enumeration(registry.enums[field.typeIndex])
    case .sint32, .sint64:
      let value = Int64(bitPattern: try integer(field))
      return UInt64(bitPattern: value << 1 ^ value >> 63)
    default: return try integer(field)
    }
  }

  private mutating func boolean() throws(JSONFault) -> Bool {
    switch cursor.current {
    case UInt8(ascii: "t"):
      try cursor.literal("true")
      return true
    case UInt8(ascii: "f"):
      try cursor.literal("false")
      return false
    default: throw wrongType("true or false")
    }
  }

  private mutating func enumeration(_ type: EnumSchema) throws(JSONFault) -> UInt64 {
    switch cursor.current {
    case UInt8(ascii: "\""):
      let token = try cursor.string()
      if let number = cursor.withBytes(of: token, { type.number(of: $0) }) {
        return UInt64(bitPattern: Int64(number))
      }
      let name = text(of: token)
      throw JSONFault(
        .content,
        "'\(name.shortened)' is no \(type.fullName)"
          + NameSuggestion.clauseOrList(for: name, among: type.allNames, kind: "values"))
    case UInt8(ascii: "n") where type.isNull:
      try cursor.literal("null")
      return 0
    case UInt8(ascii: "-"), 0x30...0x39:
      let token = try cursor.numberToken()
      return try integer(token, min: Int64(Int32.min), max: UInt64(Int32.max), "an int32")
    default: throw wrongType("a value of \(type.fullName)")
    }
  }

  // MARK: - Integers

  private mutating func integer(_ field: FieldSchema) throws(JSONFault) -> UInt64 {
    switch cursor.current {
    case UInt8(ascii: "-"), 0x30...0x39, UInt8(ascii: "\""): break
    default: throw wrongType("a number")
    }
    let token = try cursor.numberToken()
    return try integer(token, field)
  }

  /// As two's complement.
  private func integer(
    _ token: JSONCursor.Token, _ field: FieldSchema
  ) throws(JSONFault) -> UInt64 {
    switch field.kind {
    case .int32, .sint32, .sfixed32:
      try integer(token, min: Int64(Int32.min), max: UInt64(Int32.max), "an int32")
    case .uint32, .fixed32: try integer(token, min: 0, max: UInt64(UInt32.max), "a uint32")
    case .uint64, .fixed64: try integer(token, min: 0, max: .max, "a uint64")
    default: try integer(token, min: .min, max: UInt64(Int64.max), "an int64")
    }
  }

  private func integer(
    _ token: JSONCursor.Token, min: Int64, max: UInt64, _ type: String
  ) throws(JSONFault) -> UInt64 {
    let integer = cursor.withBytes(of: token) { JSONNumber($0).integer }
    switch integer {
    case .exact(let isNegative, let magnitude):
      guard magnitude <= (isNegative ? min.magnitude : max) else { break }
      return isNegative ? 0 &- magnitude : magnitude
    case .fractional:
      throw JSONFault(.content, "\(text(of: token).shortened) is no integer")
    case .none:
      throw JSONFault(.content, "'\(text(of: token).shortened)' is no number")
    case .tooLarge: break
    }
    throw JSONFault(.content, "\(text(of: token).shortened) does not fit \(type)")
  }

  // MARK: - Reals

  private mutating func real(
    _ field: FieldSchema, isTagged: Bool, dropsDefault: Bool
  ) throws(JSONFault) {
    switch cursor.current {
    case UInt8(ascii: "-"), 0x30...0x39, UInt8(ascii: "\""): break
    default: throw wrongType("a number")
    }
    let token = try cursor.numberToken()
    if field.kind == .double {
      let bits = try double(token).bitPattern
      if dropsDefault, bits == 0 { return }
      if isTagged { output.append(tag: field.number, .fixed64) }
      output.append(fixed: bits)
    } else {
      let bits = try float(token).bitPattern
      if dropsDefault, bits == 0 { return }
      if isTagged { output.append(tag: field.number, .fixed32) }
      output.append(fixed: bits)
    }
  }

  func double(_ token: JSONCursor.Token) throws(JSONFault) -> Double {
    guard let value = cursor.withBytes(of: token, { JSONNumber($0).double }) else {
      return Double(try infinite(token))
    }
    guard value.isFinite else {
      throw JSONFault(.content, "\(text(of: token).shortened) does not fit a double")
    }
    return value
  }

  private func float(_ token: JSONCursor.Token) throws(JSONFault) -> Float {
    guard let value = cursor.withBytes(of: token, { JSONNumber($0).float }) else {
      return try infinite(token)
    }
    guard value.isFinite else {
      throw JSONFault(.content, "\(text(of: token).shortened) does not fit a float")
    }
    return value
  }

  private func infinite(_ token: JSONCursor.Token) throws(JSONFault) -> Float {
    switch text(of: token) {
    case "NaN": .nan
    case "Infinity": .infinity
    case "-Infinity": -.infinity
    default: throw JSONFault(.content, "'\(text(of: token).shortened)' is no number")
    }
  }

  // MARK: - Bytes

  private mutating func base64(_ field: FieldSchema, dropsDefault: Bool) throws(JSONFault) {
    let token = try stringToken()
    let start = output.bytes.count
    output.append(tag: field.number, .lengthDelimited)
    let cursor = cursor
    let count = cursor.withBytes(of: token) { Base64.byteCount(of: $0) }
    guard let count else { throw JSONFault(.content, "is no base64") }
    if dropsDefault, count == 0 { return output.bytes.removeLast(output.bytes.count - start) }
    output.append(varint: UInt64(count))
    let isDecoded = cursor.withBytes(of: token) { Base64.append($0, to: &output.bytes) }
    guard isDecoded else { throw JSONFault(.content, "is no base64") }
  }

  // MARK: - Keys

  /// - Parameter field: That of the key.
  mutating func mapKey(
    _ token: JSONCursor.Token, _ field: FieldSchema
  ) throws(JSONFault) {
    switch field.kind {
    case .string:
      output.append(tag: 1, .lengthDelimited)
      output.append(varint: UInt64(token.count))
      cursor.append(token, to: &output.bytes)
    case .bool:
      let text = text(of: token)
      guard text == "true" || text == "false" else {
        throw JSONFault(.content, "'\(text.shortened)' is neither true nor false")
      }
      output.append(tag: 1, .varint)
      output.append(varint: text == "true" ? 1 : 0)
    case .fixed64, .sfixed64:
      output.append(tag: 1, .fixed64)
      output.append(fixed: try integer(token, field))
    case .fixed32, .sfixed32:
      output.append(tag: 1, .fixed32)
      output.append(fixed: UInt32(truncatingIfNeeded: try integer(token, field)))
    default:
      let bits = try integer(token, field)
      let isZigzag = field.kind == .sint32 || field.kind == .sint64
      let value = Int64(bitPattern: bits)
      output.append(tag: 1, .varint)
      output.append(varint: isZigzag ? UInt64(bitPattern: value << 1 ^ value >> 63) : bits)
    }
  }
}
