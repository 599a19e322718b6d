import DatasyncModel

extension Checker {
  /// `x in @principal.NAME`: x has the type of the set's values.
  func memberOf(
    _ operand: Syntax, _ name: String, named place: Int, at position: Int
  ) throws(ParseFault) -> Expression {
    guard let names else {
      throw ParseFault(at: place, "found \(name.shortened); expected a list after in")
    }
    let (set, type) = try names.set(name, at: place)
    var operand = try expression(operand)
    if operand.type == .string, operand.type != type, operand.literal != nil,
      let converted = try literal(operand, as: type)
    {
      operand = converted
    }
    guard operand.type == type else {
      throw ParseFault(
        at: position,
        "found values of types \(operand.type.name) and \(type.name); in needs both of one type")
    }
    return Expression(
      kind: .memberOf(operand, MemberSet(name: set), type == .decimal ? .decimal : .stored),
      type: .bool, position: position)
  }

  /// Refuses conditions about the principal as operands: what is absent makes comparisons null, and
  /// what compares those would have to be null as well, row by row.
  func checkOperands(of expression: Expression) throws(ParseFault) {
    switch expression.kind {
    case .and(let terms), .or(let terms):
      for term in terms { try checkOperands(of: term) }
    case .not(let operand):
      try checkOperands(of: operand)
    case .literal, .column, .now: break
    case .call, .comparison, .membership, .memberOf, .isNull:
      for part in expression.parts { try checkOperand(part) }
    }
  }

  private func checkOperand(_ operand: Expression) throws(ParseFault) {
    switch operand.kind {
    case .literal, .column, .now: return
    case .call:
      for part in operand.parts { try checkOperand(part) }
    case .comparison, .membership, .memberOf, .isNull, .and, .or, .not:
      guard !isAboutPrincipal(operand) else {
        throw ParseFault(
          at: operand.position,
          "found a condition about the principal as an operand; join conditions with and, or, not")
      }
    }
  }

  private func isAboutPrincipal(_ expression: Expression) -> Bool {
    var found = false
    expression.forEach { part in
      switch part.kind {
      case .column(let column): found = found || names?.isOfPrincipal(column) == true
      case .memberOf: found = true
      default: break
      }
    }
    return found
  }
}
