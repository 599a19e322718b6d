/// A checked expression: what SQL and the evaluator are made from. A value.
package struct Expression: Sendable {
  /// What it computes; the types are checked. A value.
  package indirect enum Kind: Sendable {
    case literal(Operand)
    /// Position in the table's columns.
    case column(Int)
    /// The moment of the query, the same wherever it stands.
    case now
    case call(Operation, [Expression])
    case comparison(ComparisonOperator, Expression, Expression, ComparisonDomain)
    /// The elements are constants, without null; `orNull` is whether null is in the list too.
    case membership(Expression, [Operand], orNull: Bool, ComparisonDomain)
    /// Whether it is one of a set that belongs to a principal; only in what a rule has become.
    case memberOf(Expression, MemberSet, ComparisonDomain)
    case isNull(Expression, negated: Bool)
    case and([Expression])
    case or([Expression])
    case not(Expression)
  }

  package let kind: Kind
  /// What it yields where that is not null.
  package let type: ExpressionType
  /// From 1, in Unicode scalars.
  package let position: Int

  /// That the types fit is the checker's to see.
  package init(kind: Kind, type: ExpressionType, position: Int) {
    self.kind = kind
    self.type = type
    self.position = position
  }

  /// The constant that it is.
  package var literal: Operand? {
    if case .literal(let operand) = kind { return operand }
    return nil
  }

  /// The position of the column that it is, with nothing done to it.
  package var column: Int? {
    if case .column(let column) = kind { return column }
    return nil
  }

  /// Visits it and everything in it.
  package func forEach(_ body: (Expression) -> Void) {
    body(self)
    switch kind {
    case .literal, .column, .now: break
    case .call(_, let arguments): arguments.forEach { $0.forEach(body) }
    case .comparison(_, let left, let right, _):
      left.forEach(body)
      right.forEach(body)
    case .membership(let operand, _, _, _), .memberOf(let operand, _, _): operand.forEach(body)
    case .isNull(let operand, _), .not(let operand): operand.forEach(body)
    case .and(let terms), .or(let terms): terms.forEach { $0.forEach(body) }
    }
  }
}

/// As what two operands are compared, and so how SQLite is made to do the same. A value.
package enum ComparisonDomain: Hashable, Sendable {
  /// SQLite compares what it stores as we do.
  case stored
  /// As decimals, exactly; one or both may be integers.
  case decimal
  /// By declared order.
  case rank([String])
}
