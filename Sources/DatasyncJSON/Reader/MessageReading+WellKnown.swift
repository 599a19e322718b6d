import DatasyncModel

/// Protobuf's well-known types, each with its own form.
extension MessageReading {
  // MARK: - Any

  mutating func any() throws(JSONFault) {
    let object = cursor.position
    try enter(UInt8(ascii: "{"), "an object")
    if isEmpty(UInt8(ascii: "}")) { return }
    let token = try typeToken(of: object)
    let schema = cursor.withBytes(of: token) { registry.message(url: $0) }
    guard let schema else {
      throw JSONFault(
        .content, "the type '\(text(of: token).shortened)' is not known", path: "@type")
    }
    output.append(tag: 1, .lengthDelimited)
    output.append(varint: UInt64(token.count))
    cursor.append(token, to: &output.bytes)
    let mark = output.open(2)
    if schema.isBoxedInAny { try boxed(schema) } else { try members(schema, isInAny: true) }
    output.close(mark, dropsEmpty: true)
  }

  /// The value of `@type`, wherever in the object it is; the cursor stays.
  private mutating func typeToken(of object: Int) throws(JSONFault) -> JSONCursor.Token {
    var ahead = cursor
    let first = try ahead.string()
    if ahead.withBytes(of: first, { TextScan.isEqual($0, "@type") }) {
      ahead.skipSpace()
      try ahead.expect(UInt8(ascii: ":"), "':'")
      ahead.skipSpace()
    } else {
      guard let position = try types.value(of: object, in: cursor.bytes) else {
        throw JSONFault(.content, "has no \"@type\", which says of what type it is")
      }
      ahead.position = position
    }
    guard ahead.current == UInt8(ascii: "\"") else {
      throw JSONFault(.content, "a string is due", path: "@type")
    }
    return try ahead.string()
  }

  /// `{"@type": …, "value": …}`, for what need not be an object.
  private mutating func boxed(_ schema: MessageSchema) throws(JSONFault) {
    var hasType = false
    var hasValue = false
    repeat {
      let key = try key()
      if cursor.withBytes(of: key, { TextScan.isEqual($0, "@type") }) {
        if hasType { throw JSONFault(.content, "is there twice", path: "@type") }
        hasType = true
        _ = try cursor.string()
      } else if cursor.withBytes(of: key, { TextScan.isEqual($0, "value") }) {
        if hasValue { throw JSONFault(.content, "is there twice", path: "value") }
        hasValue = true
        do throws(JSONFault) { try message(schema) } catch { throw error.inside("value") }
      } else {
        throw JSONFault(
          .content, "an Any of \(schema.fullName) has \"@type\" and \"value\" alone",
          path: text(of: key).shortened)
      }
    } while try goesOn(UInt8(ascii: "}"))
    guard hasValue else {
      throw JSONFault(.content, "an Any of \(schema.fullName) has a \"value\"")
    }
  }

  // MARK: - Times

  mutating func timestamp() throws(JSONFault) {
    let token = try stringToken()
    let time = cursor.withBytes(of: token) { text -> (Int64, Int32)? in
      var scan = TimeTextScan(text)
      return scan.timestamp()
    }
    guard let time else {
      throw JSONFault(
        .content,
        "'\(text(of: token).shortened)' is no time such as 2026-11-28T10:15:00.5Z, of the years 0001 to 9999"
      )
    }
    append(time)
  }

  mutating func duration() throws(JSONFault) {
    let token = try stringToken()
    let time = cursor.withBytes(of: token) { text -> (Int64, Int32)? in
      var scan = TimeTextScan(text)
      return scan.duration()
    }
    guard let time else {
      throw JSONFault(
        .content,
        "'\(text(of: token).shortened)' is no duration such as 1.5s, of at most 315576000000 s")
    }
    append(time)
  }

  private mutating func append(_ time: (seconds: Int64, nanos: Int32)) {
    if time.seconds != 0 {
      output.append(tag: 1, .varint)
      output.append(varint: UInt64(bitPattern: time.seconds))
    }
    if time.nanos != 0 {
      output.append(tag: 2, .varint)
      output.append(varint: UInt64(bitPattern: Int64(time.nanos)))
    }
  }

  // MARK: - Masks

  mutating func fieldMask() throws(JSONFault) {
    let token = try stringToken()
    guard token.count > 0 else { return }
    let paths = cursor.withBytes(of: token) { text in
      text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
        FieldPath.declared(UnsafeRawBufferPointer(rebasing: $0))
      }
    }
    for path in paths {
      guard !path.isEmpty else { throw JSONFault(.content, "has an empty path") }
      output.append(tag: 1, .lengthDelimited)
      output.append(varint: UInt64(path.count))
      output.bytes.append(contentsOf: path)
    }
  }

  // MARK: - Wrappers and dynamic values

  mutating func wrapper(_ schema: MessageSchema) throws(JSONFault) {
    guard let field = schema.fields.first, field.kind != .message else {
      throw JSONFault(.content, "is of no type")
    }
    try scalar(field, isTagged: true, dropsDefault: true)
  }

  /// Struct and ListValue: what their only field has.
  mutating func only(_ schema: MessageSchema) throws(JSONFault) {
    guard let field = schema.fields.first, field.kind == .message else {
      throw JSONFault(.content, "is of no type")
    }
    let type = registry.messages[field.typeIndex]
    if field.label == .map { return try map(type, number: field.number) }
    try enter(UInt8(ascii: "["), "an array")
    if isEmpty(UInt8(ascii: "]")) { return }
    var index = 0
    repeat {
      do throws(JSONFault) {
        let mark = output.open(field.number)
        try message(type)
        output.close(mark)
        try checkSize()
      } catch {
        throw error.inside(index)
      }
      index += 1
    } while try goesOn(UInt8(ascii: "]"))
  }

  /// The numbers are those of google/protobuf/struct.proto.
  mutating func dynamicValue(_ schema: MessageSchema) throws(JSONFault) {
    let number: Int
    switch cursor.current {
    case UInt8(ascii: "n"):
      try cursor.literal("null")
      output.append(tag: 1, .varint)
      return output.append(varint: 0)
    case UInt8(ascii: "\""): number = 3
    case UInt8(ascii: "t"), UInt8(ascii: "f"): number = 4
    case UInt8(ascii: "{"): number = 5
    case UInt8(ascii: "["): number = 6
    case UInt8(ascii: "-"), 0x30...0x39: number = 2
    default: throw cursor.fault("a value")
    }
    let index = schema.index(ofNumber: number)
    guard index >= 0 else { throw JSONFault(.content, "is of no type") }
    let field = schema.fields[index]
    guard field.kind == .message else {
      return try scalar(field, isTagged: true, dropsDefault: false)
    }
    let mark = output.open(number)
    try message(registry.messages[field.typeIndex])
    output.close(mark)
  }
}
