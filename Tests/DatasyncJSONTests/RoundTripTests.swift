import DatasyncJSON
import DatasyncMessages
import DatasyncModel
import Testing

@Suite struct RoundTripTests {
  private static let types: [ColumnType] = [
    .bool, .int64, .double, .string, .bytes, .timestamp, .date, .timeOfDay,
    .decimal(asWritten: true), .uuid, .json(asWritten: true), .enumeration(["a", "b"]),
  ]

  private func name(_ index: Int, _ random: inout SeededGenerator) -> String {
    let shapes = ["column_\(index)", "c\(index)Value", "C\(index)", "_c_\(index)_", "c__\(index)"]
    return shapes[Int.random(in: 0..<shapes.count, using: &random)]
  }

  private func table(_ random: inout SeededGenerator) -> Table {
    var number = 0
    let columns = (0..<Int.random(in: 5...80, using: &random)).map { index in
      number += index < 5 ? 1 : Int.random(in: 1...40, using: &random)
      let type = RoundTripTests.types[Int.random(in: 0..<12, using: &random)]
      return Column(
        name: name(index, &random), type: type, number: number, isNullable: true)
    }
    return Table(id: 1, name: "t", messageName: "tables.T", columns: columns)
  }

  private func text(_ random: inout SeededGenerator) -> String {
    let pool: [Character] = ["a", "\"", "\\", "\n", "\u{0}", "é", "€", "😀", " ", "\u{7F}", "/"]
    let count = [0, 1, 7, 8, 9, 40][Int.random(in: 0..<6, using: &random)]
    return String((0..<count).map { _ in pool[Int.random(in: 0..<pool.count, using: &random)] })
  }

  /// Fields in order, as every serializer writes them.
  private func row(of table: Table, _ random: inout SeededGenerator) -> [UInt8] {
    var row = WireWriter()
    for column in table.columns where Bool.random(using: &random) {
      let number = column.number
      switch column.type {
      case .bool: row.append(field: number, bool: .random(using: &random))
      case .int64:
        let some = Int64.random(in: .min ... .max, using: &random)
        row.append(
          field: number, int64: [0, -1, .min, .max, some][Int.random(in: 0..<5, using: &random)])
      case .double:
        let some = Double(bitPattern: .random(in: 0...UInt64.max, using: &random))
        row.append(field: number, double: some.isNaN ? -0.0 : some)
      case .bytes:
        let count = Int.random(in: 0...20, using: &random)
        row.append(
          field: number, bytes: (0..<count).map { _ in .random(in: 0...255, using: &random) })
      case .timestamp:
        row.append(
          field: number, timestamp: .random(in: CivilTime.timestampRange, using: &random))
      default: row.append(field: number, string: text(&random))
      }
    }
    return row.bytes
  }

  @Test func `the bytes of a row, as JSON and back, are the same bytes`() throws {
    let seed = UInt64.random(in: 0...9_999_999)
    print("json: seed \(seed)")
    var random = SeededGenerator(state: seed)
    for _ in 0..<40 {
      let table = table(&random)
      let file = TablesProto.file(
        for: Catalog(tables: [table], generation: 1), messagePackage: "tables")
      let registry = TypeRegistry(files: [file.fileDescriptor()], over: Types.contract)
      let schema = try #require(registry.message(named: "datasync.v1.WriteResponse"))
      let writer = JSONWriter(registry: registry)
      let reader = JSONReader(registry: registry, maxBytes: 1 << 20)
      for _ in 0..<10 {
        var message = WireWriter()
        message.append(field: 1) { any in
          any.append(field: 1, string: table.typeURL)
          let row = row(of: table, &random)
          if !row.isEmpty { any.append(field: 2, bytes: row) }
        }
        message.append(field: 2, varint: 7)
        let text = try writer.text(of: message.bytes, schema)
        let again = try reader.message(schema, of: text)
        #expect(again == message.bytes, "seed \(seed): \(String(decoding: text, as: UTF8.self))")
      }
    }
  }

  /// Of five times, since the machine may be busy.
  private func fastest(_ body: () throws -> Void) rethrows -> Duration {
    var best = Duration.seconds(60)
    for _ in 0..<5 { best = min(best, try ContinuousClock().measure(body)) }
    return best
  }

  @Test func `a type that comes last, in each of many that are nested, is found once`() throws {
    // Each level has its type behind all that is in it, and much text beside it.
    let filler = String(repeating: "x", count: 4000)
    var text = "{}"
    for _ in 0..<45 {
      text = #"{"aString":"\#(filler)","any":\#(text),"@type":"/test.Everything"}"#
    }
    text = #"{"any":\#(text)}"#
    let schema = try Types.schema("test.Everything")
    let reader = JSONReader(registry: Types.registry, maxBytes: 1 << 22)
    let few = try fastest { _ = try reader.message(schema, of: Array(text.utf8)) }
    // The same bytes with each type first, which needs no search.
    let first = text.replacing(#","@type":"/test.Everything""#, with: "")
      .replacing(#"{"aString""#, with: #"{"@type":"/test.Everything","aString""#)
    let none = try fastest { _ = try reader.message(schema, of: Array(first.utf8)) }
    // Searched at each level anew, it takes more than twenty times as long.
    #expect(few < none * 10 + .milliseconds(20))
  }

  @Test func `many keys and deep nesting take time in proportion`() throws {
    let schema = try Types.schema("google.protobuf.Struct")
    func time(_ count: Int) throws -> Duration {
      let text = "{" + (0..<count).map { #""key\#($0)":\#($0)"# }.joined(separator: ",") + "}"
      let bytes = Array(text.utf8)
      return try fastest { _ = try Types.reader.message(schema, of: bytes) }
    }
    _ = try time(100)
    let small = try time(3000)
    let large = try time(30_000)
    #expect(large < small * 60)
  }
}
