import DatasyncModel

/// `datasync_field(image, number, kind)`: one value of a row's image in SQL, as a table of ours would
/// store it; NULL where the image has none.
enum ImageField {
  static let functionName = "datasync_field"

  static func register(on connection: Connection) throws(SQLiteFailure) {
    try connection.register(functionName, argumentCount: 3) { arguments in
      guard case .bytes(let image) = arguments[0], case .int64(let number) = arguments[1],
        case .string(let kind) = arguments[2]
      else { return .null }
      return image.withUnsafeBytes { value(of: $0, number: Int(clamping: number), kind: kind) }
    }
  }

  /// The call that gives a column's value.
  static func sql(_ image: String, _ column: Column) -> String {
    "\(functionName)(\(image), \(column.number), '\(kind(column.type))')"
  }

  private static func kind(_ type: ColumnType) -> String {
    switch type {
    case .bool, .int64: "i"
    case .double: "r"
    case .bytes: "b"
    case .timestamp: "t"
    case .string, .date, .timeOfDay, .decimal, .uuid, .json, .enumeration: "s"
    }
  }

  private static func value(
    of image: UnsafeRawBufferPointer, number: Int, kind: String
  ) -> Value {
    var reader = WireReader(image)
    while let next = try? reader.next() {
      guard next.number == number else { continue }
      switch (kind, next.field) {
      case ("i", .varint(let value)): return .int64(Int64(bitPattern: value))
      case ("r", .fixed64(let bits)): return .double(Double(bitPattern: bits))
      case ("b", .bytes(let bytes)): return .bytes(Array(bytes))
      case ("s", .bytes(let bytes)): return .string(String(decoding: bytes, as: UTF8.self))
      case ("t", .bytes(let bytes)):
        return RowDecoder.storedTimestamp(bytes).map { .timestamp($0) } ?? .null
      default: return .null
      }
    }
    return .null
  }
}
