import DatasyncGRPCServices
import DatasyncJSON
import DatasyncMessages
import DatasyncModel
import DatasyncProtobuf

/// Protobuf's JSON: a text that somebody sends, and a message that becomes text. Namespace.
enum JSONTarget {
  private static let registry = TypeRegistry(
    files: [
      TablesProto.file(
        for: Catalog(tables: [RowTarget.table], generation: 1), messagePackage: "tables"
      ).fileDescriptor()
    ],
    over: TypeRegistry(
      fileDescriptorSet: GRPCDescriptors.set,
      over: TypeRegistry(fileDescriptorSet: DescriptorSet.datasync)))

  private static let names = [
    "datasync.v1.SessionRequest", "datasync.v1.CommitRequest", "datasync.v1.SessionResponse",
    "datasync.v1.ChangesResponse", "tables.T", "google.rpc.Status", "google.protobuf.FieldMask",
    "grpc.channelz.v1.GetServersResponse",
  ]
  private static let reader = JSONReader(registry: registry, maxBytes: 1 << 20)
  private static let writer = JSONWriter(registry: registry, maxBytes: 1 << 24)

  /// The first byte says which type it is of, and whether it is a text or a message.
  static func run(_ bytes: [UInt8]) throws {
    guard let first = bytes.first else { return }
    let name = names[Int(first & 0x7F) % names.count]
    guard let schema = registry.message(named: name) else {
      throw FuzzFault("\(name) is not in the descriptors")
    }
    let rest = Array(bytes.dropFirst())
    if first & 0x80 == 0 {
      _ = rest.withUnsafeBytes { reader.unsigned(field: 1, of: schema, in: $0) }
      guard let message = try? reader.message(schema, of: rest) else { return }
      try written(message, schema)
    } else {
      try written(rest, schema)
    }
  }

  /// What is written is read as a message that is written so again. Masks of declared names are read
  /// and not written; bytes may be no message.
  private static func written(_ message: [UInt8], _ schema: MessageSchema) throws {
    guard let text = try? writer.text(of: message, schema), text.count <= 1 << 20 else { return }
    let second: [UInt8]
    do throws(JSONFault) {
      second = try writer.text(of: try reader.message(schema, of: text), schema)
    } catch {
      // A message may be larger than what it was made of.
      if error.kind == .size { return }
      throw FuzzFault("\(String(decoding: text, as: UTF8.self)) is refused: \(error)")
    }
    try require(
      second == text,
      "\(String(decoding: text, as: UTF8.self)) is read as \(String(decoding: second, as: UTF8.self))"
    )
  }
}
