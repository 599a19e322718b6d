import DatasyncModel

/// What other programs may store in a column although it does not fit: SQLite keeps almost anything.
enum UnfitValues {
  static func of(_ type: ColumnType) -> [Value] {
    switch type {
    case .bool: [.int64(2), .int64(-1), .string("maybe"), .double(0.5), blob]
    case .int64: [.string("abc"), .string(""), .double(1.5), .double(1e300), .double(-0.5), blob]
    case .double: [.string("abc"), .string(""), .double(.infinity), .double(-.infinity), blob]
    case .string: [blob, .bytes([]), .string("a\0b"), .string("\0")]
    case .bytes: [.int64(5), .double(1.5)]
    case .timestamp:
      [.double(2_460_000.5), .string("yesterday"), .int64(.max), .int64(.min), .string(""), blob]
    case .date:
      [.string("2024-2-1"), .string("yesterday"), .int64(2024), .string("2024-01-01 10:00"), blob]
    case .timeOfDay:
      [.string("25:00"), .string("noon"), .int64(12), .string("02:14:0"), .string(""), blob]
    case .decimal(asWritten: true):
      [.string("cheap"), .string("1e5"), .string("01"), .string("-0"), .string("+1"), blob]
    case .decimal(asWritten: false):
      [
        .string("cheap"), .double(1e300), .string("1_000"), .double(.infinity), blob,
        .string(RowGenerator.longest),
      ]
    case .uuid:
      [
        .string("123"), .string("123e4567e89b12d3a456426614174000"), .int64(5),
        .string("{123e4567-e89b-12d3-a456-426614174000}"), blob,
      ]
    case .json(asWritten: true): [.string("{"), .string(""), .string("[1,]"), blob]
    case .json(asWritten: false): [.string("{,}"), .string(""), .string("1e400"), blob]
    case .enumeration: [.string("ZEBRA"), .string("none"), .string(""), .int64(5), blob]
    }
  }

  private static let blob = Value.bytes([0x61])
}
