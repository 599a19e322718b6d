import DatasyncFilter
import DatasyncModel

/// A checked tree as one text, and back: fields with their lengths before them, an expression's own
/// ahead of those of its parts.
enum ProgramText {
  // MARK: - Writing

  /// - Parameters:
  ///   - columns: Those that it reads; in the text they are numbered as they stand here.
  ///   - types: One for each.
  static func of(_ tree: Expression, columns: [Int], types: [ColumnType]) -> String {
    var writer = Writer(
      places: Dictionary(
        columns.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first }))
    writer.add(String(columns.count))
    for type in types { writer.add(type) }
    writer.add(tree)
    return writer.text
  }

  private struct Writer {
    let places: [Int: Int]
    private(set) var text = ""

    init(places: [Int: Int]) {
      self.places = places
    }

    mutating func add(_ field: String) {
      text += "\(field.utf8.count):\(field)"
    }

    mutating func add(_ type: ColumnType) {
      switch type {
      case .bool: add("bool")
      case .int64: add("int64")
      case .double: add("double")
      case .string: add("string")
      case .bytes: add("bytes")
      case .timestamp: add("timestamp")
      case .date: add("date")
      case .timeOfDay: add("timeOfDay")
      case .decimal(let asWritten): add(asWritten ? "decimal text" : "decimal")
      case .uuid: add("uuid")
      case .json(let asWritten): add(asWritten ? "json text" : "json")
      case .enumeration(let values):
        add("enumeration")
        add(values)
      }
    }

    private mutating func add(_ values: [String]) {
      add(String(values.count))
      for value in values { add(value) }
    }

    mutating func add(_ tree: Expression) {
      switch tree.kind {
      case .literal(let operand):
        add("literal")
        add(operand)
      case .column(let column):
        add("column")
        add(String(places[column] ?? -1))
      case .now: add("now")
      case .call(let operation, let arguments):
        add("call")
        add(operation.name)
        add(tree.type.columnType)
        add(arguments)
      case .comparison(let comparison, let left, let right, let domain):
        add("comparison")
        add(comparison.rawValue)
        add(domain)
        add(left)
        add(right)
      case .membership(let operand, let constants, let orNull, let domain):
        add(operand, isIn: constants, orNull: orNull, domain)
      case .memberOf(let operand, let set, let domain):
        add(operand, isIn: set.values?.elements ?? [], orNull: false, domain)
      case .isNull(let operand, let negated):
        add(negated ? "is not null" : "is null")
        add(operand)
      case .and(let terms):
        add("and")
        add(terms)
      case .or(let terms):
        add("or")
        add(terms)
      case .not(let operand):
        add("not")
        add(operand)
      }
    }

    private mutating func add(
      _ operand: Expression, isIn constants: [Operand], orNull: Bool, _ domain: ComparisonDomain
    ) {
      add(orNull ? "in or null" : "in")
      add(domain)
      add(String(constants.count))
      for constant in constants { add(constant) }
      add(operand)
    }

    private mutating func add(_ expressions: [Expression]) {
      add(String(expressions.count))
      for expression in expressions { add(expression) }
    }

    private mutating func add(_ domain: ComparisonDomain) {
      switch domain {
      case .stored: add("stored")
      case .decimal: add("decimal")
      case .rank(let values):
        add("rank")
        add(values)
      }
    }

    private mutating func add(_ operand: Operand) {
      switch operand {
      case .null: add("null")
      case .bool(let value): add(value ? "true" : "false")
      case .int64(let value): add("int64", String(value))
      case .double(let value): add("double", String(value.bitPattern))
      case .decimal(let value): add("decimal", value.text)
      case .string(let value): add("string", value)
      case .bytes(let value): add("bytes", value.map { String($0) }.joined(separator: " "))
      case .timestamp(let value): add("timestamp", String(value))
      }
    }

    private mutating func add(_ kind: String, _ value: String) {
      add(kind)
      add(value)
    }
  }
}

extension ExpressionType {
  /// A column of the type; what is null has none of its own.
  fileprivate var columnType: ColumnType {
    switch self {
    case .null, .string: .string
    case .bool: .bool
    case .int64: .int64
    case .double: .double
    case .decimal: .decimal(asWritten: true)
    case .bytes: .bytes
    case .timestamp: .timestamp
    case .date: .date
    case .timeOfDay: .timeOfDay
    case .uuid: .uuid
    case .enumeration(let values): .enumeration(values)
    }
  }
}
