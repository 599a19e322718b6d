/// What the text of a CREATE INDEX says that no PRAGMA tells: the expressions, and which rows are in it.
/// A value.
struct CreateIndexText: Sendable {
  /// In order; each as it is written, without ASC and DESC.
  private(set) var terms: [[SQLToken]] = []
  /// Of a partial index.
  private(set) var predicate: String?
  private let source: [UInt8]

  init(parsing sql: String) {
    source = Array(sql.utf8)
    let tokens = SQLTokenizer.tokens(of: sql).filter { $0.kind != .comment }
    guard let on = tokens.firstIndex(where: { $0.isWord("on") }),
      let open = tokens[on...].firstIndex(where: { $0.isSymbol("(") })
    else { return }
    terms = CreateTableText.definitions(tokens, from: open + 1).map { term in
      guard let last = term.last, last.isWord("asc") || last.isWord("desc") else { return term }
      return Array(term.dropLast())
    }
    // Its parts, the commas between them, and the parentheses around.
    let close = open + terms.reduce(0) { $0 + $1.count }
    guard let end = tokens[min(close, tokens.count)...].firstIndex(where: { $0.isWord("where") }),
      end + 1 < tokens.count
    else { return }
    predicate = text(Array(tokens[(end + 1)...]))
  }

  /// Tokens as they stand in the text, with what is between them.
  func text(_ tokens: [SQLToken]) -> String? {
    guard let first = tokens.first, let last = tokens.last else { return nil }
    return String(decoding: source[first.range.lowerBound..<last.range.upperBound], as: UTF8.self)
  }
}
