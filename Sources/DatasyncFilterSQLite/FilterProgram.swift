import DatasyncFilter
import DatasyncModel
import Synchronization

/// A filter as an argument of a SQL function, for those that are too deep to be written as SQL: its
/// text, and the columns that it reads, whose values are the further arguments. A value.
struct FilterProgram: Sendable {
  /// SQLite before 3.48 takes 127 arguments, of which the program and the moment are two.
  static let maxColumns = 120

  let filter: Filter
  /// The types of the columns, in the order of the arguments.
  let kinds: [ColumnType]

  // MARK: - Text

  /// Fields with their lengths before them: the filter, then name and type of each column.
  static func text(of filter: Filter, columns: [Column]) -> String {
    var fields = [filter.text]
    for column in columns {
      fields.append(column.name)
      fields.append(contentsOf: typeFields(column.type))
    }
    return fields.map { "\($0.utf8.count):\($0)" }.joined()
  }

  private static func typeFields(_ type: ColumnType) -> [String] {
    switch type {
    case .bool: ["bool"]
    case .int64: ["int64"]
    case .double: ["double"]
    case .string: ["string"]
    case .bytes: ["bytes"]
    case .timestamp: ["timestamp"]
    case .date: ["date"]
    case .timeOfDay: ["timeOfDay"]
    case .decimal(let asWritten): [asWritten ? "decimal text" : "decimal"]
    case .uuid: ["uuid"]
    case .json(let asWritten): [asWritten ? "json text" : "json"]
    case .enumeration(let values): ["enumeration", String(values.count)] + values
    }
  }

  init?(text: String) {
    guard var fields = FilterProgram.fields(of: text)?[...], let filter = fields.popFirst() else {
      return nil
    }
    var columns = FilterProgram.systemColumns
    while let name = fields.popFirst() {
      guard let type = FilterProgram.type(from: &fields) else { return nil }
      columns.append(
        Column(name: name, type: type, number: columns.count + 1, isNullable: true))
    }
    let table = Table(id: 0, name: "", messageName: "", columns: columns)
    // It was within its limits when it was first parsed.
    var limits = FilterLimits.default
    limits.maxLength = .max
    limits.maxNodes = .max
    guard let parsed = try? Filter(parsing: filter, table: table, limits: limits) else {
      return nil
    }
    self.filter = parsed
    kinds = columns.dropFirst(SystemColumn.count).map(\.type)
  }

  /// A table has its system columns; these have names that no filter can utter.
  private static let systemColumns = (0..<SystemColumn.count).map {
    Column(name: " \($0)", type: .int64, number: $0 + 1, isNullable: true)
  }

  private static func fields(of text: String) -> [String]? {
    var fields: [String] = []
    var rest = text.utf8[...]
    while !rest.isEmpty {
      guard let mark = rest.firstIndex(of: 0x3A), let count = Int(String(rest[..<mark]) ?? ""),
        count >= 0, count <= rest.count
      else { return nil }
      let start = rest.index(after: mark)
      guard let end = rest.index(start, offsetBy: count, limitedBy: rest.endIndex),
        let field = String(rest[start..<end])
      else { return nil }
      fields.append(field)
      rest = rest[end...]
    }
    return fields
  }

  private static func type(from fields: inout ArraySlice<String>) -> ColumnType? {
    switch fields.popFirst() {
    case "bool": return .bool
    case "int64": return .int64
    case "double": return .double
    case "string": return .string
    case "bytes": return .bytes
    case "timestamp": return .timestamp
    case "date": return .date
    case "timeOfDay": return .timeOfDay
    case "decimal text": return .decimal(asWritten: true)
    case "decimal": return .decimal(asWritten: false)
    case "uuid": return .uuid
    case "json text": return .json(asWritten: true)
    case "json": return .json(asWritten: false)
    case "enumeration":
      guard let count = fields.popFirst().flatMap({ Int($0) }), count >= 0, count <= fields.count
      else { return nil }
      defer { fields = fields.dropFirst(count) }
      return .enumeration(Array(fields.prefix(count)))
    default: return nil
    }
  }

  // MARK: - Running

  /// 1 where the filter is true of the arguments, 0 elsewhere; null where they are no program's.
  static let function = SQLFunction(
    name: "datasync_filter", argumentCount: -1
  ) { (arguments, budget) throws(FilterFault) in
    guard arguments.count >= 2, case .string(let text) = arguments[0],
      let program = FilterProgramCache.shared.program(text),
      arguments.count == program.kinds.count + 2,
      case .timestamp(let now) = OperandKind.timestamp.read(arguments[1])
    else { return .null }
    var values = [Value].nulls(SystemColumn.count)
    for (argument, type) in zip(arguments[2...], program.kinds) {
      values.append(ExpressionType(type).operandKind.read(argument).value)
    }
    let matches = try program.filter.matches(values, now: now, memo: TextMemo(budget))
    return .int64(matches ? 1 : 0)
  }
}

/// The programs run last, so that a scan parses its filter once. Sendable: a lock guards it.
final class FilterProgramCache: Sendable {
  static let shared = FilterProgramCache()
  /// A program is at most a few hundred KiB, and deep filters are rare.
  private static let maxCount = 8

  private struct Entry: Sendable {
    let text: String
    /// nil: the text is no program.
    let program: FilterProgram?
  }

  /// The least recently used first.
  private let entries = Mutex<[Entry]>([])

  func program(_ text: String) -> FilterProgram? {
    entries.withLock { entries in
      if let index = entries.lastIndex(where: { TextOrder.areEqual($0.text, text) }) {
        if index != entries.count - 1 { entries.append(entries.remove(at: index)) }
        return entries[entries.count - 1].program
      }
      let program = FilterProgram(text: text)
      if entries.count == FilterProgramCache.maxCount { entries.removeFirst() }
      entries.append(Entry(text: text, program: program))
      return program
    }
  }
}
