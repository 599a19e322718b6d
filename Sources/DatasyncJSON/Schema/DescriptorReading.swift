import DatasyncModel

/// Reads descriptors, then joins fields with their types. Confined to the making of a registry.
///
/// Source: google/protobuf/descriptor.proto, by whose numbers the fields are named here.
struct DescriptorReading {
  /// A field that may still wait for its type.
  private struct Field {
    var draft = MessageSchema.Draft()
    var typeName = ""
    var type: UInt64 = 0
    var isRepeated = false
    var isProto3Optional = false
    var oneof: Int?
    var packed: Bool?
  }

  private struct Message {
    var fullName = ""
    var fields: [Field] = []
    var isMapEntry = false
    var isProto3 = false
  }

  /// Those of the base first.
  private(set) var messages: [MessageSchema]
  private(set) var enums: [EnumSchema]
  private(set) var messageNames = NameTable()
  private let base: TypeRegistry?
  private var drafts: [Message] = []
  private var draftPositions: [String: Int] = [:]
  private var enumPositions: [String: Int] = [:]

  /// Types may be nested in each other so deep, as protoc has it.
  private static let maxNesting = 32

  init(base: TypeRegistry?) {
    self.base = base
    messages = base?.messages ?? []
    enums = base?.enums ?? []
    for (index, type) in enums.enumerated() { enumPositions[type.fullName] = index }
  }

  /// The raw bytes of each file: field 1 of the set.
  static func files(inSet set: [UInt8]) -> [[UInt8]] {
    var files: [[UInt8]] = []
    each(set) { if $0 == 1, case .bytes(let file) = $1 { files.append([UInt8](file)) } }
    return files
  }

  // MARK: - Reading

  /// The fields up to the end or a fault.
  private static func each(_ bytes: [UInt8], _ body: (Int, WireReader.Field) -> Void) {
    bytes.withUnsafeBytes { each($0, body) }
  }

  private static func each(
    _ bytes: UnsafeRawBufferPointer, _ body: (Int, WireReader.Field) -> Void
  ) {
    var reader = WireReader(bytes)
    while let (number, field) = try? reader.next() { body(number, field) }
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  private static func join(_ scope: String, _ name: String) -> String {
    scope.isEmpty ? name : "\(scope).\(name)"
  }

  mutating func add(file bytes: [UInt8]) {
    var package = ""
    var isProto3 = false
    DescriptorReading.each(bytes) { number, field in
      guard case .bytes(let value) = field else { return }
      if number == 2 { package = DescriptorReading.text(value) }
      if number == 12 { isProto3 = DescriptorReading.text(value) == "proto3" }
    }
    DescriptorReading.each(bytes) { number, field in
      guard case .bytes(let value) = field else { return }
      if number == 4 { add(message: value, in: package, isProto3: isProto3, depth: 0) }
      if number == 5 { add(enumeration: value, in: package) }
    }
  }

  private mutating func add(
    message bytes: UnsafeRawBufferPointer, in scope: String, isProto3: Bool, depth: Int
  ) {
    guard depth < DescriptorReading.maxNesting else { return }
    var message = Message(isProto3: isProto3)
    DescriptorReading.each(bytes) { number, field in
      guard case .bytes(let value) = field else { return }
      switch number {
      case 1: message.fullName = DescriptorReading.join(scope, DescriptorReading.text(value))
      case 2: message.fields.append(DescriptorReading.field(value))
      case 7: message.isMapEntry = DescriptorReading.flag(7, in: value) ?? false
      default: break
      }
    }
    DescriptorReading.each(bytes) { number, field in
      guard case .bytes(let value) = field else { return }
      if number == 3 {
        add(message: value, in: message.fullName, isProto3: isProto3, depth: depth + 1)
      }
      if number == 4 { add(enumeration: value, in: message.fullName) }
    }
    guard position(ofMessage: message.fullName) == nil else { return }
    let position = messages.count + drafts.count
    draftPositions[message.fullName] = position
    messageNames.insert(message.fullName, position)
    drafts.append(message)
  }

  private mutating func add(enumeration bytes: UnsafeRawBufferPointer, in scope: String) {
    var fullName = ""
    var values: [(name: String, number: Int32)] = []
    DescriptorReading.each(bytes) { number, field in
      guard case .bytes(let value) = field else { return }
      if number == 1 { fullName = DescriptorReading.join(scope, DescriptorReading.text(value)) }
      guard number == 2 else { return }
      var name = ""
      var number: Int32 = 0
      DescriptorReading.each(value) { part, field in
        if part == 1, case .bytes(let text) = field { name = DescriptorReading.text(text) }
        if part == 2, case .varint(let value) = field { number = Int32(truncatingIfNeeded: value) }
      }
      values.append((name, number))
    }
    guard enumPositions[fullName] == nil else { return }
    enumPositions[fullName] = enums.count
    enums.append(EnumSchema(fullName: fullName, values: values))
  }

  private static func field(_ bytes: UnsafeRawBufferPointer) -> Field {
    var field = Field()
    each(bytes) { number, value in
      switch (number, value) {
      case (1, .bytes(let name)): field.draft.name = text(name)
      case (3, .varint(let number)): field.draft.number = Int(truncatingIfNeeded: number)
      case (4, .varint(let label)): field.isRepeated = label == 3
      case (5, .varint(let type)): field.type = type
      case (6, .bytes(let name)): field.typeName = text(name)
      case (8, .bytes(let options)): field.packed = flag(2, in: options)
      case (9, .varint(let oneof)): field.oneof = Int(truncatingIfNeeded: oneof)
      case (10, .bytes(let name)): field.draft.jsonName = text(name)
      case (17, .varint(let flag)): field.isProto3Optional = flag != 0
      default: break
      }
    }
    if field.draft.jsonName.isEmpty { field.draft.jsonName = JSONName.of(field.draft.name) }
    return field
  }

  private static func flag(_ number: Int, in bytes: UnsafeRawBufferPointer) -> Bool? {
    var flag: Bool?
    each(bytes) { if $0 == number, case .varint(let value) = $1 { flag = value != 0 } }
    return flag
  }

  // MARK: - Joining

  private func position(ofMessage fullName: String) -> Int? {
    var name = fullName
    return name.withUTF8 { base?.position(ofMessage: UnsafeRawBufferPointer($0)) }
      ?? draftPositions[fullName]
  }

  /// Turns what was read into types.
  mutating func resolve() {
    let start = messages.count
    let made = drafts.map { message in
      MessageSchema(
        fullName: message.fullName,
        drafts: message.fields.compactMap { resolve($0, of: message, start: start) })
    }
    messages += made
  }

  /// Nil: groups, a type that is nowhere, or a number that none can have.
  private func resolve(_ field: Field, of message: Message, start: Int) -> MessageSchema.Draft? {
    guard let kind = UInt8(exactly: field.type).flatMap(FieldSchema.Kind.init(rawValue:)),
      (1...536_870_911).contains(field.draft.number)
    else { return nil }
    var draft = field.draft
    draft.kind = kind
    let typeName =
      field.typeName.hasPrefix(".") ? String(field.typeName.dropFirst()) : field.typeName
    var isMap = false
    if kind == .message {
      guard let position = position(ofMessage: typeName) else { return nil }
      draft.typeIndex = position
      isMap = field.isRepeated && position >= start && drafts[position - start].isMapEntry
    } else if kind == .enumeration {
      guard let position = enumPositions[typeName] else { return nil }
      draft.typeIndex = position
    }
    if !field.isProto3Optional, let oneof = field.oneof, oneof >= 0, oneof < message.fields.count {
      draft.oneof = oneof
    }
    let hasPresence =
      kind == .message || field.isProto3Optional || draft.oneof >= 0
      || !(message.isProto3 || message.isMapEntry)
    draft.label =
      isMap ? .map : field.isRepeated ? .repeated : hasPresence ? .explicit : .implicit
    let isPackable = kind.wireType != .lengthDelimited
    draft.isPacked =
      field.isRepeated && isPackable && (field.packed ?? message.isProto3)
    return draft
  }
}
