import DatasyncModel

/// Makes closures of checked expressions. A value; used once.
struct Compiler {
  typealias Condition = Evaluator.Condition
  typealias Computation = Evaluator.Computation

  let table: Table
  let collector: TermCollector

  // MARK: - Conditions

  func condition(_ expression: Expression) -> Condition {
    collector.addStep()
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
      return { values, evaluation in
        if case .bool(let value) = computation(values, evaluation) { value } else { nil }
      }
    case .comparison(let comparison, let left, let right, let domain):
      return self.comparison(comparison, left, right, domain)
    case .membership(let operand, let constants, let orNull, let domain):
      return membership(operand, constants, orNull: orNull, domain)
    case .memberOf(let operand, let set, _):
      return memberOf(operand, set)
    case .isNull(let operand, let negated):
      return isNull(operand, negated: negated)
    case .and(let terms):
      return conjunction(terms.map(condition))
    case .or(let terms):
      return disjunction(terms.map(condition))
    case .not(let operand):
      let condition = condition(operand)
      return { values, evaluation in condition(values, evaluation).map { !$0 } }
    }
  }

  private func conjunction(_ terms: [Condition]) -> Condition {
    if terms.count == 2 {
      let (first, second) = (terms[0], terms[1])
      return { values, evaluation in
        let left = first(values, evaluation)
        if left == false { return false }
        let right = second(values, evaluation)
        return right == false ? false : left == nil || right == nil ? nil : true
      }
    }
    return { values, evaluation in
      var result: Bool? = true
      for term in terms {
        switch term(values, evaluation) {
        case false: return false
        case nil: result = nil
        default: break
        }
      }
      return result
    }
  }

  private func disjunction(_ terms: [Condition]) -> Condition {
    { values, evaluation in
      var result: Bool? = false
      for term in terms {
        switch term(values, evaluation) {
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
      return { values, evaluation in (condition(values, evaluation) == nil) != negated }
    }
    if let column = operand.column {
      return { values, _ in values[column].isNull != negated }
    }
    let computation = computation(operand)
    return { values, evaluation in computation(values, evaluation).isNull != negated }
  }

  // MARK: - Computations

  func computation(_ expression: Expression) -> Computation {
    collector.addStep()
    switch expression.kind {
    case .literal(let operand):
      return { _, _ in operand }
    case .column(let column):
      let kind = expression.type.operandKind
      return { values, _ in kind.read(values[column]) }
    case .now:
      return { _, evaluation in .timestamp(evaluation.now) }
    case .call(let operation, let arguments):
      let computations = arguments.map(computation)
      return operation.textUse == nil
        ? call(operation, computations)
        : textCall(expression, operation, arguments, computations)
    case .comparison, .membership, .memberOf, .isNull, .and, .or, .not:
      let condition = condition(expression)
      return { values, evaluation in condition(values, evaluation).map { .bool($0) } ?? .null }
    }
  }

  private func call(_ operation: Operation, _ arguments: [Computation]) -> Computation {
    switch operation.body {
    case .unary(let body) where arguments.count == 1:
      let argument = arguments[0]
      return { values, evaluation in body(argument(values, evaluation)) }
    case .binary(let body) where arguments.count == 2:
      let (first, second) = (arguments[0], arguments[1])
      return { values, evaluation in body(first(values, evaluation), second(values, evaluation)) }
    case .ternary(let body) where arguments.count == 3:
      let (first, second, third) = (arguments[0], arguments[1], arguments[2])
      return { values, evaluation in
        body(first(values, evaluation), second(values, evaluation), third(values, evaluation))
      }
    case .unary, .binary, .ternary:
      return { _, _ in .null }
    }
  }
}
