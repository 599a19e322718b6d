import DatasyncModel

/// A table made at random, and rows of it in the three forms that are compared.
struct GeneratedTable {
  let table: Table
  let declaration: String
}

/// One cell: as it is inserted, and as the naive interpreter knows it; nil: as SQLite made it, which
/// is read back.
struct GeneratedCell {
  let stored: Value
  let naive: NaiveValue?
  /// Another program's, which fits no column of the type, and so is read as null.
  var isUnfit = false
}

/// Makes tables and rows: nulls, empty texts, extremes, and everything that quoting could get wrong.
enum RowGenerator {
  static let enumValues = ["zebra", "apple", "Mango", "it's", "\u{E9}"]

  static let texts = [
    "", "a", "A", "b", "ab", "abc", "ABC", "%", "_", "a%b", "a_b", "it's", "''", "\"q\"", "?",
    "\\", "--", "; DROP", "\u{E9}", "e\u{301}", "\u{C9}", "\u{DF}", "SS", "\u{130}", "i\u{307}",
    "\u{1F600}", "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}", "\u{FF5E}", "  x ",
    "\u{A0}x\u{2003}",
    "12", "007", "-5", "1.50", "1e3", "9223372036854775808", "true", "1994-10-14", "2023-02-29",
    "\u{391}\u{3A3}", "\u{3C3}", "\u{FB01}", "null", "x\ny", "zebra", "apple",
  ]
  static let integers: [Int64] = [
    0, 1, -1, 2, 3, 5, 7, 10, -10, 42, 60, 100, 1994, 9_007_199_254_740_992,
    9_007_199_254_740_993, .max, .max - 1, .min, .min + 1, 4_294_967_296, 127, 255, 256,
  ]
  static let doubles: [Double] = [
    0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 0.3, 9.99, 60, 1994, 9_007_199_254_740_992, 0x1p63,
    -0x1p63, 1e20, 1e21, 1e-7, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -1e300, 3.4e38,
    3.5e38,
  ]
  static let longest = "9999999999999999999999999999999999"
  static let decimals = [
    "0", "1", "-1", "0.5", "-0.5", "1.5", "2.5", "-2.50", "0.1", "0.10", "12.50", "60", "1994",
    "9007199254740993", "9223372036854775808", longest,
    "0.0000000000000000000000000000000001", "-1234567890.123456789", "3.333333333333333333",
    "10000000000000000000000",
  ]
  static let moments: [Int64] = [
    0, 1, -1, 1_700_000_000_123_456, 1_709_251_199_999_999, -62_135_596_800_000_000,
    253_402_300_799_999_999, 782_092_800_000_000, 86_400_000_000,
  ]
  static let dates = [
    (1, 1, 1), (9999, 12, 31), (1994, 10, 14), (2024, 2, 29), (1970, 1, 1), (1969, 12, 31),
    (2023, 11, 14),
  ]
  static let times: [Int64] = [
    0, 8_040_000_000, 8_040_500_000, 86_399_999_999, 43_200_000_000, 1, 8_040_450_000,
  ]
  static let uuids = [
    "123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff", "01890a5d-ac96-774b-bcce-b302099a8057",
  ]
  static let jsons = [
    "null", "true", "12", "1.50", "\"x\"", "{\"a\": 1}", "[]", "1e400", "123456789012345678901",
  ]
  private static let names = [
    "title", "n", "and", "eq", "in", "contains", "cast", "select", "na\u{EF}ve", "order_by", "desc",
    "c1", "c2", "group", "Value", "x", "_y", "mod", "date",
  ]

  // MARK: - Tables

  static func table(_ random: inout RandomSource) -> GeneratedTable {
    var columns = Sample.systemColumns(
      key: random.pick(["id", "key", "isbn"]), type: random.chance(2) ? .string : .int64)
    var types: [ColumnType] = [
      .bool, .int64, .double, .string, .decimal(asWritten: true), .enumeration(enumValues), .string,
    ]
    for _ in 0..<4 {
      types.append(
        random.pick([
          .timestamp, .date, .timeOfDay, .uuid, .bytes, .json(asWritten: true),
          .json(asWritten: false), .decimal(asWritten: false), .int64, .double,
        ]))
    }
    let names = names.shuffled(using: &random)
    columns += Sample.columns(Array(zip(names, types)))
    if random.chance(2) {
      let deleted = columns[SystemColumn.deleted.rawValue]
      columns[SystemColumn.deleted.rawValue] = Column(
        name: deleted.name, type: .bool, number: deleted.number, isNullable: true, isSystem: true)
    }
    let table = Table(id: 1, name: "t", messageName: "tables.T", columns: columns)
    let declarations = columns.map { column in
      var text = "\"\(column.name)\" \(Sample.declaredType(column.type))"
      if column.type == .string, random.chance(3) { text += " COLLATE NOCASE" }
      return text
    }
    return GeneratedTable(
      table: table, declaration: "CREATE TABLE t (\(declarations.joined(separator: ", ")))")
  }

  // MARK: - Rows

  /// - Parameter isLoose: Whether other programs wrote into it what does not fit.
  static func row(
    _ table: Table, number: Int, isLoose: Bool, _ random: inout RandomSource
  ) -> [GeneratedCell] {
    table.columns.map { column in
      if column.number == 1 {
        return column.type == .int64
          ? GeneratedCell(stored: .int64(Int64(number)), naive: .int(Int64(number)))
          : GeneratedCell(stored: .string("k\(number)"), naive: .text("k\(number)"))
      }
      if column.number == SystemColumn.deleted.rawValue + 1, column.isNullable, random.chance(3) {
        return GeneratedCell(stored: .null, naive: .bool(false))
      }
      if column.isNullable, !column.isSystem, random.chance(5) {
        return GeneratedCell(stored: .null, naive: .null)
      }
      if isLoose, !column.isSystem, random.chance(4) {
        return GeneratedCell(
          stored: random.pick(UnfitValues.of(column.type)), naive: .null, isUnfit: true)
      }
      return cell(column.type, &random)
    }
  }

  static func text(_ random: inout RandomSource) -> String {
    random.chance(4) ? random.pick(texts) + random.pick(texts) : random.pick(texts)
  }

  static func integer(_ random: inout RandomSource) -> Int64 {
    random.chance(3) ? Int64(random.below(200)) - 100 : random.pick(integers)
  }

  static func decimal(_ random: inout RandomSource) -> String {
    random.chance(3) ? "\(random.below(1000)).\(random.below(1000))" : random.pick(decimals)
  }

  /// In upper case, or in a mixture of cases.
  private static func looseUUID(_ text: String, _ random: inout RandomSource) -> String {
    guard random.chance(2) else { return text }
    if random.chance(2) { return text.uppercased() }
    return String(text.map { random.chance(2) ? Character($0.uppercased()) : $0 })
  }

  /// With a space, with an offset or without one.
  private static func looseMoment(_ text: String, _ random: inout RandomSource) -> String {
    let spaced = random.chance(2) ? text.replacing("T", with: " ") : text
    return spaced.replacing("Z", with: random.pick(["Z", "+00:00", "-00:00", ""]))
  }

  /// As another program may have written it: without the seconds, or with more zeros.
  private static func looseTime(_ text: String, _ random: inout RandomSource) -> String {
    guard random.chance(2) else { return text }
    if text.hasSuffix(":00"), random.chance(2) { return String(text.dropLast(3)) }
    if text.utf8.count == 8 { return text + random.pick([".0", ".000000", ".000"]) }
    return text.utf8.count < 15 ? text + "0" : text
  }

  private static func cell(_ type: ColumnType, _ random: inout RandomSource) -> GeneratedCell {
    switch type {
    case .bool:
      let value = random.chance(2)
      return GeneratedCell(stored: .bool(value), naive: .bool(value))
    case .int64:
      let value = integer(&random)
      return GeneratedCell(stored: .int64(value), naive: .int(value))
    case .double:
      let value = random.pick(doubles)
      return GeneratedCell(stored: .double(value), naive: .real(value))
    case .string:
      let value = text(&random)
      return GeneratedCell(stored: .string(value), naive: .text(value))
    case .bytes:
      let value = random.pick([[], [0], [0, 1], [255], [1, 2, 3], [0x61]] as [[UInt8]])
      // Others may have written text, which is read as the blob that it would be.
      let text = String(validating: value, as: UTF8.self)
      return GeneratedCell(
        stored: random.chance(3) && !value.contains(0)
          ? text.map { .string($0) } ?? .bytes(value) : .bytes(value), naive: .bytes(value))
    case .timestamp:
      let value = random.pick(moments)
      return GeneratedCell(
        stored: random.chance(3)
          ? .string(looseMoment(NaiveValue.momentText(value), &random)) : .timestamp(value),
        naive: .moment(value))
    case .date:
      let (year, month, day) = random.pick(dates)
      return GeneratedCell(
        stored: .string(NaiveValue.dateText(year, month, day)), naive: .date(year, month, day))
    case .timeOfDay:
      let value = random.pick(times)
      return GeneratedCell(
        stored: .string(looseTime(NaiveValue.timeText(value), &random)), naive: .time(value))
    case .decimal(asWritten: true):
      let value = decimal(&random)
      return GeneratedCell(
        stored: .string(value), naive: NaiveDecimal(value).map { .decimal($0) } ?? .null)
    case .decimal(asWritten: false):
      // SQLite would make a double of it that takes 35 digits: see UnfitValues.
      let value = decimal(&random)
      return GeneratedCell(stored: .string(value == longest ? "0" : value), naive: nil)
    case .uuid:
      let value = random.pick(uuids)
      return GeneratedCell(
        stored: .string(looseUUID(value, &random)), naive: .text(value))
    case .json(let asWritten):
      // SQLite would make an infinity of it.
      var value = random.pick(jsons)
      if !asWritten, value == "1e400" { value = "1e40" }
      return GeneratedCell(stored: .string(value), naive: asWritten ? .text(value) : nil)
    case .enumeration(let values):
      let index = random.below(values.count)
      return GeneratedCell(stored: .string(values[index]), naive: .choice(index))
    }
  }
}
