import DatasyncModel

/// Puts what is known into a rule, and leaves out what then does not matter. A value; used once.
///
/// Conditions are three-valued. What is absent of the principal makes every comparison that it stands
/// in null, so that neither it nor its opposite is true.
struct RuleFolder {
  let names: RuleNames
  /// nil: what is known of it has been put in.
  let principal: Principal?
  /// Of memberships; nil: they are not known yet.
  var sets: [String: OperandSet]?

  /// True exactly where the whole rule is; false or null elsewhere.
  func condition(_ tree: Expression) -> Expression {
    loose(exact(tree))
  }

  // MARK: - Values

  /// The operand, or nil where something absent is in it.
  func operand(_ expression: Expression) -> Expression? {
    switch expression.kind {
    case .column(let column) where names.isOfPrincipal(column):
      guard let value = principal.flatMap({ names.value(at: column, of: $0) }) else { return nil }
      return literal(value, expression)
    case .call(let operation, let arguments):
      var folded: [Expression] = []
      for argument in arguments {
        guard let argument = operand(argument) else { return nil }
        folded.append(argument)
      }
      let constants = folded.compactMap(\.literal)
      guard constants.count == folded.count else {
        return Expression(
          kind: .call(operation, folded), type: expression.type, position: expression.position)
      }
      // What cannot be made of what the principal has is absent: nobody's key is no row's key.
      let value = operation(constants)
      return value.isNull ? nil : literal(value, expression)
    case .literal, .column, .now: return expression
    case .comparison, .membership, .memberOf, .isNull, .and, .or, .not:
      // Of columns alone: the checker has seen to that.
      return expression
    }
  }

  private func literal(_ value: Operand, _ expression: Expression) -> Expression {
    Expression(kind: .literal(value), type: expression.type, position: expression.position)
  }

  private func truth(_ value: Bool?, _ expression: Expression) -> Expression {
    Expression(
      kind: .literal(value.map { .bool($0) } ?? .null), type: .bool,
      position: expression.position)
  }

  private func with(_ kind: Expression.Kind, _ expression: Expression) -> Expression {
    Expression(kind: kind, type: expression.type, position: expression.position)
  }

  // MARK: - Conditions

  func exact(_ expression: Expression) -> Expression {
    switch expression.kind {
    case .literal, .now: return expression
    case .column, .call:
      return operand(expression) ?? truth(nil, expression)
    case .comparison(let comparison, let left, let right, let domain):
      guard let left = operand(left), let right = operand(right) else {
        return truth(nil, expression)
      }
      if let first = left.literal, let second = right.literal, !domain.isRank {
        return truth(comparison.holds(Operand.compare(first, second)), expression)
      }
      return with(.comparison(comparison, left, right, domain), expression)
    case .membership(let operand, let constants, let orNull, let domain):
      guard let operand = self.operand(operand) else { return truth(nil, expression) }
      if let value = operand.literal {
        return truth(
          value.isNull ? orNull : OperandSet(constants).contains(value), expression)
      }
      return with(.membership(operand, constants, orNull: orNull, domain), expression)
    case .memberOf(let operand, let set, let domain):
      return memberOf(operand, set, domain, expression)
    case .isNull(let operand, let negated):
      return isNull(operand, negated: negated, expression)
    case .and(let terms): return joined(terms.map(exact), isAnd: true, expression)
    case .or(let terms): return joined(terms.map(exact), isAnd: false, expression)
    case .not(let operand):
      let operand = exact(operand)
      guard let value = operand.literal else { return with(.not(operand), expression) }
      return truth(value.truth.map { !$0 }, expression)
    }
  }

  private func memberOf(
    _ operand: Expression, _ set: MemberSet, _ domain: ComparisonDomain, _ expression: Expression
  ) -> Expression {
    guard let operand = self.operand(operand) else { return truth(nil, expression) }
    guard let values = set.values ?? values(of: set.name) else {
      return with(.memberOf(operand, set, domain), expression)
    }
    if let value = operand.literal { return truth(values.contains(value), expression) }
    guard !values.isEmpty else { return truth(false, expression) }
    return with(
      .memberOf(operand, MemberSet(name: set.name, values: values), domain), expression)
  }

  private func values(of set: String) -> OperandSet? {
    switch set {
    case RuleNames.roles: principal.map { OperandSet($0.roles.map { .string($0) }) }
    case RuleNames.groups: principal.map { OperandSet($0.groups.map { .string($0) }) }
    default: sets.map { $0[set] ?? OperandSet([]) }
    }
  }

  /// `@principal.claims.x eq null` alone asks what is absent.
  private func isNull(
    _ operand: Expression, negated: Bool, _ expression: Expression
  ) -> Expression {
    guard let folded = self.operand(operand) else {
      let asks = operand.column != nil && !negated
      return truth(asks ? true : nil, expression)
    }
    if let value = folded.literal { return truth(value.isNull != negated, expression) }
    return with(.isNull(folded, negated: negated), expression)
  }

  /// Three-valued; what is decided is left out.
  private func joined(
    _ terms: [Expression], isAnd: Bool, _ expression: Expression
  ) -> Expression {
    var left: [Expression] = []
    var hasNull = false
    for term in terms {
      switch term.literal {
      case .bool(isAnd): continue
      case .bool: return truth(!isAnd, expression)
      case .some: hasNull = true
      case nil: left.append(term)
      }
    }
    if left.isEmpty { return truth(hasNull ? nil : isAnd, expression) }
    if hasNull { left.append(truth(nil, expression)) }
    return left.count == 1 ? left[0] : with(isAnd ? .and(left) : .or(left), expression)
  }

  // MARK: - Where null and false are the same

  private func loose(_ expression: Expression) -> Expression {
    switch expression.kind {
    case .literal(.null): return truth(false, expression)
    case .and(let terms): return joined(terms.map(loose), isAnd: true, expression).flattened
    case .or(let terms): return joined(terms.map(loose), isAnd: false, expression).flattened
    case .literal, .column, .now, .call, .comparison, .membership, .memberOf, .isNull, .not:
      return expression
    }
  }
}

extension Expression {
  /// Without an `and` in an `and`, or an `or` in an `or`.
  fileprivate var flattened: Expression {
    switch kind {
    case .and(let terms):
      let flat = terms.flatMap { term in
        if case .and(let inner) = term.kind { inner } else { [term] }
      }
      return Expression(kind: .and(flat), type: type, position: position)
    case .or(let terms):
      let flat = terms.flatMap { term in
        if case .or(let inner) = term.kind { inner } else { [term] }
      }
      return Expression(kind: .or(flat), type: type, position: position)
    default: return self
    }
  }
}

extension Operand {
  fileprivate var truth: Bool? {
    if case .bool(let value) = self { return value }
    return nil
  }
}

extension ComparisonDomain {
  fileprivate var isRank: Bool {
    if case .rank = self { return true }
    return false
  }
}
