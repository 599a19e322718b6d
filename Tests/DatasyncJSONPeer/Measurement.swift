import DatasyncJSON
import DatasyncMessages
import DatasyncModel
import DatasyncProtobuf

/// What JSON takes for a row of about 1 KB, beside what protobuf-c and the row's decoder take for the
/// same. Namespace.
enum Measurement {
  private static let types: [ColumnType] = [
    .string, .timestamp, .timestamp, .int64, .bool, .string, .string, .int64, .int64, .double,
    .bool, .string, .string, .timestamp, .uuid, .string,
  ]
  private static let table = Table(
    id: 1, name: "items", messageName: "tables.Items",
    columns: types.enumerated().map { index, type in
      Column(name: "column_\(index + 1)", type: type, number: index + 1, isNullable: true)
    })

  /// A CreateRequest.
  private static var request: [UInt8] {
    var writer = WireWriter()
    writer.append(field: 1) { any in
      any.append(field: 1, string: table.typeURL)
      any.append(field: 2) { row in
        for (index, type) in types.enumerated() {
          let number = index + 1
          switch type {
          case .timestamp: row.append(field: number, timestamp: 1_764_324_900_123_456)
          case .int64: row.append(field: number, int64: 1_234_567 + Int64(index))
          case .bool: row.append(field: number, bool: true)
          case .double: row.append(field: number, double: 3.14159)
          case .uuid:
            row.append(field: number, string: "0192f0c1-2345-7abc-8def-0123456789ab")
          default:
            let words = "Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy "
            let text = String(String(repeating: words, count: 2).prefix(148))
            row.append(field: number, string: text)
          }
        }
      }
    }
    return writer.bytes
  }

  static func run() {
    let catalog = Catalog(tables: [table], generation: 1)
    let registry = TypeRegistry(
      files: [TablesProto.file(for: catalog, messagePackage: "tables").fileDescriptor()],
      over: TypeRegistry(fileDescriptorSet: DescriptorSet.datasync))
    guard let schema = registry.message(named: "datasync.v1.CreateRequest") else { return }
    let writer = JSONWriter(registry: registry)
    let reader = JSONReader(registry: registry, maxBytes: 1 << 20)
    let decoder = RequestDecoder(maxBytes: 1 << 20)
    let message = request
    guard let text = try? writer.text(of: message, schema),
      (try? reader.message(schema, of: text)) == message
    else { return print("what is read is not what was written") }
    print("\(message.count) bytes of protobuf, \(text.count) of JSON, \(types.count) columns")
    var made: [UInt8] = []
    measure("JSON written") {
      made.removeAll(keepingCapacity: true)
      try? message.withUnsafeBytes { try writer.append($0, of: schema, to: &made) }
      return made.count
    }
    measure("JSON read") { (try? reader.message(schema, of: text))?.count ?? 0 }
    measure("protobuf decoded, the request") {
      message.withUnsafeBytes { (try? decoder.create($0)) == nil ? 0 : 1 }
    }
    let row = Array(message.dropFirst(3 + 2 + table.typeURL.utf8.count + 3))
    measure("protobuf decoded, the row") {
      row.withUnsafeBytes { (try? RowDecoder.draft(of: $0, table: table))?.values.count ?? 0 }
    }
  }

  /// The fastest of several rounds.
  private static func measure(_ name: String, _ body: () -> Int) {
    let clock = ContinuousClock()
    var best = Duration.seconds(1)
    var sum = 0
    for _ in 0..<20 {
      best = min(best, clock.measure { for _ in 0..<5000 { sum &+= body() } })
    }
    let nanos = best.components.attoseconds / 1_000_000_000 / 5000
    print("\(name): \(nanos) ns\(sum == 0 ? ", and nothing was made" : "")")
  }
}
