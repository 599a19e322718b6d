import DatasyncModel
import Testing

@Suite struct RowCodecTests {
  private static let types: [ColumnType] = [
    .string, .timestamp, .timestamp, .int64, .bool, .int64, .double, .string, .bytes, .date,
    .timeOfDay, .decimal(asWritten: true), .uuid, .json(asWritten: true), .enumeration(["a", "b"]),
  ]
  /// Numbers with gaps, as dropped columns leave them.
  private static let table = Table(
    id: 1, name: "t", messageName: "tables.T",
    columns: types.enumerated().map { index, type in
      Column(
        name: "c\(index)", type: type, number: index < 5 ? index + 1 : index * 3, isNullable: true)
    })

  private func draft(_ bytes: [UInt8]) throws(DatasyncError) -> RowDraft {
    let result = bytes.withUnsafeBytes { buffer -> Result<RowDraft, DatasyncError> in
      do throws(DatasyncError) {
        return .success(try RowDecoder.draft(of: buffer, table: RowCodecTests.table))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private func randomValue(_ type: ColumnType, _ random: inout Seeded) -> Value {
    if Int.random(in: 0..<4, using: &random) == 0 { return .null }
    return switch type {
    case .bool: .bool(Bool.random(using: &random))
    case .int64: .int64([0, 1, -1, .min, .max].randomElement(using: &random) ?? 0)
    case .double:
      .double([0, -0.5, 5e-300, .greatestFiniteMagnitude].randomElement(using: &random) ?? 0)
    case .string: .string(["", "x", "\u{1F600}e\u{301}"].randomElement(using: &random) ?? "")
    case .bytes: .bytes([[], [0], [0, 255]].randomElement(using: &random) ?? [])
    case .timestamp: .timestamp(Int64.random(in: CivilTime.timestampRange, using: &random))
    case .date: .string("2024-02-29")
    case .timeOfDay: .string("02:14:05.5")
    case .decimal: .string("12.50")
    case .uuid: .string("123e4567-e89b-12d3-a456-426614174000")
    case .json: .string("{\"a\": 1}")
    case .enumeration: .string("b")
    }
  }

  @Test func `a row comes back as it was, from the client's side and from the store's`() throws {
    let seed = UInt64.random(in: 0...9_999_999)
    print("rows: seed \(seed)")
    var random = Seeded(state: seed)
    for _ in 0..<2_000 {
      let values = RowCodecTests.types.map { randomValue($0, &random) }
      let image = RowEncoder.image(of: values, table: RowCodecTests.table)
      #expect(RowDecoder.values(of: image, table: RowCodecTests.table) == values)
      let draft = try draft(image.bytes)
      #expect(draft.values.map { $0 ?? .null } == values)
      #expect(RowEncoder.image(of: draft.values.map { $0 ?? .null }, table: draft.table) == image)
      #expect(RowDecoder.changedNumbers(from: image, to: image).isEmpty)
    }
  }

  @Test func `changed and kept fields are found by number`() {
    var values = [Value](repeating: .null, count: RowCodecTests.types.count)
    (values[0], values[5], values[7]) = (.string("k"), .int64(5), .string("x"))
    let before = RowEncoder.image(of: values, table: RowCodecTests.table)
    (values[5], values[6], values[7]) = (.int64(6), .double(1), .null)
    let after = RowEncoder.image(of: values, table: RowCodecTests.table)
    #expect(RowDecoder.changedNumbers(from: before, to: after) == [15, 18, 21])
    let kept = RowDecoder.image(after, keepingNumbers: [1, 18, 99])
    #expect(
      RowDecoder.values(of: kept, table: RowCodecTests.table).filter { !$0.isNull } == [
        .string("k"), .double(1),
      ])
  }

  @Test func `unknown fields are skipped, and of a repeated one the last counts`() throws {
    var writer = WireWriter()
    writer.append(field: 1, string: "a")
    writer.append(field: 999, string: "new")
    writer.append(field: 1, string: "b")
    #expect(try draft(writer.bytes).values[0] == .string("b"))
  }

  @Test func `values are made canonical`() throws {
    var writer = WireWriter()
    writer.append(field: 36, string: "123E4567-E89B-12D3-A456-426614174000")
    writer.append(field: 30, string: "02:14:05.500000")
    let draft = try draft(writer.bytes)
    #expect(draft.values[12] == .string("123e4567-e89b-12d3-a456-426614174000"))
    #expect(draft.values[10] == .string("02:14:05.5"))
  }

  @Test func `a value that its column cannot hold is refused by name`() throws {
    let cases: [(String, (inout WireWriter) -> Void)] = [
      ("c5", { $0.append(field: 15, string: "5") }),
      ("c6", { $0.append(field: 18, double: .nan) }),
      ("c6", { $0.append(field: 18, double: -.infinity) }),
      ("c6", { $0.append(field: 18, int64: 1) }),
      ("c7", { $0.append(field: 21, string: "a\u{0}b") }),
      ("c7", { $0.append(field: 21, bytes: [0xC3, 0x28]) }),
      ("c7", { $0.append(field: 21, bytes: [0xED, 0xA0, 0x80]) }),
      ("c9", { $0.append(field: 27, string: "2024-02-30") }),
      ("c10", { $0.append(field: 30, string: "25:00:00") }),
      ("c11", { $0.append(field: 33, string: "1e3") }),
      ("c12", { $0.append(field: 36, string: "x") }),
      ("c13", { $0.append(field: 39, string: "{") }),
      ("c14", { $0.append(field: 42, string: "c") }),
      ("c1", { $0.append(field: 2, bytes: [0x08]) }),
      ("c1", { $0.append(field: 2) { $0.append(field: 1, int64: .max) } }),
      ("c1", { $0.append(field: 2) { $0.append(field: 1, int64: -62_135_596_801) } }),
      ("c1", { $0.append(field: 2) { $0.append(field: 2, int64: -1) } }),
      ("c1", { $0.append(field: 2) { $0.append(field: 2, int64: 1_000_000_000) } }),
    ]
    for (column, write) in cases {
      var writer = WireWriter()
      write(&writer)
      let error = #expect(throws: DatasyncError.self) { try draft(writer.bytes) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.reason == "BAD_VALUE")
      #expect(error?.metadata == ["table": "t", "column": column])
      #expect(error?.violations.first?.field == column)
    }
  }

  @Test func `bytes that are no message are refused`() {
    for bytes: [UInt8] in [[0x0A, 5, 1], [0x00], [0x0B], [0x08, 0x80]] {
      let error = #expect(throws: DatasyncError.self) { try draft(bytes) }
      #expect(error?.reason == "MALFORMED_ENTITY")
    }
  }

  @Test func `damaged and random bytes never crash the decoder`() {
    let seed = UInt64.random(in: 0...9_999_999)
    print("codec: seed \(seed)")
    var random = Seeded(state: seed)
    for round in 0..<20_000 {
      var bytes: [UInt8]
      if round % 2 == 0 {
        let values = RowCodecTests.types.map { randomValue($0, &random) }
        bytes = RowEncoder.image(of: values, table: RowCodecTests.table).bytes
        for _ in 0..<3 where !bytes.isEmpty {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
            in: 0...255, using: &random)
        }
      } else {
        bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
          .random(in: 0...255, using: &random)
        }
      }
      _ = try? draft(bytes)
      let image = RowImage(bytes: bytes)
      _ = RowDecoder.values(of: image, table: RowCodecTests.table)
      _ = RowDecoder.image(image, keepingNumbers: [1, 2, 15])
      _ = RowDecoder.changedNumbers(from: image, to: image)
    }
    // Seconds and nanoseconds that no moment has.
    for (seconds, nanos) in [(Int64.max, Int64.max), (.min, -1), (0, -1), (253_402_300_800, 0)] {
      var writer = WireWriter()
      writer.append(field: 2) {
        $0.append(field: 1, int64: seconds)
        $0.append(field: 2, int64: nanos)
      }
      _ = RowDecoder.values(of: RowImage(bytes: writer.bytes), table: RowCodecTests.table)
    }
  }
}
