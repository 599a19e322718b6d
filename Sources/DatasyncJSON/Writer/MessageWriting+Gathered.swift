import DatasyncModel

/// Messages whose fields come in any order, or more than once.
extension MessageWriting {
  /// One value of a field, and which one of its message it is.
  struct Occurrence {
    let index: Int
    let order: Int
    let value: WireReader.Field
  }

  /// The values that count, by field, in order: of a oneof those of the member that came last, since it
  /// was the one that was there.
  func occurrences(
    in bytes: UnsafeRawBufferPointer, _ schema: MessageSchema
  ) throws(JSONFault) -> [Occurrence] {
    var found: [Occurrence] = []
    var members = [(index: Int, since: Int)](repeating: (-1, 0), count: schema.oneofCount)
    var reader = WireReader(bytes)
    while let (number, value) = try next(&reader) {
      let index = schema.index(ofNumber: number)
      guard index >= 0, schema.fields[index].accepts(value) else { continue }
      let oneof = schema.fields[index].oneof
      if oneof >= 0, members[oneof].index != index { members[oneof] = (index, found.count) }
      found.append(Occurrence(index: index, order: found.count, value: value))
    }
    if !members.isEmpty {
      found.removeAll { occurrence in
        let oneof = schema.fields[occurrence.index].oneof
        guard oneof >= 0 else { return false }
        return members[oneof].index != occurrence.index || occurrence.order < members[oneof].since
      }
    }
    found.sort { ($0.index, $0.order) < ($1.index, $1.order) }
    return found
  }

  mutating func gatheredMembers(
    _ bytes: UnsafeRawBufferPointer, _ schema: MessageSchema, _ isFirst: inout Bool
  ) throws(JSONFault) {
    let all = try occurrences(in: bytes, schema)
    var start = 0
    while start < all.count {
      var end = start + 1
      while end < all.count, all[end].index == all[start].index { end += 1 }
      let field = schema.fields[all[start].index]
      try group(all[start..<end], of: field, in: schema, &isFirst)
      start = end
    }
  }

  private mutating func group(
    _ values: ArraySlice<Occurrence>, of field: FieldSchema, in schema: MessageSchema,
    _ isFirst: inout Bool
  ) throws(JSONFault) {
    switch field.label {
    case .repeated:
      var count = 0
      for value in values { try elements(value.value, of: field, in: schema, &count, &isFirst) }
      if count > 0 { leave(UInt8(ascii: "]")) }
    case .map:
      try key(of: field, in: schema, &isFirst)
      do { try map(values, of: field) } catch { throw error.inside(schema.name(of: field)) }
    case .implicit, .explicit:
      guard let last = values.last else { return }
      if field.label == .implicit, MessageWriting.isDefault(last.value, of: field) { return }
      try key(of: field, in: schema, &isFirst)
      do { try merged(values, of: field) } catch { throw error.inside(schema.name(of: field)) }
    }
  }

  /// Of scalars the last; messages that follow each other are one.
  private mutating func merged(
    _ values: ArraySlice<Occurrence>, of field: FieldSchema
  ) throws(JSONFault) {
    guard let last = values.last else { return }
    guard field.kind == .message, values.count > 1 else {
      return try value(last.value, of: field)
    }
    var whole: [UInt8] = []
    for case .bytes(let part) in values.lazy.map(\.value) { whole.append(contentsOf: part) }
    try whole.withUnsafeBufferPointer { whole throws(JSONFault) in
      try value(.bytes(UnsafeRawBufferPointer(whole)), of: field)
    }
  }

  // MARK: - Maps

  /// Of two entries with one key, the last counts.
  private mutating func map(
    _ entries: ArraySlice<Occurrence>, of field: FieldSchema
  ) throws(JSONFault) {
    let schema = registry.messages[field.typeIndex]
    var positions: [[UInt8]: Int] = [:]
    var members: [(key: [UInt8], parts: [Occurrence])] = []
    for case .bytes(let entry) in entries.lazy.map(\.value) {
      let parts = try occurrences(in: entry, schema)
      let key = try mapKey(parts.last { schema.fields[$0.index].number == 1 }, of: schema)
      if let position = positions[key] {
        members[position].parts = parts
      } else {
        positions[key] = members.count
        members.append((key, parts))
      }
    }
    try enter(UInt8(ascii: "{"))
    let valueIndex = schema.index(ofNumber: 2)
    for (index, member) in members.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      text.bytes.append(contentsOf: member.key)
      text.append(UInt8(ascii: ":"))
      guard valueIndex >= 0 else { throw JSONFault(.message, "the map has values of no type") }
      let values = member.parts.filter { $0.index == valueIndex }
      do {
        try mapValue(values[...], of: schema.fields[valueIndex])
      } catch {
        throw error.inside("[\(String(decoding: member.key, as: UTF8.self))]")
      }
    }
    leave(UInt8(ascii: "}"))
  }

  private mutating func mapValue(
    _ values: ArraySlice<Occurrence>, of field: FieldSchema
  ) throws(JSONFault) {
    if values.isEmpty {
      try value(MessageWriting.zero(of: field), of: field)
    } else {
      try merged(values, of: field)
    }
  }

  /// In quotes, whatever its type.
  private func mapKey(
    _ occurrence: Occurrence?, of schema: MessageSchema
  ) throws(JSONFault) -> [UInt8] {
    let index = schema.index(ofNumber: 1)
    guard index >= 0 else { throw JSONFault(.message, "the map has keys of no type") }
    let field = schema.fields[index]
    var key = MessageWriting(registry: registry, maxCount: .max)
    try key.value(occurrence?.value ?? MessageWriting.zero(of: field), of: field)
    let bytes = key.text.bytes
    return bytes.first == UInt8(ascii: "\"") ? bytes : [0x22] + bytes + [0x22]
  }

  /// What stands for a value that is not there.
  static func zero(of field: FieldSchema) -> WireReader.Field {
    switch field.kind.wireType {
    case .varint: .varint(0)
    case .fixed64: .fixed64(0)
    case .fixed32: .fixed32(0)
    case .lengthDelimited: .bytes(UnsafeRawBufferPointer(start: nil, count: 0))
    }
  }

  // MARK: - Well-known types

  mutating func wrapper(
    _ bytes: UnsafeRawBufferPointer, _ schema: MessageSchema
  ) throws(JSONFault) {
    guard let field = schema.fields.first else { throw JSONFault(.message, "a wrapper of nothing") }
    try value(
      try occurrences(in: bytes, schema).last?.value ?? MessageWriting.zero(of: field), of: field)
  }

  /// Struct and ListValue: what their only field has.
  mutating func only(
    _ bytes: UnsafeRawBufferPointer, _ schema: MessageSchema
  ) throws(JSONFault) {
    guard let field = schema.fields.first else { throw JSONFault(.message, "a list of nothing") }
    let values = try occurrences(in: bytes, schema)
    if field.label == .map { return try map(values[...], of: field) }
    try enter(UInt8(ascii: "["))
    for (index, occurrence) in values.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      do { try value(occurrence.value, of: field) } catch { throw error.inside(index) }
    }
    leave(UInt8(ascii: "]"))
  }

  mutating func dynamicValue(
    _ bytes: UnsafeRawBufferPointer, _ schema: MessageSchema
  ) throws(JSONFault) {
    let values = try occurrences(in: bytes, schema)
    guard let last = values.last else { return text.append("null") }
    if case .fixed64(let bits) = last.value, !Double(bitPattern: bits).isFinite {
      throw JSONFault(.message, "a Value holds no infinite number")
    }
    try merged(values[...], of: schema.fields[last.index])
  }

  mutating func time(
    _ bytes: UnsafeRawBufferPointer, _ schema: MessageSchema
  ) throws(JSONFault) {
    var seconds: Int64 = 0
    var nanos: Int32 = 0
    var reader = WireReader(bytes)
    while let (number, field) = try next(&reader) {
      guard case .varint(let bits) = field else { continue }
      if number == 1 { seconds = Int64(bitPattern: bits) }
      if number == 2 { nanos = Int32(truncatingIfNeeded: bits) }
    }
    let isTimestamp = schema.form == .timestamp
    let fits =
      isTimestamp
      ? text.append(timestamp: seconds, nanos) : text.append(duration: seconds, nanos)
    guard fits else {
      throw JSONFault(
        .message,
        "\(seconds) seconds and \(nanos) nanoseconds are no \(isTimestamp ? "time" : "duration")")
    }
  }

  mutating func fieldMask(_ bytes: UnsafeRawBufferPointer) throws(JSONFault) {
    text.append(UInt8(ascii: "\""))
    var isFirst = true
    var reader = WireReader(bytes)
    while let (number, field) = try next(&reader) {
      guard number == 1, case .bytes(let path) = field else { continue }
      if !isFirst { text.append(UInt8(ascii: ",")) }
      isFirst = false
      guard FieldPath.append(path, to: &text) else {
        let path = String(decoding: path, as: UTF8.self).shortened
        throw JSONFault(
          .message, "the path '\(path)' cannot be written in lower camel case and back")
      }
    }
    text.append(UInt8(ascii: "\""))
  }
}
