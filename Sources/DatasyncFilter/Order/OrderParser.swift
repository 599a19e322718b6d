import DatasyncModel

/// Reads `title desc, year`. Confined to one call.
struct OrderParser {
  /// In Unicode scalars.
  static let maxLength = 8192
  /// The condition that continues a page grows with the square of it.
  static let maxTerms = 32

  private var lexer: Lexer
  private var token = Token(kind: .end, position: 1, text: "")
  private let table: Table

  private init(_ text: String, table: Table) {
    lexer = Lexer(text)
    self.table = table
  }

  static func parse(_ text: String, table: Table) throws(ParseFault) -> [OrderBy.Term] {
    var parser = OrderParser(text, table: table)
    guard parser.lexer.scalars.count <= maxLength else {
      throw ParseFault(
        at: maxLength + 1,
        "found \(parser.lexer.scalars.count) characters; at most \(maxLength) are allowed")
    }
    return try parser.terms()
  }

  private mutating func terms() throws(ParseFault) -> [OrderBy.Term] {
    token = try lexer.next()
    if case .end = token.kind { return [] }
    var terms: [OrderBy.Term] = []
    while true {
      guard terms.count < OrderParser.maxTerms else {
        throw ParseFault(
          at: token.position,
          "found more than \(OrderParser.maxTerms) fields; that many are allowed")
      }
      terms.append(try term(after: terms))
      if case .end = token.kind { return terms }
      guard case .comma = token.kind else {
        let hint =
          token.word.map { NameSuggestion.clause(for: $0, among: ["asc", "desc"]) } ?? ""
        throw ParseFault(
          at: token.position, "found \(token.found); expected asc, desc, a comma or the end\(hint)")
      }
      token = try lexer.next()
    }
  }

  private mutating func term(after terms: [OrderBy.Term]) throws(ParseFault) -> OrderBy.Term {
    let name: String
    switch token.kind {
    case .word(let word), .field(let word): name = word
    case .literal, .leftParenthesis, .rightParenthesis, .comma, .minus, .end:
      throw ParseFault(at: token.position, "found \(token.found); expected a field")
    }
    let column = try table.position(ofField: name, at: token.position)
    guard !terms.contains(where: { $0.column == column }) else {
      throw ParseFault(
        at: token.position, "found '\(name.shortened)' again; a field orders once")
    }
    token = try lexer.next()
    let isDescending = token.word == "desc"
    if isDescending || token.word == "asc" { token = try lexer.next() }
    return OrderBy.Term(column: column, isDescending: isDescending)
  }
}
