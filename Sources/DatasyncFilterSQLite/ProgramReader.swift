import DatasyncFilter
import DatasyncModel

/// Reads what ``ProgramText`` wrote. Confined to one call.
struct ProgramReader {
  /// A filter has at most 64 levels, and rules stand around it.
  private static let maxDepth = 200

  private var rest: Substring.UTF8View
  private var types: [ColumnType] = []
  /// Every expression has a place of its own.
  private var position = 0

  /// nil where the text is no program.
  static func read(_ text: String) -> (tree: Expression, types: [ColumnType])? {
    var reader = ProgramReader(rest: text[...].utf8)
    guard let count = reader.count() else { return nil }
    for _ in 0..<count {
      guard let type = reader.type() else { return nil }
      reader.types.append(type)
    }
    guard let tree = reader.expression(depth: 1), reader.rest.isEmpty else { return nil }
    return (tree, reader.types)
  }

  private init(rest: Substring.UTF8View) {
    self.rest = rest
  }

  // MARK: - Fields

  private mutating func field() -> String? {
    guard let mark = rest.firstIndex(of: 0x3A), let count = Int(String(rest[..<mark]) ?? ""),
      count >= 0, count <= rest.count
    else { return nil }
    let start = rest.index(after: mark)
    guard let end = rest.index(start, offsetBy: count, limitedBy: rest.endIndex),
      let field = String(rest[start..<end])
    else { return nil }
    rest = rest[end...]
    return field
  }

  /// Of fields that follow: each takes two bytes at least.
  private mutating func count() -> Int? {
    guard let count = field().flatMap({ Int($0) }), count >= 0, count <= rest.count / 2 else {
      return nil
    }
    return count
  }

  private mutating func list<Element>(
    _ element: (inout ProgramReader) -> Element?
  ) -> [Element]? {
    guard let count = count() else { return nil }
    var list: [Element] = []
    for _ in 0..<count {
      guard let element = element(&self) else { return nil }
      list.append(element)
    }
    return list
  }

  private mutating func type() -> ColumnType? {
    switch field() {
    case "bool": .bool
    case "int64": .int64
    case "double": .double
    case "string": .string
    case "bytes": .bytes
    case "timestamp": .timestamp
    case "date": .date
    case "timeOfDay": .timeOfDay
    case "decimal text": .decimal(asWritten: true)
    case "decimal": .decimal(asWritten: false)
    case "uuid": .uuid
    case "json text": .json(asWritten: true)
    case "json": .json(asWritten: false)
    case "enumeration": list { $0.field() }.map { .enumeration($0) }
    default: nil
    }
  }

  private mutating func domain() -> ComparisonDomain? {
    switch field() {
    case "stored": .stored
    case "decimal": .decimal
    case "rank": list { $0.field() }.map { .rank($0) }
    default: nil
    }
  }

  private mutating func operand() -> Operand? {
    switch field() {
    case "null": .null
    case "true": .bool(true)
    case "false": .bool(false)
    case "int64": field().flatMap { Int64($0) }.map { .int64($0) }
    case "double": field().flatMap { UInt64($0) }.map { .double(Double(bitPattern: $0)) }
    case "decimal": field().flatMap { Decimal($0) }.map { .decimal($0) }
    case "string": field().map { .string($0) }
    case "bytes": field().map { .bytes($0.split(separator: " ").compactMap { UInt8($0) }) }
    case "timestamp": field().flatMap { Int64($0) }.map { .timestamp($0) }
    default: nil
    }
  }

  // MARK: - Expressions

  private mutating func expression(depth: Int) -> Expression? {
    guard depth <= ProgramReader.maxDepth else { return nil }
    position += 1
    let place = position
    guard let (kind, type) = kind(depth: depth + 1) else { return nil }
    return Expression(kind: kind, type: type, position: place)
  }

  private typealias Typed = (kind: Expression.Kind, type: ExpressionType)

  private mutating func kind(depth: Int) -> Typed? {
    switch field() {
    case "literal":
      return operand().map { (.literal($0), .null) }
    case "column":
      guard let column = field().flatMap({ Int($0) }), types.indices.contains(column) else {
        return nil
      }
      return (.column(SystemColumn.count + column), ExpressionType(types[column]))
    case "now": return (.now, .timestamp)
    case "call": return call(depth: depth)
    case "comparison": return comparison(depth: depth)
    case "in": return membership(orNull: false, depth: depth)
    case "in or null": return membership(orNull: true, depth: depth)
    case "is null":
      return expression(depth: depth).map { (.isNull($0, negated: false), .bool) }
    case "is not null":
      return expression(depth: depth).map { (.isNull($0, negated: true), .bool) }
    case "and": return list { $0.expression(depth: depth) }.map { (.and($0), .bool) }
    case "or": return list { $0.expression(depth: depth) }.map { (.or($0), .bool) }
    case "not": return expression(depth: depth).map { (.not($0), .bool) }
    default: return nil
    }
  }

  private static let operations = Dictionary(
    Operation.all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

  private mutating func call(depth: Int) -> Typed? {
    guard let name = field(), let operation = ProgramReader.operations[name], let type = type(),
      let arguments = list({ $0.expression(depth: depth) })
    else { return nil }
    return (.call(operation, arguments), ExpressionType(type))
  }

  private mutating func comparison(depth: Int) -> Typed? {
    guard let word = field(), let comparison = ComparisonOperator(rawValue: word),
      let domain = domain(), let left = expression(depth: depth),
      let right = expression(depth: depth)
    else { return nil }
    return (.comparison(comparison, left, right, domain), .bool)
  }

  private mutating func membership(orNull: Bool, depth: Int) -> Typed? {
    guard let domain = domain(), let constants = list({ $0.operand() }),
      let operand = expression(depth: depth)
    else { return nil }
    return (.membership(operand, constants, orNull: orNull, domain), .bool)
  }
}
