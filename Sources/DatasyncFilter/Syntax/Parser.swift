import DatasyncModel

/// Builds the parse tree by precedence climbing: three calls a level, and no more levels than the
/// limits allow. Confined to one call.
struct Parser {
  private var lexer: Lexer
  private let limits: FilterLimits
  private var token = Token(kind: .end, position: 1, text: "")
  private var nodeCount = 0
  /// The function whose parenthesis is the current token.
  private var called = (name: "", position: 1)

  private init(_ text: String, limits: FilterLimits, isRule: Bool) {
    lexer = Lexer(text, isOfRule: isRule)
    self.limits = limits
  }

  /// - Parameter isRule: Whether names that begin with `@` may stand in it.
  static func parse(
    _ text: String, limits: FilterLimits, isRule: Bool = false
  ) throws(ParseFault) -> Syntax {
    var parser = Parser(text, limits: limits, isRule: isRule)
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
  ///
  /// This and what it calls is on the stack once a level, so each is kept small.
  private mutating func unary(depth: Int) throws(ParseFault) -> Syntax {
    try checkDepth(depth, at: token.position)
    if isPrefix { return try prefixed(depth: depth) }
    let operand = try primary(depth: depth)
    return token.word == "in" ? try membership(of: operand, depth: depth) : operand
  }

  private var isPrefix: Bool {
    if case .minus = token.kind { return true }
    return token.word == "not"
  }

  private mutating func prefixed(depth: Int) throws(ParseFault) -> Syntax {
    let position = token.position
    let isNot = token.word == "not"
    try advance()
    let operand = try unary(depth: depth + 1)
    return try node(
      isNot ? .not(operand) : .minus(operand), at: position, depth: operand.depth + 1)
  }

  private mutating func primary(depth: Int) throws(ParseFault) -> Syntax {
    if case .leftParenthesis = token.kind { return try parenthesized(depth: depth) }
    if let leaf = try leaf() { return leaf }
    return try call(depth: depth)
  }

  private mutating func parenthesized(depth: Int) throws(ParseFault) -> Syntax {
    let position = token.position
    try advance()
    let inner = try expression(binding: 1, depth: depth + 1)
    try close()
    try checkDepth(inner.depth + 1, at: position)
    return Syntax(kind: inner.kind, position: inner.position, depth: inner.depth + 1)
  }

  /// A literal or a field; nil where it is a call, whose name is then kept.
  private mutating func leaf() throws(ParseFault) -> Syntax? {
    let position = token.position
    let kind: Syntax.Kind
    switch token.kind {
    case .literal(let literal):
      kind = .literal(literal)
    case .field(let name):
      kind = .field(name)
    case .word(let word):
      try advance()
      if case .leftParenthesis = token.kind {
        called = (word, position)
        return nil
      }
      return try node(
        Literal(word: word).map { .literal($0) } ?? .field(word), at: position, depth: 1)
    case .leftParenthesis, .rightParenthesis, .comma, .minus, .end:
      throw valueExpected()
    }
    try advance()
    return try node(kind, at: position, depth: 1)
  }

  private mutating func call(depth: Int) throws(ParseFault) -> Syntax {
    let (name, position) = called
    try advance()
    let arguments = try arguments(depth: depth + 1)
    return try node(.call(name, arguments), at: position, depth: above(arguments))
  }

  private mutating func arguments(depth: Int) throws(ParseFault) -> [Syntax] {
    guard case .rightParenthesis = token.kind else { return try list(depth: depth) }
    try advance()
    return []
  }

  private mutating func membership(of operand: Syntax, depth: Int) throws(ParseFault) -> Syntax {
    let position = token.position
    try advance()
    if case .field(let name) = token.kind, name.hasPrefix("@") {
      let place = token.position
      try advance()
      return try node(
        .memberOf(operand, set: name, at: place), at: position, depth: above([operand]))
    }
    guard case .leftParenthesis = token.kind else { throw listExpected() }
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

  // MARK: - Faults

  /// What was meant by a word that stands where an operator could.
  private static func hint(forOperator word: String) -> String {
    let instead = [
      "is": "eq null, or ne null", "like": "contains(…, '…')", "ilike": "contains(tolower(…), '…')",
      "between": "ge … and … le", "equals": "eq", "neq": "ne", "gte": "ge", "lte": "le",
    ]
    return instead[word.lowercased()].map { "; write \($0)" }
      ?? NameSuggestion.clause(for: word, among: BinaryOperator.words)
  }

  private func valueExpected() -> ParseFault {
    ParseFault(
      at: token.position,
      "found \(token.found); expected a value: a field, a literal, a function, - , not or (")
  }

  private func listExpected() -> ParseFault {
    ParseFault(
      at: token.position, "found \(token.found); expected a list such as ('a', 'b') after in")
  }

  /// The fault of a token that stands where an operator or an end could.
  private func unexpectedAfterOperand(nested: Bool) -> ParseFault {
    let end = nested ? ", comma or )" : " or the end"
    var hint = token.word.map { Parser.hint(forOperator: $0) } ?? ""
    if hint.isEmpty { hint = Lexer.hint(forTokenAt: token.position, in: lexer.scalars) }
    return ParseFault(
      at: token.position,
      "found \(token.found); expected an operator (such as eq, and)\(end)\(hint)"
    )
  }
}
