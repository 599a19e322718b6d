import DatasyncModel

/// Makes closures of checked expressions. A value; used once.
struct Compiler {
  typealias Condition = Evaluator.Condition
  typealias Computation = Evaluator.Computation

  let table: Table

  // MARK: - Conditions

  func condition(_ expression: Expression) -> Condition {
    switch expression.kind {
    case .literal(let operand):
      let value: Bool? = if case .bool(let value) = operand { value } else { nil }
      return { _, _ in value }
    case .column(let column):
      return { values, _ in
        if case .bool(let value) = values[column] { value } else { nil }
      }
    case .call, .now:
      let computation = computation(expression)
      return { values, now in
        if case .bool(let value) = computation(values, now) { value } else { nil }
      }
    case .comparison(let comparison, let left, let right, let domain):
      return self.comparison(comparison, left, right, domain)
    case .membership(let operand, let constants, let orNull, let domain):
      return membership(operand, constants, orNull: orNull, domain)
    case .isNull(let operand, let negated):
      return isNull(operand, negated: negated)
    case .and(let terms):
      return conjunction(terms.map(condition))
    case .or(let terms):
      return disjunction(terms.map(condition))
    case .not(let operand):
      let condition = condition(operand)
      return { values, now in condition(values, now).map { !$0 } }
    }
  }

  private func conjunction(_ terms: [Condition]) -> Condition {
    if terms.count == 2 {
      let (first, second) = (terms[0], terms[1])
      return { values, now in
        let left = first(values, now)
        if left == false { return false }
        let right = second(values, now)
        return right == false ? false : left == nil || right == nil ? nil : true
      }
    }
    return { values, now in
      var result: Bool? = true
      for term in terms {
        switch term(values, now) {
        case false: return false
        case nil: result = nil
        default: break
        }
      }
      return result
    }
  }

  private func disjunction(_ terms: [Condition]) -> Condition {
    { values, now in
      var result: Bool? = false
      for term in terms {
        switch term(values, now) {
        case true: return true
        case nil: result = nil
        default: break
        }
      }
      return result
    }
  }

  private func isNull(_ operand: Expression, negated: Bool) -> Condition {
    if operand.type == .bool {
      let condition = condition(operand)
      return { values, now in (condition(values, now) == nil) != negated }
    }
    if let column = operand.column {
      return { values, _ in values[column].isNull != negated }
    }
    let computation = computation(operand)
    return { values, now in computation(values, now).isNull != negated }
  }

  // MARK: - Computations

  func computation(_ expression: Expression) -> Computation {
    switch expression.kind {
    case .literal(let operand):
      return { _, _ in operand }
    case .column(let column):
      let kind = expression.type.operandKind
      return { values, _ in kind.read(values[column]) }
    case .now:
      return { _, now in .timestamp(now) }
    case .call(let operation, let arguments):
      return call(operation, arguments.map(computation))
    case .comparison, .membership, .isNull, .and, .or, .not:
      let condition = condition(expression)
      return { values, now in condition(values, now).map { .bool($0) } ?? .null }
    }
  }

  private func call(_ operation: Operation, _ arguments: [Computation]) -> Computation {
    switch operation.body {
    case .unary(let body) where arguments.count == 1:
      let argument = arguments[0]
      return { values, now in body(argument(values, now)) }
    case .binary(let body) where arguments.count == 2:
      let (first, second) = (arguments[0], arguments[1])
      return { values, now in body(first(values, now), second(values, now)) }
    case .ternary(let body) where arguments.count == 3:
      let (first, second, third) = (arguments[0], arguments[1], arguments[2])
      return { values, now in body(first(values, now), second(values, now), third(values, now)) }
    case .unary, .binary, .ternary:
      return { _, _ in .null }
    }
  }
}
