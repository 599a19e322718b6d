extension Lexer {
  /// The fault of a mark that begins nothing, with what to write instead where another language has
  /// given it a meaning.
  func meaningless() -> ParseFault {
    let rest = scalars[index...]
    if let mark = Lexer.marks.first(where: { rest.starts(with: $0.mark.unicodeScalars) }) {
      return ParseFault(
        at: index + 1, "found \(mark.mark), which has no meaning in a filter; write \(mark.instead)"
      )
    }
    let found = "found \(Lexer.name(of: scalars[index])), which has no meaning in a filter"
    guard let closing = Lexer.quotes[scalars[index]] else {
      return ParseFault(at: index + 1, found)
    }
    let content = rest.dropFirst().prefix { $0 != closing }
    return ParseFault(at: index + 1, found + Lexer.quotesHint(for: content))
  }

  /// What follows where a text should have stood in quotes.
  static func quotesHint(for text: some Sequence<Unicode.Scalar>) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.prefix(maxShown + 1) {
      if scalar == "'" { shown.append(scalar) }
      shown.append(scalar)
    }
    guard !shown.isEmpty, shown.count <= maxShown else {
      return "; texts stand in single quotes: 'Hello'"
    }
    return "; texts stand in single quotes: '\(String(shown))'"
  }

  private static let maxShown = 40

  /// Longer ones come before those that they begin with.
  private static let marks: [(mark: String, instead: String)] = [
    ("===", "eq"), ("==", "eq"), ("=~", "contains(…, '…')"), ("=", "eq"), ("!==", "ne"),
    ("!=", "ne"),
    ("<>", "ne"), ("<=", "le"), ("<", "lt"), (">=", "ge"), (">", "gt"), ("&&", "and"), ("&", "and"),
    ("||", "or"), ("|", "or"), ("!", "not"), ("+", "add"), ("*", "mul"), ("/", "div, or divby"),
    ("%", "mod, or contains(…, '…')"),
  ]

  /// Quotes of other languages, each with its closing one.
  private static let quotes: [Unicode.Scalar: Unicode.Scalar] = [
    "\"": "\"", "`": "`", "\u{201C}": "\u{201D}", "\u{201E}": "\u{201C}", "\u{2018}": "\u{2019}",
    "\u{00AB}": "\u{00BB}",
  ]

  // MARK: - What stood before

  /// The hint for a token that stands where an operator or an end could, after an operand that may
  /// have been meant to go on: `title eq The Shawshank`, `title eq 'It's'`.
  static func hint(forTokenAt position: Int, in scalars: [Unicode.Scalar]) -> String {
    guard position <= scalars.count else { return "" }
    let text = String(String.UnicodeScalarView(scalars[..<(position - 1)]))
    var lexer = Lexer(text)
    var last: [Token] = []
    while let token = try? lexer.next() {
      if case .end = token.kind { break }
      last = last.suffix(1) + [token]
    }
    guard last.count == 2, let word = last[0].word, let operand = last.last,
      ComparisonOperator(rawValue: word) != nil
    else { return "" }
    let start = operand.position - 1
    let isAdjacent = start + operand.text.unicodeScalars.count == position - 1
    if operand.text.hasPrefix("'") {
      return isAdjacent ? "; a quote within a text is written twice: 'It''s'" : ""
    }
    guard Lexer.continuesWord(scalars[position - 1]) || scalars[position - 1] == "-" else {
      return ""
    }
    return quotesHint(for: phrase(in: scalars, from: start))
  }

  /// From a place up to what ends a text that has no quotes.
  private static func phrase(in scalars: [Unicode.Scalar], from start: Int)
    -> String.UnicodeScalarView
  {
    let words = scalars[start...].prefix { $0 != ")" && $0 != "," && $0 != "'" }
      .split(separator: " ")
      .prefix { !["and", "or"].contains(String(String.UnicodeScalarView($0))) }
    return String.UnicodeScalarView(words.joined(separator: " ".unicodeScalars))
  }
}
