/// Builds the parse tree by precedence climbing: three calls a level, and no more levels than the
/// limits allow. Confined to one call.
struct Parser {
  private var lexer: Lexer
  private let limits: FilterLimits
  private var token = Token(kind: .end, position: 1, text: "")
  private var nodeCount = 0

  private init(_ text: String, limits: FilterLimits) {
    lexer = Lexer(text)
    self.limits = limits
  }

  static func parse(_ text: String, limits: FilterLimits) throws(ParseFault) -> Syntax {
    var parser = Parser(text, limits: limits)
    guard parser.lexer.scalars.count <= limits.maxLength else {
      throw ParseFault(
        at: limits.maxLength + 1,
        "found \(parser.lexer.scalars.count) characters; at most \(limits.maxLength) are allowed")
    }
    try parser.advance()
    let tree = try parser.expression(binding: 1, depth: 1)
    guard case .end = parser.token.kind else { throw parser.unexpectedAfterOperand(nested: false) }
    return tree
  }

  private mutating func advance() throws(ParseFault) {
    token = try lexer.next()
  }

  // MARK: - Limits

  private mutating func node(
    _ kind: Syntax.Kind, at position: Int, depth: Int
  ) throws(ParseFault) -> Syntax {
    try count(at: position)
    try checkDepth(depth, at: position)
    return Syntax(kind: kind, position: position, depth: depth)
  }

  private mutating func count(at position: Int) throws(ParseFault) {
    nodeCount += 1
    guard nodeCount <= limits.maxNodes else {
      throw ParseFault(
        at: position,
        "found more than \(limits.maxNodes) operands and operators; that many are allowed")
    }
  }

  private func checkDepth(_ depth: Int, at position: Int) throws(ParseFault) {
    guard depth <= limits.maxDepth else {
      throw ParseFault(
        at: position, "found more than \(limits.maxDepth) levels; that many are allowed")
    }
  }

  // MARK: - Expressions

  /// - Parameters:
  ///   - binding: Operators that bind less tightly are left to the caller.
  ///   - depth: Of the operand that comes.
  private mutating func expression(binding: Int, depth: Int) throws(ParseFault) -> Syntax {
    var left = try unary(depth: depth)
    while let word = token.word, let binary = BinaryOperator(word),
      binary.precedence >= binding
    {
      left = try combine(left, binary, depth: depth)
    }
    return left
  }

  private mutating func combine(
    _ left: Syntax, _ binary: BinaryOperator, depth: Int
  ) throws(ParseFault) -> Syntax {
    let position = token.position
    var terms = [left]
    switch binary {
    case .logical(let logical):
      while token.word == logical.rawValue {
        if terms.count > 1 { try count(at: token.position) }
        try advance()
        terms.append(try expression(binding: binary.precedence + 1, depth: depth + 1))
      }
      return try node(.logical(logical, terms), at: position, depth: above(terms))
    case .comparison(let comparison):
      try advance()
      terms.append(try expression(binding: binary.precedence + 1, depth: depth + 1))
      return try node(
        .comparison(comparison, left, terms[1]), at: position, depth: above(terms))
    case .arithmetic(let arithmetic):
      try advance()
      terms.append(try expression(binding: binary.precedence + 1, depth: depth + 1))
      return try node(
        .arithmetic(arithmetic, left, terms[1]), at: position, depth: above(terms))
    }
  }

  private func above(_ nodes: [Syntax]) -> Int {
    1 + (nodes.map(\.depth).max() ?? 0)
  }

  /// `not`, `-`, and an operand with its `in (…)`.
  private mutating func unary(depth: Int) throws(ParseFault) -> Syntax {
    try checkDepth(depth, at: token.position)
    let position = token.position
    if case .minus = token.kind {
      try advance()
      let operand = try unary(depth: depth + 1)
      return try node(.minus(operand), at: position, depth: operand.depth + 1)
    }
    if token.word == "not" {
      try advance()
      let operand = try unary(depth: depth + 1)
      return try node(.not(operand), at: position, depth: operand.depth + 1)
    }
    let operand = try primary(depth: depth)
    return token.word == "in" ? try membership(of: operand, depth: depth) : operand
  }

  private mutating func primary(depth: Int) throws(ParseFault) -> Syntax {
    let start = token
    switch start.kind {
    case .literal(let literal):
      try advance()
      return try node(.literal(literal), at: start.position, depth: 1)
    case .field(let name):
      try advance()
      return try node(.field(name), at: start.position, depth: 1)
    case .word(let word):
      try advance()
      return try named(word, at: start.position, depth: depth)
    case .leftParenthesis:
      try advance()
      let inner = try expression(binding: 1, depth: depth + 1)
      try close()
      try checkDepth(inner.depth + 1, at: start.position)
      return Syntax(kind: inner.kind, position: inner.position, depth: inner.depth + 1)
    case .rightParenthesis, .comma, .minus, .end:
      throw ParseFault(
        at: start.position,
        "found \(start.found); expected a value: a field, a literal, a function, - , not or (")
    }
  }

  /// A literal word, a call or a field.
  private mutating func named(
    _ word: String, at position: Int, depth: Int
  ) throws(ParseFault) -> Syntax {
    if case .leftParenthesis = token.kind { return try call(word, at: position, depth: depth) }
    let literal: Literal
    switch word {
    case "null": literal = Literal(operand: .null, type: .null)
    case "true": literal = Literal(operand: .bool(true), type: .bool)
    case "false": literal = Literal(operand: .bool(false), type: .bool)
    default: return try node(.field(word), at: position, depth: 1)
    }
    return try node(.literal(literal), at: position, depth: 1)
  }

  private mutating func call(
    _ name: String, at position: Int, depth: Int
  ) throws(ParseFault) -> Syntax {
    try advance()
    var arguments: [Syntax] = []
    if case .rightParenthesis = token.kind {
      try advance()
    } else {
      arguments = try list(depth: depth + 1)
    }
    return try node(.call(name, arguments), at: position, depth: above(arguments))
  }

  private mutating func membership(of operand: Syntax, depth: Int) throws(ParseFault) -> Syntax {
    let position = token.position
    try advance()
    guard case .leftParenthesis = token.kind else {
      throw ParseFault(
        at: token.position, "found \(token.found); expected a list such as ('a', 'b') after in")
    }
    try advance()
    let elements = try list(depth: depth + 1)
    return try node(
      .membership(operand, elements), at: position, depth: above(elements + [operand]))
  }

  /// Expressions with commas between, and the closing parenthesis.
  private mutating func list(depth: Int) throws(ParseFault) -> [Syntax] {
    var elements = [try expression(binding: 1, depth: depth)]
    while case .comma = token.kind {
      try advance()
      elements.append(try expression(binding: 1, depth: depth))
    }
    try close()
    return elements
  }

  private mutating func close() throws(ParseFault) {
    guard case .rightParenthesis = token.kind else { throw unexpectedAfterOperand(nested: true) }
    try advance()
  }

  /// The fault of a token that stands where an operator or an end could.
  private func unexpectedAfterOperand(nested: Bool) -> ParseFault {
    let end = nested ? ", comma or )" : " or the end"
    let hint =
      token.word.map { NameSuggestion.clause(for: $0, among: BinaryOperator.words) } ?? ""
    return ParseFault(
      at: token.position,
      "found \(token.found); expected an operator (such as eq, and)\(end)\(hint)"
    )
  }
}
