import DatasyncModel

extension Checker {
  func comparison(
    _ comparison: ComparisonOperator, _ left: Syntax, _ right: Syntax, at position: Int
  ) throws(ParseFault) -> Expression {
    let left = try expression(left)
    let right = try expression(right)
    return try compared(comparison, left, right, at: position)
  }

  private func compared(
    _ comparison: ComparisonOperator, _ left: Expression, _ right: Expression, at position: Int
  ) throws(ParseFault) -> Expression {
    if let compared = nullComparison(comparison, left, right, at: position) { return compared }
    let (left, right, domain) = try comparable(left, right, of: comparison.rawValue, at: position)
    let effective: ComparisonDomain
    if case .enumeration(let values) = left.type, comparison != .eq, comparison != .ne {
      effective = .rank(values)
    } else {
      effective = domain
    }
    return Expression(
      kind: .comparison(comparison, left, right, effective), type: .bool, position: position)
  }

  /// Comparisons with the constant null are tests for it.
  private func nullComparison(
    _ comparison: ComparisonOperator, _ left: Expression, _ right: Expression, at position: Int
  ) -> Expression? {
    guard left.literal == .null || right.literal == .null else { return nil }
    let other = left.literal == .null ? right : left
    let kind: Expression.Kind =
      switch comparison {
      case .gt, .lt: .literal(.bool(false))
      case .eq, .ge, .le: .isNull(other, negated: false)
      case .ne: .isNull(other, negated: true)
      }
    return Expression(kind: kind, type: .bool, position: position)
  }

  func membership(
    _ operand: Syntax, _ elements: [Syntax], at position: Int
  ) throws(ParseFault) -> Expression {
    try contained(try expression(operand), elements, at: position)
  }

  private func contained(
    _ operand: Expression, _ elements: [Syntax], at position: Int
  ) throws(ParseFault) -> Expression {
    var constants: [Expression] = []
    var hasNull = false
    for syntax in elements {
      let element = try expression(syntax)
      guard let constant = element.literal else {
        throw ParseFault(at: element.position, "found no constant; a list after in holds constants")
      }
      if constant == .null { hasNull = true } else { constants.append(element) }
    }
    let list =
      operand.type == .decimal && !constants.isEmpty
      ? try decimalList(operand, constants, at: position)
      : try list(operand, constants, at: position)
    return Expression(
      kind: .membership(list.operand, list.constants, orNull: hasNull, list.domain), type: .bool,
      position: position)
  }

  private typealias List = (operand: Expression, constants: [Operand], domain: ComparisonDomain)

  private func list(
    _ operand: Expression, _ constants: [Expression], at position: Int
  ) throws(ParseFault) -> List {
    // The constant null is in no list but one with null.
    if operand.type == .null { return (operand, [], .stored) }
    var list: List = (operand, [], .stored)
    for constant in constants {
      let (left, right, _) = try comparable(list.operand, constant, of: "in", at: position)
      guard left.type == list.operand.type || list.constants.isEmpty else {
        throw ParseFault(
          at: constant.position,
          "found a constant of type \(constant.type.name) after others; in needs all of one type")
      }
      list.operand = left
      guard let value = right.literal else { continue }
      // An integer equals no number with a fraction.
      switch (left.type, value) {
      case (.int64, .double(let value)):
        if let value = Int64(exactly: value) { list.constants.append(.int64(value)) }
      case (.int64, .decimal): break
      default: list.constants.append(value)
      }
    }
    return list
  }

  /// Decimals are compared with decimals and integers exactly, but with doubles as doubles; one list
  /// is compared in one way.
  private func decimalList(
    _ operand: Expression, _ constants: [Expression], at position: Int
  ) throws(ParseFault) -> List {
    if constants.allSatisfy({ $0.type == .double }) {
      return (double(operand), constants.compactMap(\.literal), .stored)
    }
    var list: List = (operand, [], .decimal)
    for constant in constants {
      guard let value = constant.literal.flatMap({ Decimal($0) }) else {
        throw ParseFault(
          at: constant.position,
          "found a constant of type \(constant.type.name); in needs decimals here, or doubles only")
      }
      list.constants.append(.decimal(value))
    }
    return list
  }

  // MARK: - Making comparable

  /// The two as they are compared, and how.
  private func comparable(
    _ left: Expression, _ right: Expression, of word: String, at position: Int
  ) throws(ParseFault) -> (Expression, Expression, ComparisonDomain) {
    if left.type.isNumber, right.type.isNumber { return numbers(left, right) }
    if left.type == right.type { return (left, right, .stored) }
    if left.type == .timestamp, right.type == .date { return (left, moment(right), .stored) }
    if left.type == .date, right.type == .timestamp { return (moment(left), right, .stored) }
    if right.type == .string, let converted = try literal(right, as: left.type) {
      return (left, converted, .stored)
    }
    if left.type == .string, let converted = try literal(left, as: right.type) {
      return (converted, right, .stored)
    }
    throw ParseFault(
      at: position,
      "found values of types \(left.type.name) and \(right.type.name); \(word) needs both of one type"
        + (hint(left, right) ?? hint(right, left) ?? ""))
  }

  /// What to write where the one is compared with the other.
  private func hint(_ left: Expression, _ right: Expression) -> String? {
    switch (left.type, right.type) {
    case (.bool, .int64), (.bool, .decimal), (.bool, .string):
      return "; compare with true or false"
    case (.int64, .string), (.double, .string), (.decimal, .string):
      guard case .string(let text) = right.literal, let number = Decimal(text) else { return nil }
      return "; numbers stand without quotes: \(number.text.shortened)"
    case (.string, .int64), (.string, .decimal):
      guard let number = right.literal.flatMap({ Decimal($0) }) else { return nil }
      return Lexer.quotesHint(for: number.text.unicodeScalars)
    case (.enumeration, _):
      return "; cast(…, Edm.String) makes text of an enumeration"
    default:
      return nil
    }
  }

  private func numbers(
    _ left: Expression, _ right: Expression
  ) -> (Expression, Expression, ComparisonDomain) {
    switch (left.type, right.type) {
    case (.double, .decimal):
      let converted = double(right)
      return (left, converted, .stored)
    case (.decimal, .double):
      let converted = double(left)
      return (converted, right, .stored)
    case (.int64, .decimal):
      return integer(right).map { (left, $0, .stored) } ?? (left, right, .decimal)
    case (.decimal, .int64):
      return integer(left).map { ($0, right, .stored) } ?? (left, right, .decimal)
    case (.decimal, .decimal):
      return (left, right, .decimal)
    default:
      return (left, right, .stored)
    }
  }

  private func double(_ expression: Expression) -> Expression {
    call(.comparableDouble, [expression], as: .double, at: expression.position)
  }

  /// The integer that a decimal constant is.
  private func integer(_ expression: Expression) -> Expression? {
    guard case .decimal(let value) = expression.literal, let integer = value.int64 else {
      return nil
    }
    return Expression(
      kind: .literal(.int64(integer)), type: .int64, position: expression.position)
  }

  private func moment(_ expression: Expression) -> Expression {
    call(.timestamp, [expression], as: .timestamp, at: expression.position)
  }

  /// A text constant as a date, time, UUID or enum value, which it must then be; nil where there is no
  /// such way.
  func literal(
    _ expression: Expression, as type: ExpressionType
  ) throws(ParseFault) -> Expression? {
    guard case .string(let text) = expression.literal else { return nil }
    let operand: Operand?
    switch type {
    case .enumeration(let values):
      guard let value = values.first(where: { TextOrder.areEqual($0, text) }) else {
        let allowed = values.map { "'\($0)'" }.joined(separator: ", ")
        throw ParseFault(
          at: expression.position,
          "found '\(text.shortened)'; expected one of \(allowed)"
            + NameSuggestion.clause(for: text, among: values))
      }
      operand = .string(value)
    case .date, .timeOfDay, .timestamp, .uuid:
      operand = Literal.operand(of: text, as: type)
    case .null, .bool, .int64, .double, .decimal, .string, .bytes:
      return nil
    }
    guard let operand else {
      throw ParseFault(
        at: expression.position,
        "found '\(text.shortened)'; expected a constant of type \(type.name)")
    }
    return Expression(kind: .literal(operand), type: type, position: expression.position)
  }
}
