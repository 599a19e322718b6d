/// A node of the parse tree. A value.
struct Syntax: Sendable {
  indirect enum Kind: Sendable {
    case literal(Literal)
    case field(String)
    case call(String, [Syntax])
    case not(Syntax)
    case minus(Syntax)
    case arithmetic(ArithmeticOperator, Syntax, Syntax)
    case comparison(ComparisonOperator, Syntax, Syntax)
    /// Two terms or more.
    case logical(LogicalOperator, [Syntax])
    case membership(Syntax, [Syntax])
    /// In a set of the principal's; only in rules. The place is that of the set's name.
    case memberOf(Syntax, set: String, at: Int)
  }

  let kind: Kind
  /// Of the operator, where it is one; from 1, in Unicode scalars.
  let position: Int
  /// See ``FilterLimits/maxDepth``.
  let depth: Int

  /// The names that stand where fields do; those of types in casts too.
  var names: Set<String> {
    switch kind {
    case .literal: []
    case .field(let name): [name]
    case .not(let operand), .minus(let operand): operand.names
    case .arithmetic(_, let left, let right), .comparison(_, let left, let right):
      left.names.union(right.names)
    case .call(_, let operands), .logical(_, let operands): Syntax.names(of: operands)
    case .membership(let operand, let elements):
      operand.names.union(Syntax.names(of: elements))
    case .memberOf(let operand, _, _): operand.names
    }
  }

  private static func names(of nodes: [Syntax]) -> Set<String> {
    nodes.reduce(into: []) { $0.formUnion($1.names) }
  }
}

enum ArithmeticOperator: String, Sendable, CaseIterable {
  case add, sub, mul, div, divby, mod
}

/// The raw values are OData's words for them. A value.
package enum ComparisonOperator: String, Sendable, CaseIterable {
  case eq, ne, gt, ge, lt, le

  /// Whether it holds for operands in that order; see ``Operand/compare(_:_:)``.
  @inline(__always)
  package func holds(_ order: Int?) -> Bool {
    switch self {
    case .eq: order == 0
    case .ne: order != 0
    case .gt: (order ?? -1) > 0
    case .ge: (order ?? -1) >= 0
    case .lt: (order ?? 1) < 0
    case .le: (order ?? 1) <= 0
    }
  }

  /// The one that means the same with the operands exchanged.
  package var mirrored: ComparisonOperator {
    switch self {
    case .eq, .ne: self
    case .gt: .lt
    case .ge: .le
    case .lt: .gt
    case .le: .ge
    }
  }
}

enum LogicalOperator: String, Sendable, CaseIterable {
  case and, or
}

/// An operator between two operands, and how tightly it binds. A value.
enum BinaryOperator: Sendable {
  case logical(LogicalOperator)
  case comparison(ComparisonOperator)
  case arithmetic(ArithmeticOperator)

  init?(_ word: String) {
    if let value = LogicalOperator(rawValue: word) {
      self = .logical(value)
    } else if let value = ComparisonOperator(rawValue: word) {
      self = .comparison(value)
    } else if let value = ArithmeticOperator(rawValue: word) {
      self = .arithmetic(value)
    } else {
      return nil
    }
  }

  /// Source: OData 4.01, part 2, 5.1.1.16 "Operator Precedence".
  var precedence: Int {
    switch self {
    case .logical(.or): 1
    case .logical(.and): 2
    case .comparison(.eq), .comparison(.ne): 3
    case .comparison(.gt), .comparison(.ge), .comparison(.lt), .comparison(.le): 4
    case .arithmetic(.add), .arithmetic(.sub): 5
    case .arithmetic(.mul), .arithmetic(.div), .arithmetic(.divby), .arithmetic(.mod): 6
    }
  }

  /// Every word that may stand after an operand.
  static let words: [String] =
    LogicalOperator.allCases.map(\.rawValue) + ComparisonOperator.allCases.map(\.rawValue)
    + ArithmeticOperator.allCases.map(\.rawValue) + ["in"]
}
