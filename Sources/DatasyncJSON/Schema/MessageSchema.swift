/// What the codec needs to know of a message type. Immutable, shared by reference.
package final class MessageSchema: Sendable {
  /// What a message looks like in JSON; protobuf's well-known types have forms of their own.
  enum Form: Sendable {
    case object
    case any
    case timestamp
    case duration
    case fieldMask
    /// The value of the only field.
    case wrapper
    case structure
    case value
    case list

    init(fullName: String) {
      guard fullName.hasPrefix("google.protobuf.") else {
        self = .object
        return
      }
      switch fullName.dropFirst("google.protobuf.".count) {
      case "Any": self = .any
      case "Timestamp": self = .timestamp
      case "Duration": self = .duration
      case "FieldMask": self = .fieldMask
      case "Struct": self = .structure
      case "Value": self = .value
      case "ListValue": self = .list
      case "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value",
        "BoolValue", "StringValue", "BytesValue":
        self = .wrapper
      default: self = .object
      }
    }
  }

  /// Without the dot before it.
  package let fullName: String
  let form: Form
  /// In the order of their numbers.
  package let fields: [FieldSchema]
  /// How many oneofs are not those of an `optional`.
  let oneofCount: Int
  /// Whether a field is a map.
  let hasMaps: Bool
  /// Positions in `fields` by number, -1 for none; empty where the numbers lie too far apart.
  private let byNumber: [Int16]
  private let byName: NameTable
  /// `"name":` of each field, one after another.
  private let names: [UInt8]

  /// As Any names it.
  private let typeURL: [UInt8]

  /// A field while its message is made.
  struct Draft {
    var name = ""
    var jsonName = ""
    var number = 0
    var kind = FieldSchema.Kind.int32
    var label = FieldSchema.Label.implicit
    var isPacked = false
    var typeIndex = -1
    var oneof = -1
  }

  /// The most fields that a message can have here; more are left out.
  static let maxFields = 32_000

  /// - Parameter drafts: Of several with one number, the first counts.
  init(fullName: String, drafts: [Draft]) {
    self.fullName = fullName
    form = Form(fullName: fullName)
    typeURL = Array("type.googleapis.com/\(fullName)".utf8)
    var seen: Set<Int> = []
    let drafts = drafts.filter { seen.insert($0.number).inserted }
      .prefix(MessageSchema.maxFields).sorted { $0.number < $1.number }
    var names: [UInt8] = []
    var fields: [FieldSchema] = []
    for draft in drafts {
      let start = UInt32(names.count)
      var key = JSONText()
      key.append(quoted: draft.jsonName)
      names += key.bytes + [UInt8(ascii: ":")]
      fields.append(
        FieldSchema(
          number: draft.number, kind: draft.kind, label: draft.label, isPacked: draft.isPacked,
          typeIndex: draft.typeIndex, oneof: draft.oneof, nameStart: start,
          nameEnd: UInt32(names.count)))
    }
    self.fields = fields
    self.names = names
    oneofCount = (fields.map(\.oneof).max() ?? -1) + 1
    hasMaps = fields.contains { $0.label == .map }
    var table = NameTable()
    // The name that is written is the one that counts where another field is declared by it.
    for (index, draft) in drafts.enumerated() { table.insert(draft.jsonName, index) }
    for (index, draft) in drafts.enumerated() { table.insert(draft.name, index) }
    byName = table
    byNumber = MessageSchema.index(fields)
  }

  private static func index(_ fields: [FieldSchema]) -> [Int16] {
    guard let last = fields.last?.number, last <= fields.count * 8 + 64 else { return [] }
    var index = [Int16](repeating: -1, count: last + 1)
    for (position, field) in fields.enumerated() { index[field.number] = Int16(position) }
    return index
  }

  /// The position in ``fields``; -1: none.
  @inline(__always)
  func index(ofNumber number: Int) -> Int {
    if number < byNumber.count { return Int(byNumber[number]) }
    return byNumber.isEmpty ? search(number) : -1
  }

  private func search(_ number: Int) -> Int {
    var low = 0
    var high = fields.count
    while low < high {
      let middle = (low + high) / 2
      if fields[middle].number < number { low = middle + 1 } else { high = middle }
    }
    return low < fields.count && fields[low].number == number ? low : -1
  }

  /// The position in ``fields`` of what JSON or the declaration calls so.
  func index(ofName name: UnsafeRawBufferPointer) -> Int? { byName[name] }

  /// `"name":`.
  @inline(__always)
  func withKey<Result>(of field: FieldSchema, _ body: (UnsafeRawBufferPointer) -> Result) -> Result
  {
    names.withUnsafeBytes {
      body(UnsafeRawBufferPointer(rebasing: $0[Int(field.nameStart)..<Int(field.nameEnd)]))
    }
  }

  /// What JSON calls it.
  package func name(of field: FieldSchema) -> String {
    let range = Int(field.nameStart) + 1..<Int(field.nameEnd) - 2
    return String(decoding: names[range], as: UTF8.self)
  }

  /// Whether an Any with that URL holds it; false as well where the URL has another host.
  func hasURL(_ url: UnsafeRawBufferPointer) -> Bool {
    typeURL.withUnsafeBytes { $0.count == url.count && $0.elementsEqual(url) }
  }

  /// What an unknown name may have meant.
  var allNames: [String] { fields.map { name(of: $0) } }

  /// Whether Any holds it under `value`, since it need not be an object.
  var isBoxedInAny: Bool { form != .object }
}
