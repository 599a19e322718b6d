import DatasyncJSON
import DatasyncMessages
import DatasyncModel
import DatasyncProtobuf

/// The types that the tests speak of: the contract's, those of two tables, and a message with a field
/// of every kind. Namespace.
enum Types {
  static let contract = TypeRegistry(fileDescriptorSet: DescriptorSet.datasync)
  static let registry = TypeRegistry(
    files: [
      TablesProto.file(for: catalog, messagePackage: "tables").fileDescriptor(), structFile,
      wrappersFile, everythingFile,
    ], over: contract)
  static let reader = JSONReader(registry: registry, maxBytes: 1 << 20)
  static let writer = JSONWriter(registry: registry, maxBytes: 1 << 20)

  private static let columns: [(String, ColumnType)] = [
    ("id", .string), ("created_at", .timestamp), ("updated_at", .timestamp), ("version", .int64),
    ("deleted", .bool), ("title", .string), ("due_date", .date), ("rating", .double),
    ("count", .int64), ("picture", .bytes), ("seen", .timestamp), ("done", .bool),
    ("extra", .json(asWritten: true)), ("dueTime", .timeOfDay), ("line_2", .string),
    ("price", .decimal(asWritten: true)), ("state", .enumeration(["open", "closed"])),
  ]

  static let catalog = Catalog(
    tables: [
      Table(
        id: 1, name: "todo_items", messageName: "tables.TodoItems",
        columns: columns.enumerated().map { index, column in
          Column(name: column.0, type: column.1, number: index + 1, isNullable: true)
        })
    ], generation: 1)

  static func schema(_ name: String) throws -> MessageSchema {
    guard let schema = registry.message(named: name) else { throw Missing(name: name) }
    return schema
  }

  struct Missing: Error { let name: String }

  // MARK: - Descriptors

  private typealias Field = (name: String, number: Int, type: UInt64, label: Label, of: String)
  private enum Label { case singular, optional, repeated, unpacked, oneof }

  private static func field(_ field: Field, synthetic: UInt64, to writer: inout WireWriter) {
    writer.append(field: 1, string: field.name)
    writer.append(field: 3, varint: UInt64(field.number))
    writer.append(field: 4, varint: field.label == .repeated || field.label == .unpacked ? 3 : 1)
    writer.append(field: 5, varint: field.type)
    if !field.of.isEmpty { writer.append(field: 6, string: ".\(field.of)") }
    if field.label == .unpacked { writer.append(field: 8) { $0.append(field: 2, bool: false) } }
    if field.label == .oneof { writer.append(field: 9, varint: 0) }
    if field.label == .optional {
      writer.append(field: 9, varint: synthetic)
      writer.append(field: 17, bool: true)
    }
  }

  private static func message(
    _ name: String, _ fields: [Field], maps: [(entry: String, key: UInt64, value: Field)] = [],
    to writer: inout WireWriter
  ) {
    writer.append(field: 4) { message in
      message.append(field: 1, string: name)
      for field in fields { message.append(field: 2) { self.field(field, synthetic: 1, to: &$0) } }
      for map in maps {
        message.append(field: 3) { entry in
          entry.append(field: 1, string: map.entry)
          entry.append(field: 2) {
            self.field(("key", 1, map.key, .singular, ""), synthetic: 1, to: &$0)
          }
          entry.append(field: 2) { self.field(map.value, synthetic: 1, to: &$0) }
          entry.append(field: 7) { $0.append(field: 7, bool: true) }
        }
      }
      message.append(field: 8) { $0.append(field: 1, string: "choice") }
      message.append(field: 8) { $0.append(field: 1, string: "_optional") }
    }
  }

  private static func file(_ package: String, _ body: (inout WireWriter) -> Void) -> [UInt8] {
    var file = WireWriter()
    file.append(field: 2, string: package)
    body(&file)
    file.append(field: 12, string: "proto3")
    return file.bytes
  }

  private static let structFile = file("google.protobuf") { file in
    message(
      "Struct", [("fields", 1, 11, .repeated, "google.protobuf.Struct.FieldsEntry")],
      maps: [("FieldsEntry", 9, ("value", 2, 11, .singular, "google.protobuf.Value"))], to: &file)
    message(
      "Value",
      [
        ("null_value", 1, 14, .oneof, "google.protobuf.NullValue"),
        ("number_value", 2, 1, .oneof, ""), ("string_value", 3, 9, .oneof, ""),
        ("bool_value", 4, 8, .oneof, ""),
        ("struct_value", 5, 11, .oneof, "google.protobuf.Struct"),
        ("list_value", 6, 11, .oneof, "google.protobuf.ListValue"),
      ], to: &file)
    message("ListValue", [("values", 1, 11, .repeated, "google.protobuf.Value")], to: &file)
    file.append(field: 5) { type in
      type.append(field: 1, string: "NullValue")
      type.append(field: 2) { $0.append(field: 1, string: "NULL_VALUE") }
    }
  }

  private static let wrappersFile = file("google.protobuf") { file in
    for (name, type) in [
      ("Double", 1), ("Float", 2), ("Int64", 3), ("UInt64", 4), ("Int32", 5), ("UInt32", 13),
      ("Bool", 8), ("String", 9), ("Bytes", 12),
    ] as [(String, UInt64)] {
      message("\(name)Value", [("value", 1, type, .singular, "")], to: &file)
    }
  }

  static let scalars: [(name: String, type: UInt64)] = [
    ("double", 1), ("float", 2), ("int64", 3), ("uint64", 4), ("int32", 5), ("fixed64", 6),
    ("fixed32", 7), ("bool", 8), ("string", 9), ("bytes", 12), ("uint32", 13), ("sfixed32", 15),
    ("sfixed64", 16), ("sint32", 17), ("sint64", 18),
  ]

  /// `a_double` … of numbers 1 to 18 as their types, `many_double` … 100 more, `loose_int32`, maps,
  /// wrappers and the rest.
  private static let everythingFile = file("test") { file in
    var fields: [Field] = scalars.map { ("a_\($0.name)", Int($0.type), $0.type, .singular, "") }
    fields += scalars.map { ("many_\($0.name)", Int($0.type) + 100, $0.type, .repeated, "") }
    fields += [
      ("loose_int32", 200, 5, .unpacked, ""), ("maybe_int32", 201, 5, .optional, ""),
      ("a_enum", 202, 14, .singular, "test.Color"), ("many_enum", 203, 14, .repeated, "test.Color"),
      ("child", 204, 11, .singular, "test.Everything"),
      ("children", 205, 11, .repeated, "test.Everything"),
      ("one_text", 206, 9, .oneof, ""), ("one_child", 207, 11, .oneof, "test.Everything"),
      ("one_null", 208, 14, .oneof, "google.protobuf.NullValue"),
      ("by_text", 210, 11, .repeated, "test.Everything.ByTextEntry"),
      ("by_int", 211, 11, .repeated, "test.Everything.ByIntEntry"),
      ("by_bool", 212, 11, .repeated, "test.Everything.ByBoolEntry"),
      ("any", 220, 11, .singular, "google.protobuf.Any"),
      ("anys", 221, 11, .repeated, "google.protobuf.Any"),
      ("time", 222, 11, .singular, "google.protobuf.Timestamp"),
      ("span", 223, 11, .singular, "google.protobuf.Duration"),
      ("mask", 224, 11, .singular, "google.protobuf.FieldMask"),
      ("dynamic", 225, 11, .singular, "google.protobuf.Value"),
      ("structure", 226, 11, .singular, "google.protobuf.Struct"),
      ("list", 227, 11, .singular, "google.protobuf.ListValue"),
      ("wrapped_int64", 228, 11, .singular, "google.protobuf.Int64Value"),
      ("wrapped_text", 229, 11, .singular, "google.protobuf.StringValue"),
      ("wrapped_double", 230, 11, .singular, "google.protobuf.DoubleValue"),
      ("empty", 231, 11, .singular, "google.protobuf.Empty"),
      // Far from the others.
      ("far", 536_870_911, 5, .singular, ""),
    ]
    message(
      "Everything", fields,
      maps: [
        ("ByTextEntry", 9, ("value", 2, 11, .singular, "test.Everything")),
        ("ByIntEntry", 17, ("value", 2, 9, .singular, "")),
        ("ByBoolEntry", 8, ("value", 2, 14, .singular, "test.Color")),
      ], to: &file)
    file.append(field: 5) { type in
      type.append(field: 1, string: "Color")
      for (number, name) in ["NONE", "RED", "GREEN"].enumerated() {
        type.append(field: 2) {
          $0.append(field: 1, string: name)
          $0.append(field: 2, varint: UInt64(number))
        }
      }
      // An alias, and a number below 0.
      type.append(field: 2) {
        $0.append(field: 1, string: "ROUGE")
        $0.append(field: 2, varint: 1)
      }
      type.append(field: 2) {
        $0.append(field: 1, string: "BELOW")
        $0.append(field: 2, int64: -5)
      }
    }
  }
}

/// The same numbers for the same seed: splitmix64. A value.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}
