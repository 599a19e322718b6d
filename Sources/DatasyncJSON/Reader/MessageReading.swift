import DatasyncModel

/// One text on its way to a message. Confined to one call.
struct MessageReading {
  let registry: TypeRegistry
  var cursor: JSONCursor
  var output = NestedBytes()
  private let maxBytes: Int
  private var depth = 0
  /// Which fields and oneofs of each open message have come, in words of bits.
  private var seen: [UInt64] = []
  var types = AnyTypes()

  init(registry: TypeRegistry, text: UnsafeRawBufferPointer, maxBytes: Int) {
    self.registry = registry
    self.maxBytes = maxBytes
    cursor = JSONCursor(text)
    output.bytes.reserveCapacity(min(text.count, 1 << 16))
  }

  // MARK: - The whole text

  mutating func whole(_ schema: MessageSchema) throws(JSONFault) -> [UInt8] {
    if TextScan.startsWithMark(cursor.bytes) {
      throw JSONFault(.syntax, "the text begins with a byte order mark, which JSON does not have")
    }
    cursor.skipSpace()
    guard !cursor.isAtEnd else {
      throw JSONFault(.syntax, "the text is empty; a message without fields is {}")
    }
    try message(schema)
    cursor.skipSpace()
    guard cursor.isAtEnd else {
      throw JSONFault(.syntax, "there is more after the value, at byte \(cursor.position)")
    }
    try checkSize()
    return output.joined()
  }

  func checkSize() throws(JSONFault) {
    guard output.count <= maxBytes else {
      throw JSONFault(.size, "the message has more than \(maxBytes) bytes")
    }
  }

  // MARK: - Containers

  /// The bracket that a container begins with; the value is of another type where it is not there.
  mutating func enter(_ bracket: UInt8, _ due: String) throws(JSONFault) {
    guard cursor.take(bracket) else { throw wrongType(due) }
    depth += 1
    guard depth <= JSONWriter.maxDepth else {
      throw JSONFault(.content, "is nested more than \(JSONWriter.maxDepth) deep")
    }
    cursor.skipSpace()
  }

  /// Whether another element follows; otherwise the container is closed.
  mutating func goesOn(_ bracket: UInt8) throws(JSONFault) -> Bool {
    cursor.skipSpace()
    if cursor.take(UInt8(ascii: ",")) {
      cursor.skipSpace()
      return true
    }
    let isObject = bracket == UInt8(ascii: "}")
    guard cursor.take(bracket) else { throw cursor.fault(isObject ? "',' or '}'" : "',' or ']'") }
    depth -= 1
    return false
  }

  /// Whether the container that was just entered has nothing in it; it is closed then.
  mutating func isEmpty(_ bracket: UInt8) -> Bool {
    guard cursor.take(bracket) else { return false }
    depth -= 1
    return true
  }

  /// A member's name, up to its value.
  mutating func key() throws(JSONFault) -> JSONCursor.Token {
    let key = try cursor.string()
    cursor.skipSpace()
    try cursor.expect(UInt8(ascii: ":"), "':'")
    cursor.skipSpace()
    return key
  }

  /// What a token says, for people.
  func text(of key: JSONCursor.Token) -> String {
    cursor.withBytes(of: key) { String(decoding: $0.prefix(256), as: UTF8.self) }
  }

  /// The fault of a value that is not of the type that is due; of no value at all, that of syntax.
  func wrongType(_ due: String) -> JSONFault {
    let found: String? =
      switch cursor.current {
      case UInt8(ascii: "{"): "an object"
      case UInt8(ascii: "["): "an array"
      case UInt8(ascii: "\""): "a string"
      case UInt8(ascii: "t"), UInt8(ascii: "f"): "a boolean"
      case UInt8(ascii: "n"): "null"
      case 0x30...0x39, UInt8(ascii: "-"): "a number"
      default: nil
      }
    guard let found else { return cursor.fault("a value") }
    return JSONFault(.content, "\(due) is due, not \(found)")
  }

  // MARK: - Messages

  mutating func message(_ schema: MessageSchema) throws(JSONFault) {
    switch schema.form {
    case .object:
      try enter(UInt8(ascii: "{"), "an object")
      try members(schema, isInAny: false)
    case .any: try any()
    case .timestamp: try timestamp()
    case .duration: try duration()
    case .fieldMask: try fieldMask()
    case .wrapper: try wrapper(schema)
    case .structure, .list: try only(schema)
    case .value: try dynamicValue(schema)
    }
  }

  /// All up to the closing brace.
  mutating func members(_ schema: MessageSchema, isInAny: Bool) throws(JSONFault) {
    let base = seen.count
    let bits = schema.fields.count + schema.oneofCount + 1
    for _ in 0..<(bits + 63) / 64 { seen.append(0) }
    if !isEmpty(UInt8(ascii: "}")) {
      repeat {
        let key = try key()
        if let index = cursor.withBytes(of: key, { schema.index(ofName: $0) }) {
          let field = schema.fields[index]
          do throws(JSONFault) {
            if mark(index, base) { throw JSONFault(.content, "is there twice") }
            try member(field, of: schema, base)
          } catch {
            throw error.inside(schema.name(of: field))
          }
        } else {
          try unknown(key, of: schema, isInAny: isInAny, base)
        }
        try checkSize()
      } while try goesOn(UInt8(ascii: "}"))
    }
    seen.removeLast(seen.count - base)
  }

  /// Sets a bit, and tells whether it was set.
  private mutating func mark(_ bit: Int, _ base: Int) -> Bool {
    let mask: UInt64 = 1 << UInt64(bit & 63)
    let wasSet = seen[base + bit >> 6] & mask != 0
    seen[base + bit >> 6] |= mask
    return wasSet
  }

  /// A name that the message does not have: that of an Any's type, which was read before, or a fault.
  private mutating func unknown(
    _ key: JSONCursor.Token, of schema: MessageSchema, isInAny: Bool, _ base: Int
  ) throws(JSONFault) {
    if isInAny, cursor.withBytes(of: key, { TextScan.isEqual($0, "@type") }) {
      if mark(schema.fields.count + schema.oneofCount, base) {
        throw JSONFault(.content, "is there twice", path: "@type")
      }
      guard cursor.current == UInt8(ascii: "\"") else {
        throw wrongType("a string").inside("@type")
      }
      _ = try cursor.string()
      return
    }
    // As some write an Any of Empty.
    if isInAny, schema.fullName == "google.protobuf.Empty",
      cursor.withBytes(of: key, { TextScan.isEqual($0, "value") })
    {
      return try message(schema)
    }
    let name = text(of: key)
    throw JSONFault(
      .content,
      "\(schema.fullName) has no such field"
        + NameSuggestion.clause(for: name, among: schema.allNames), path: name.shortened)
  }

  // MARK: - Fields

  private mutating func member(
    _ field: FieldSchema, of schema: MessageSchema, _ base: Int
  ) throws(JSONFault) {
    if cursor.current == UInt8(ascii: "n"), !takesNull(field) {
      return try cursor.literal("null")
    }
    if field.oneof >= 0, mark(schema.fields.count + field.oneof, base) {
      let members = schema.fields.filter { $0.oneof == field.oneof }.map { schema.name(of: $0) }
      throw JSONFault(
        .content, "is the second of a oneof: there is one of \(NameSuggestion.list(members))")
    }
    switch field.label {
    case .implicit, .explicit: try singular(field)
    case .repeated: try array(field)
    case .map: try map(registry.messages[field.typeIndex], number: field.number)
    }
  }

  /// Whether `null` is a value of it, rather than its absence.
  private func takesNull(_ field: FieldSchema) -> Bool {
    switch field.kind {
    case .message: field.isSingular && registry.messages[field.typeIndex].form == .value
    case .enumeration: field.isSingular && registry.enums[field.typeIndex].isNull
    default: false
    }
  }

  private mutating func singular(_ field: FieldSchema) throws(JSONFault) {
    if field.kind == .message {
      let mark = output.open(field.number)
      try message(registry.messages[field.typeIndex])
      return output.close(mark)
    }
    try scalar(field, isTagged: true, dropsDefault: field.label == .implicit)
  }

  private mutating func array(_ field: FieldSchema) throws(JSONFault) {
    try enter(UInt8(ascii: "["), "an array")
    if isEmpty(UInt8(ascii: "]")) { return }
    var index = 0
    let packed = field.isPacked ? output.open(field.number) : nil
    repeat {
      do throws(JSONFault) {
        if field.kind == .message {
          let mark = output.open(field.number)
          try message(registry.messages[field.typeIndex])
          output.close(mark)
        } else {
          try scalar(field, isTagged: packed == nil, dropsDefault: false)
        }
        try checkSize()
      } catch {
        throw error.inside(index)
      }
      index += 1
    } while try goesOn(UInt8(ascii: "]"))
    if let packed { output.close(packed) }
  }

  // MARK: - Maps

  /// - Parameter entry: Its key has number 1, its value 2.
  mutating func map(_ entry: MessageSchema, number: Int) throws(JSONFault) {
    try enter(UInt8(ascii: "{"), "an object")
    if isEmpty(UInt8(ascii: "}")) { return }
    guard entry.fields.count == 2 else { throw JSONFault(.content, "is a map of no type") }
    var keys = MapKeys()
    repeat {
      let key = try key()
      do throws(JSONFault) {
        let mark = output.open(number)
        let start = output.bytes.count
        try mapKey(key, entry.fields[0])
        keys.append(start..<output.bytes.count)
        if entry.fields[1].kind == .message {
          let value = output.open(2)
          try message(registry.messages[entry.fields[1].typeIndex])
          output.close(value)
        } else {
          try scalar(entry.fields[1], isTagged: true, dropsDefault: false)
        }
        output.close(mark)
        try checkSize()
      } catch {
        throw error.inside("[\"\(text(of: key))\"]")
      }
    } while try goesOn(UInt8(ascii: "}"))
    guard !keys.hasDuplicates(in: output.bytes) else {
      throw JSONFault(.content, "has two entries with one key")
    }
  }
}
