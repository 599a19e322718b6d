import DatasyncModel

/// Gives every node of a parse tree its type, or says what is wrong. A value; used once.
struct Checker {
  let table: Table
  /// What may be named beside columns; nil: nothing, as in a client's filter.
  var names: RuleNames?

  /// Checks a whole filter.
  func condition(_ syntax: Syntax) throws(ParseFault) -> Expression {
    let expression = try expression(syntax)
    guard expression.type == .bool || expression.type == .null else {
      throw ParseFault(
        at: expression.position,
        "found a value of type \(expression.type.name); expected a condition, which is true or false"
      )
    }
    return expression
  }

  func expression(_ syntax: Syntax) throws(ParseFault) -> Expression {
    let position = syntax.position
    switch syntax.kind {
    case .literal(let literal):
      return Expression(kind: .literal(literal.operand), type: literal.type, position: position)
    case .field(let name):
      return try field(name, at: position)
    case .call(let name, let arguments):
      return try call(name, arguments, at: position)
    case .not(let operand):
      return try not(operand, at: position)
    case .minus(let operand):
      return try minus(operand, at: position)
    case .arithmetic(let arithmetic, let left, let right):
      return try self.arithmetic(arithmetic, left, right, at: position)
    case .comparison(let comparison, let left, let right):
      return try self.comparison(comparison, left, right, at: position)
    case .logical(let logical, let terms):
      return try self.logical(logical, terms, at: position)
    case .membership(let operand, let elements):
      return try membership(operand, elements, at: position)
    case .memberOf(let operand, let set, let place):
      return try memberOf(operand, set, named: place, at: position)
    }
  }

  // MARK: - Fields

  private func field(_ name: String, at position: Int) throws(ParseFault) -> Expression {
    let index: Int
    do throws(ParseFault) {
      if let names {
        index = try names.position(of: name, at: position)
      } else {
        index = try table.position(ofField: name, at: position)
      }
    } catch {
      throw Checker.unknown(name, fault: error)
    }
    return Expression(
      kind: .column(index), type: ExpressionType(table.columns[index].type), position: position)
  }

  /// A name that nothing is near may be a text without its quotes.
  private static func unknown(_ name: String, fault: ParseFault) -> ParseFault {
    if name.hasPrefix("@") { return fault }
    if ["true", "false", "null"].contains(name.lowercased()) {
      return ParseFault(at: fault.position, "\(fault.description); write \(name.lowercased())")
    }
    guard !fault.description.contains("did you mean") else { return fault }
    return ParseFault(
      at: fault.position, fault.description + Lexer.quotesHint(for: name.unicodeScalars))
  }

  // MARK: - Logic

  private func truth(
    _ syntax: Syntax, of word: String
  ) throws(ParseFault) -> Expression {
    let expression = try expression(syntax)
    guard expression.type == .bool || expression.type == .null else {
      throw conditionExpected(expression, by: word)
    }
    return expression
  }

  private func conditionExpected(_ found: Expression, by word: String) -> ParseFault {
    ParseFault(
      at: found.position,
      "found a value of type \(found.type.name); \(word) needs conditions"
        + (word == "not" ? ", such as not (a eq b)" : ""))
  }

  private func not(_ syntax: Syntax, at position: Int) throws(ParseFault) -> Expression {
    let operand = try truth(syntax, of: "not")
    return Expression(kind: .not(operand), type: .bool, position: position)
  }

  private func logical(
    _ logical: LogicalOperator, _ terms: [Syntax], at position: Int
  ) throws(ParseFault) -> Expression {
    var checked: [Expression] = []
    for term in terms { checked.append(try truth(term, of: logical.rawValue)) }
    return Expression(
      kind: logical == .and ? .and(checked) : .or(checked), type: .bool, position: position)
  }

  // MARK: - Arithmetic

  private func minus(_ syntax: Syntax, at position: Int) throws(ParseFault) -> Expression {
    try negated(try expression(syntax), at: position)
  }

  private func negated(_ operand: Expression, at position: Int) throws(ParseFault) -> Expression {
    guard let arithmetic = Operation.arithmetic(for: operand.type) else {
      guard operand.type != .null else { return null(at: position) }
      throw ParseFault(
        at: operand.position,
        "found a value of type \(operand.type.name); - needs a number")
    }
    return call(arithmetic.negate, [operand], as: operand.type, at: position)
  }

  private func arithmetic(
    _ arithmetic: ArithmeticOperator, _ left: Syntax, _ right: Syntax, at position: Int
  ) throws(ParseFault) -> Expression {
    let left = try expression(left)
    let right = try expression(right)
    return try computed(arithmetic, left, right, at: position)
  }

  private func computed(
    _ arithmetic: ArithmeticOperator, _ left: Expression, _ right: Expression, at position: Int
  ) throws(ParseFault) -> Expression {
    for operand in [left, right] where !operand.type.isNumber && operand.type != .null {
      throw ParseFault(
        at: operand.position,
        "found a value of type \(operand.type.name); \(arithmetic.rawValue) needs numbers")
    }
    if left.type == .null || right.type == .null { return null(at: position) }
    var type = Checker.common(left.type, right.type)
    if arithmetic == .divby, type == .int64 { type = .decimal }
    guard let operations = Operation.arithmetic(for: type) else { return null(at: position) }
    let operation =
      switch arithmetic {
      case .add: operations.add
      case .sub: operations.subtract
      case .mul: operations.multiply
      case .div, .divby: operations.divide
      case .mod: operations.remainder
      }
    return call(operation, [left, right], as: type, at: position)
  }

  /// The type that two numbers are computed in.
  static func common(_ left: ExpressionType, _ right: ExpressionType) -> ExpressionType {
    if left == .double || right == .double { return .double }
    return left == .decimal || right == .decimal ? .decimal : .int64
  }

  // MARK: - Building

  func null(at position: Int) -> Expression {
    Expression(kind: .literal(.null), type: .null, position: position)
  }

  /// A call, or its result where all arguments are constants.
  func call(
    _ operation: Operation, _ arguments: [Expression], as type: ExpressionType, at position: Int
  ) -> Expression {
    let constants = arguments.compactMap(\.literal)
    let kind: Expression.Kind =
      constants.count == arguments.count
      ? .literal(operation(constants)) : .call(operation, arguments)
    return Expression(kind: kind, type: type, position: position)
  }
}

extension Operation {
  /// nil for what is no number.
  static func arithmetic(for type: ExpressionType) -> Arithmetic? {
    switch type {
    case .int64: int64Arithmetic
    case .decimal: decimalArithmetic
    case .double: doubleArithmetic
    case .null, .bool, .string, .bytes, .timestamp, .date, .timeOfDay, .uuid, .enumeration: nil
    }
  }
}

extension Table {
  /// The position of a field's column; `id` is the key where no column has that name.
  func position(ofField name: String, at position: Int) throws(ParseFault) -> Int {
    if let index = index(ofColumn: name) { return index }
    if name == SystemColumn.names[SystemColumn.key.rawValue] { return SystemColumn.key.rawValue }
    throw ParseFault(
      at: position,
      "found '\(name.shortened)', which \(noField(name))")
  }
}
