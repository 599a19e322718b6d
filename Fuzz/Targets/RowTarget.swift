import DatasyncModel

/// The decoder of rows. Namespace.
enum RowTarget {
  private static let types: [ColumnType] = [
    .string, .timestamp, .timestamp, .int64, .bool, .int64, .double, .string, .bytes, .date,
    .timeOfDay, .decimal(asWritten: true), .decimal(asWritten: false), .uuid,
    .json(asWritten: true), .json(asWritten: false), .enumeration(["a", "b"]), .timestamp, .bool,
  ]

  /// A column of every type; a number is missing, as where a column was dropped.
  static let table = Table(
    id: 1, name: "t", messageName: "tables.T",
    columns: types.enumerated().map { index, type in
      Column(
        name: "c\(index)", type: type, number: index < 5 ? index + 1 : index + 2, isNullable: true)
    })

  static func run(_ bytes: [UInt8]) throws {
    try fromStore(RowImage(bytes: bytes))
    guard let values = draft(bytes) else { return }
    // What a client may send is stored, and read again, as it was read first.
    let image = RowEncoder.image(of: values, table: table)
    guard let again = draft(image.bytes) else {
      throw FuzzFault("the row of \(values) is refused: \(image.bytes)")
    }
    // By their bytes, since text may be equal to other text.
    let second = RowEncoder.image(of: again, table: table)
    try require(second == image, "\(values) are read again as \(again)")
    let stored = RowEncoder.image(of: RowDecoder.values(of: image, table: table), table: table)
    try require(stored == image, "\(values) are stored otherwise")
    let changed = RowDecoder.changedNumbers(from: image, to: image)
    try require(changed.isEmpty, "a row differs from itself in \(changed)")
    let numbers = Set(table.columns.map(\.number))
    try require(
      RowDecoder.image(image, keepingNumbers: numbers) == image,
      "a row of all its fields is another")
  }

  /// Nil: no row.
  private static func draft(_ bytes: [UInt8]) -> [Value]? {
    bytes.withUnsafeBytes { bytes in
      (try? RowDecoder.draft(of: bytes, table: table))?.values.map { $0 ?? .null }
    }
  }

  /// A file that is damaged may hold anything.
  private static func fromStore(_ image: RowImage) throws {
    let values = RowDecoder.values(of: image, table: table)
    try require(values.count == types.count, "\(values.count) values of \(types.count) columns")
    let part = RowDecoder.image(image, keepingNumbers: [1, 2, 7])
    try require(part.bytes.count <= image.bytes.count, "a part of a row is longer than the row")
    let changed = RowDecoder.changedNumbers(from: part, to: image)
    try require(!changed.contains(1) && !changed.contains(7), "kept fields differ: \(changed)")
  }
}
