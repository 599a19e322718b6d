/// A word, literal or mark of a filter. A value.
struct Token: Sendable {
  enum Kind: Sendable {
    /// A name, an operator, or `null`, `true`, `false`.
    case word(String)
    /// A name that can be nothing else: `$it/name`.
    case field(String)
    /// Indirect: a token is copied at every level of the parser's stack.
    indirect case literal(Literal)
    case leftParenthesis
    case rightParenthesis
    case comma
    case minus
    case end
  }

  let kind: Kind
  /// From 1, in Unicode scalars.
  let position: Int
  /// As it is written; for messages.
  let text: String

  /// As a message says it.
  var found: String {
    if case .end = kind { return "the end" }
    return text.unicodeScalars.count <= 40 ? text : "\(String(text.unicodeScalars.prefix(37)))..."
  }

  var word: String? {
    if case .word(let word) = kind { return word }
    return nil
  }
}

/// A constant with its type. A value.
struct Literal: Sendable, Equatable {
  let operand: Operand
  let type: ExpressionType

  init(operand: Operand, type: ExpressionType) {
    self.operand = operand
    self.type = type
  }

  /// The constant that a word is.
  init?(word: String) {
    switch word {
    case "null": self.init(operand: .null, type: .null)
    case "true": self.init(operand: .bool(true), type: .bool)
    case "false": self.init(operand: .bool(false), type: .bool)
    default: return nil
    }
  }
}
