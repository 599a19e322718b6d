import DatasyncModel

/// One message on its way to text. Confined to one call.
struct MessageWriting {
  let registry: TypeRegistry
  var text = JSONText()
  private let maxCount: Int
  private var depth = 0
  /// The type of the last Any: rows of one table follow each other.
  private var lastSchema: MessageSchema?

  init(registry: TypeRegistry, maxCount: Int) {
    self.registry = registry
    self.maxCount = maxCount
  }

  // MARK: - Messages

  mutating func message(
    _ bytes: UnsafeRawBufferPointer, _ schema: MessageSchema
  ) throws(JSONFault) {
    switch schema.form {
    case .object:
      var isFirst = true
      try enter(UInt8(ascii: "{"))
      try members(bytes, schema, &isFirst)
      leave(UInt8(ascii: "}"))
    case .any: try any(bytes)
    case .timestamp, .duration: try time(bytes, schema)
    case .fieldMask: try fieldMask(bytes)
    case .wrapper: try wrapper(bytes, schema)
    case .structure, .list: try only(bytes, schema)
    case .value: try dynamicValue(bytes, schema)
    }
  }

  mutating func enter(_ bracket: UInt8) throws(JSONFault) {
    depth += 1
    guard depth <= JSONWriter.maxDepth else {
      throw JSONFault(.message, "is nested more than \(JSONWriter.maxDepth) deep")
    }
    text.append(bracket)
  }

  mutating func leave(_ bracket: UInt8) {
    depth -= 1
    text.append(bracket)
  }

  mutating func members(
    _ bytes: UnsafeRawBufferPointer, _ schema: MessageSchema, _ isFirst: inout Bool
  ) throws(JSONFault) {
    if try isOrdered(bytes, schema) {
      try orderedMembers(bytes, schema, &isFirst)
    } else {
      try gatheredMembers(bytes, schema, &isFirst)
    }
  }

  @inline(__always)
  func next(
    _ reader: inout WireReader
  ) throws(JSONFault) -> (number: Int, field: WireReader.Field)? {
    do throws(WireReader.Fault) {
      return try reader.next()
    } catch {
      throw JSONFault(.message, "the bytes are no message: \(error)")
    }
  }

  /// Whether singular fields come once, repeated ones together, and one of each oneof.
  private func isOrdered(
    _ bytes: UnsafeRawBufferPointer, _ schema: MessageSchema
  ) throws(JSONFault) -> Bool {
    if schema.hasMaps { return false }
    var reader = WireReader(bytes)
    var last = 0
    var oneofs: UInt64 = 0
    while let (number, _) = try next(&reader) {
      let index = schema.index(ofNumber: number)
      guard index >= 0 else { continue }
      let field = schema.fields[index]
      if number < last || number == last && field.isSingular { return false }
      last = number
      if field.oneof >= 0 {
        guard field.oneof < 64, oneofs >> UInt64(field.oneof) & 1 == 0 else { return false }
        oneofs |= 1 << UInt64(field.oneof)
      }
    }
    return true
  }

  private mutating func orderedMembers(
    _ bytes: UnsafeRawBufferPointer, _ schema: MessageSchema, _ isFirst: inout Bool
  ) throws(JSONFault) {
    var reader = WireReader(bytes)
    // The repeated field whose array is open, and how many elements it has.
    var open = -1
    var count = 0
    while let (number, value) = try next(&reader) {
      let index = schema.index(ofNumber: number)
      guard index >= 0 else { continue }
      let field = schema.fields[index]
      guard field.accepts(value) else { continue }
      if index != open {
        if count > 0 { leave(UInt8(ascii: "]")) }
        count = 0
        open = -1
      }
      if field.label == .repeated {
        open = index
        try elements(value, of: field, in: schema, &count, &isFirst)
      } else if field.label == .explicit || !MessageWriting.isDefault(value, of: field) {
        try key(of: field, in: schema, &isFirst)
        do { try self.value(value, of: field) } catch { throw error.inside(schema.name(of: field)) }
      }
    }
    if count > 0 { leave(UInt8(ascii: "]")) }
  }

  mutating func key(
    of field: FieldSchema, in schema: MessageSchema, _ isFirst: inout Bool
  ) throws(JSONFault) {
    guard text.bytes.count <= maxCount else {
      throw JSONFault(.size, "the text is larger than is allowed here")
    }
    if !isFirst { text.append(UInt8(ascii: ",")) }
    isFirst = false
    schema.withKey(of: field) { text.bytes.append(contentsOf: $0) }
  }

  /// What one value on the wire adds to an array, which is opened with its first element: a packed one
  /// may have none.
  mutating func elements(
    _ value: WireReader.Field, of field: FieldSchema, in schema: MessageSchema, _ count: inout Int,
    _ isFirst: inout Bool
  ) throws(JSONFault) {
    func separate() throws(JSONFault) {
      guard count == 0 else { return text.append(UInt8(ascii: ",")) }
      try key(of: field, in: schema, &isFirst)
      try enter(UInt8(ascii: "["))
    }
    if case .bytes(let packed) = value, field.kind.wireType != .lengthDelimited {
      var elements = PackedReader(packed, of: field.kind.wireType)
      while let element = try elements.next() {
        try separate()
        try self.value(element, of: field)
        count += 1
      }
      return
    }
    try separate()
    do {
      try self.value(value, of: field)
    } catch {
      throw error.inside(count).inside(schema.name(of: field))
    }
    count += 1
    guard text.bytes.count <= maxCount else {
      throw JSONFault(.size, "the text is larger than is allowed here")
    }
  }

  // MARK: - Any

  private mutating func any(_ bytes: UnsafeRawBufferPointer) throws(JSONFault) {
    var url = UnsafeRawBufferPointer(start: nil, count: 0)
    var value = url
    var reader = WireReader(bytes)
    while let (number, field) = try next(&reader) {
      guard case .bytes(let bytes) = field else { continue }
      if number == 1 { url = bytes }
      if number == 2 { value = bytes }
    }
    try enter(UInt8(ascii: "{"))
    if !url.isEmpty || !value.isEmpty {
      let schema = try self.schema(url: url)
      text.append("\"@type\":")
      try quoted(url)
      if schema.isBoxedInAny {
        text.append(",\"value\":")
        try message(value, schema)
      } else {
        var isFirst = false
        try members(value, schema, &isFirst)
      }
    }
    leave(UInt8(ascii: "}"))
  }

  private mutating func schema(url: UnsafeRawBufferPointer) throws(JSONFault) -> MessageSchema {
    if let lastSchema, lastSchema.hasURL(url) { return lastSchema }
    guard let schema = registry.message(url: url) else {
      let name = String(decoding: url, as: UTF8.self).shortened
      throw JSONFault(
        .message, url.isEmpty ? "an Any without a type" : "the type \(name) is not known")
    }
    lastSchema = schema
    return schema
  }

  // MARK: - Values

  mutating func quoted(_ text: UnsafeRawBufferPointer) throws(JSONFault) {
    guard self.text.append(quoted: text) else {
      throw JSONFault(.message, "a text that is no UTF-8")
    }
  }

  /// - Parameter value: One that the field accepts.
  mutating func value(
    _ value: WireReader.Field, of field: FieldSchema
  ) throws(JSONFault) {
    switch value {
    case .varint(let bits): varint(bits, of: field)
    case .fixed64(let bits):
      switch field.kind {
      case .double: text.append(Double(bitPattern: bits))
      case .sfixed64: quotedInteger { $0.append(Int64(bitPattern: bits)) }
      default: quotedInteger { $0.append(bits) }
      }
    case .fixed32(let bits):
      switch field.kind {
      case .float: text.append(Float(bitPattern: bits))
      case .sfixed32: text.append(Int64(Int32(bitPattern: bits)))
      default: text.append(UInt64(bits))
      }
    case .bytes(let bytes):
      switch field.kind {
      case .string: try quoted(bytes)
      case .bytes: text.append(base64: bytes)
      case .message: try message(bytes, registry.messages[field.typeIndex])
      default: throw JSONFault(.message, "a number that is several")
      }
    }
  }

  private mutating func quotedInteger(_ write: (inout JSONText) -> Void) {
    text.append(UInt8(ascii: "\""))
    write(&text)
    text.append(UInt8(ascii: "\""))
  }

  private mutating func varint(_ bits: UInt64, of field: FieldSchema) {
    switch field.kind {
    case .bool: text.append(bits != 0 ? "true" : "false")
    case .int64: quotedInteger { $0.append(Int64(bitPattern: bits)) }
    case .sint64: quotedInteger { $0.append(Int64(bitPattern: bits >> 1) ^ -Int64(bits & 1)) }
    case .uint32: text.append(UInt64(UInt32(truncatingIfNeeded: bits)))
    case .int32: text.append(Int64(Int32(truncatingIfNeeded: bits)))
    case .sint32:
      let low = UInt32(truncatingIfNeeded: bits)
      text.append(Int64(Int32(bitPattern: low >> 1) ^ -Int32(low & 1)))
    case .enumeration:
      let type = registry.enums[field.typeIndex]
      let number = Int32(truncatingIfNeeded: bits)
      if type.isNull {
        text.append("null")
      } else if let name = type.name(of: number) {
        text.append(quoted: name)
      } else {
        text.append(Int64(number))
      }
    default: quotedInteger { $0.append(bits) }
    }
  }

  /// Whether it is the value that is left out where absence cannot be told from it.
  @inline(__always)
  static func isDefault(_ value: WireReader.Field, of field: FieldSchema) -> Bool {
    switch value {
    case .varint(let bits):
      switch field.kind {
      case .int32, .uint32, .sint32, .enumeration: UInt32(truncatingIfNeeded: bits) == 0
      default: bits == 0
      }
    case .fixed64(let bits): bits == 0
    case .fixed32(let bits): bits == 0
    case .bytes(let bytes): bytes.isEmpty
    }
  }
}
