import DatasyncModel

extension Compiler {
  func comparison(
    _ comparison: ComparisonOperator, _ left: Expression, _ right: Expression,
    _ domain: ComparisonDomain
  ) -> Condition {
    if domain == .stored {
      if let column = left.column, let constant = right.literal,
        let condition = self.comparison(comparison, column, constant)
      {
        return condition
      }
      if let column = right.column, let constant = left.literal,
        let condition = self.comparison(comparison.mirrored, column, constant)
      {
        return condition
      }
    }
    let (first, second) = (comparable(left, domain), comparable(right, domain))
    return { values, evaluation in
      comparison.holds(Operand.compare(first(values, evaluation), second(values, evaluation)))
    }
  }

  /// A column with a constant, the common case: without operands in between.
  private func comparison(
    _ comparison: ComparisonOperator, _ column: Int, _ constant: Operand
  ) -> Condition? {
    switch (constant, comparison) {
    case (.string(let constant), .eq) where constant.utf8.allSatisfy({ $0 < 0x80 }):
      // The quick `==` of String: what is canonically equivalent to ASCII without being it, such as
      // the Kelvin sign, takes more bytes.
      { [count = constant.utf8.count] values, _ in
        if case .string(let value) = values[column] {
          value.utf8.count == count && value == constant
        } else {
          false
        }
      }
    case (.string(let constant), .eq):
      { values, _ in
        if case .string(let value) = values[column] {
          TextOrder.areEqual(value, constant)
        } else {
          false
        }
      }
    case (.string(let constant), _):
      { values, _ in
        if case .string(let value) = values[column] {
          comparison.holds(TextOrder.compare(value, constant))
        } else {
          comparison.holds(nil)
        }
      }
    case (.bool(let constant), .eq):
      { values, _ in
        if case .bool(let value) = values[column] { value == constant } else { false }
      }
    case (.int64(let constant), _) where table.columns[column].type == .int64:
      { values, _ in
        if case .int64(let value) = values[column] {
          comparison.holds(Operand.order(value, constant))
        } else {
          comparison.holds(nil)
        }
      }
    case (.timestamp(let constant), _):
      { values, _ in
        if case .timestamp(let value) = values[column] {
          comparison.holds(Operand.order(value, constant))
        } else {
          comparison.holds(nil)
        }
      }
    default:
      nil
    }
  }

  func membership(
    _ operand: Expression, _ constants: [Operand], orNull: Bool, _ domain: ComparisonDomain
  ) -> Condition {
    let computation = comparable(operand, domain)
    let set = OperandSet(constants)
    return { values, evaluation in
      let value = computation(values, evaluation)
      return value.isNull ? orNull : set.contains(value)
    }
  }

  /// In a set whose values are not known, nothing can be said to be.
  func memberOf(_ operand: Expression, _ set: MemberSet) -> Condition {
    guard let set = set.values else { return { _, _ in nil } }
    let computation = computation(operand)
    return { values, evaluation in set.contains(computation(values, evaluation)) }
  }

  /// The operand as its domain compares it.
  private func comparable(_ expression: Expression, _ domain: ComparisonDomain) -> Computation {
    let computation = computation(expression)
    guard case .rank(let declared) = domain else { return computation }
    return { values, evaluation in
      guard case .string(let value) = computation(values, evaluation),
        let rank = declared.firstIndex(where: { TextOrder.areEqual($0, value) })
      else { return .null }
      return .int64(Int64(rank))
    }
  }
}
