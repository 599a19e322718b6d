import DatasyncFilter
import DatasyncModel
import Synchronization

/// A condition as an argument of a SQL function, for those that are too deep to be written as SQL: its
/// tree as text, and the columns that it reads, whose values are the further arguments. A value.
struct FilterProgram: Sendable {
  /// SQLite before 3.48 takes 127 arguments, of which the program and the moment are two.
  static let maxColumns = 120

  let filter: Filter
  /// The types of the columns, in the order of the arguments.
  let kinds: [ColumnType]

  /// nil where the text is no program; see ``ProgramText``.
  init?(text: String) {
    guard let (tree, types) = ProgramReader.read(text) else { return nil }
    // A table has its system columns; no program reads them as such.
    let columns = (Array(repeating: ColumnType.int64, count: SystemColumn.count) + types)
      .enumerated().map { index, type in
        Column(name: " \(index)", type: type, number: index + 1, isNullable: true)
      }
    filter = Filter(
      checked: tree, table: Table(id: 0, name: "", messageName: "", columns: columns))
    kinds = types
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
