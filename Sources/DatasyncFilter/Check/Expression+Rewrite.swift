extension Expression {
  /// The positions of the columns that it reads.
  package var columns: Set<Int> {
    var columns: Set<Int> = []
    forEach { if case .column(let column) = $0.kind { columns.insert(column) } }
    return columns
  }

  /// The same at a place further on in a text.
  func moved(by distance: Int) -> Expression {
    guard distance != 0 else { return self }
    return mapped(at: position + distance) { $0.moved(by: distance) }
  }

  /// The same with other parts.
  func mapped(at position: Int, _ body: (Expression) -> Expression) -> Expression {
    let kind: Kind =
      switch self.kind {
      case .literal, .column, .now: self.kind
      case .call(let operation, let arguments): .call(operation, arguments.map(body))
      case .comparison(let comparison, let left, let right, let domain):
        .comparison(comparison, body(left), body(right), domain)
      case .membership(let operand, let constants, let orNull, let domain):
        .membership(body(operand), constants, orNull: orNull, domain)
      case .memberOf(let operand, let set, let domain): .memberOf(body(operand), set, domain)
      case .isNull(let operand, let negated): .isNull(body(operand), negated: negated)
      case .and(let terms): .and(terms.map(body))
      case .or(let terms): .or(terms.map(body))
      case .not(let operand): .not(body(operand))
      }
    return Expression(kind: kind, type: type, position: position)
  }

  /// What it is computed of, one level down.
  var parts: [Expression] {
    switch kind {
    case .literal, .column, .now: []
    case .call(_, let arguments): arguments
    case .comparison(_, let left, let right, _): [left, right]
    case .membership(let operand, _, _, _), .memberOf(let operand, _, _), .isNull(let operand, _),
      .not(let operand):
      [operand]
    case .and(let terms), .or(let terms): terms
    }
  }
}
