/// What the text of a CREATE TABLE says that no PRAGMA tells: comments, CHECKs, conflict clauses. A
/// value.
struct CreateTableText: Sendable {
  struct Check: Hashable, Sendable {
    /// The constraint's name, where it has one.
    let name: String?
    /// The expression as written.
    let expression: String
    /// The column at which it stands, or the first that it names.
    let column: String?
  }

  private(set) var comment = ""
  /// By lower-case column name.
  private(set) var columnComments: [String: String] = [:]
  /// The values of `CHECK (c IN ('a', 'b'))`, in order, by lower-case column name.
  private(set) var enumerations: [String: [String]] = [:]
  private(set) var checks: [Check] = []
  /// The columns that a column's definition names, as an expression does that generates it; in lower
  /// case.
  private(set) var namedColumns: [String: Set<String>] = [:]
  /// Whether a constraint says ON CONFLICT.
  private(set) var hasConflictClause = false
  private(set) var hasDeferredKey = false

  /// - Parameter columns: The table's column names.
  init(parsing sql: String, columns: [String]) {
    let tokens = SQLTokenizer.tokens(of: sql)
    guard let open = tokens.firstIndex(where: { $0.isSymbol("(") }) else { return }
    let known = Set(columns.map(\.asciiLowercased))
    let source = Array(sql.utf8)
    let definitions = CreateTableText.definitions(tokens, from: open + 1)
    for definition in definitions {
      read(definition, known: known, source: source)
    }
    readComments(tokens, open: open, definitions: definitions, known: known)
  }

  /// The comma-separated parts between the outermost parentheses.
  static func definitions(_ tokens: [SQLToken], from start: Int) -> [[SQLToken]] {
    var parts: [[SQLToken]] = [[]]
    var depth = 0
    for token in tokens[start...] {
      if token.isSymbol("(") { depth += 1 }
      if token.isSymbol(")") {
        depth -= 1
        if depth < 0 { break }
      }
      if depth == 0, token.isSymbol(",") {
        parts.append([])
      } else {
        parts[parts.count - 1].append(token)
      }
    }
    return parts
  }

  private static func columnName(_ definition: [SQLToken], known: Set<String>) -> String? {
    guard let first = definition.first(where: { $0.kind != .comment }), let name = first.name
    else { return nil }
    let constraints: Set = ["constraint", "primary", "unique", "check", "foreign"]
    if first.kind == .word, constraints.contains(name.asciiLowercased) { return nil }
    return known.contains(name.asciiLowercased) ? name.asciiLowercased : nil
  }

  private mutating func read(_ definition: [SQLToken], known: Set<String>, source: [UInt8]) {
    let tokens = definition.filter { $0.kind != .comment }
    let column = CreateTableText.columnName(definition, known: known)
    if let column {
      let names = tokens.filter { [.word, .quotedName].contains($0.kind) }
      namedColumns[column] = known.intersection(names.map(\.text.asciiLowercased))
        .subtracting([column])
    }
    var constraintName: String?
    for (index, token) in tokens.enumerated() {
      let next = index + 1 < tokens.count ? tokens[index + 1] : nil
      if token.isWord("constraint") { constraintName = next?.name }
      if token.isWord("on"), next?.isWord("conflict") == true { hasConflictClause = true }
      if token.isWord("initially"), next?.isWord("deferred") == true { hasDeferredKey = true }
      guard token.isWord("check"), next?.isSymbol("(") == true else { continue }
      let body = CreateTableText.group(tokens, after: index + 1)
      addCheck(body, name: constraintName, column: column, known: known, source: source)
      constraintName = nil
    }
  }

  /// The tokens between a parenthesis and the one that closes it.
  private static func group(_ tokens: [SQLToken], after open: Int) -> [SQLToken] {
    var depth = 1
    var body: [SQLToken] = []
    for token in tokens[(open + 1)...] {
      if token.isSymbol("(") { depth += 1 }
      if token.isSymbol(")") {
        depth -= 1
        if depth == 0 { break }
      }
      body.append(token)
    }
    return body
  }

  private mutating func addCheck(
    _ body: [SQLToken], name: String?, column: String?, known: Set<String>, source: [UInt8]
  ) {
    guard let first = body.first, let last = body.last else { return }
    let text = source[first.range.lowerBound..<last.range.upperBound]
    let named = body.lazy.compactMap { token -> String? in
      guard token.kind == .word || token.kind == .quotedName else { return nil }
      let name = token.text.asciiLowercased
      return known.contains(name) ? name : nil
    }.first
    checks.append(
      Check(
        name: name, expression: String(decoding: text, as: UTF8.self), column: column ?? named))
    if let (column, values) = CreateTableText.enumeration(body, known: known),
      enumerations[column] == nil
    {
      enumerations[column] = values
    }
  }

  /// Recognizes `c IN ('a', 'b')`, alone or beside `c IS NULL OR`, in any number of parentheses.
  private static func enumeration(
    _ body: [SQLToken], known: Set<String>
  ) -> (String, [String])? {
    var tokens = body[...]
    while let first = tokens.first, let last = tokens.last, first.isSymbol("("),
      last.isSymbol(")"), group(Array(tokens), after: 0).count == tokens.count - 2
    {
      tokens = tokens.dropFirst().dropLast()
    }
    if let rest = withoutNullTest(tokens) { return enumeration(Array(rest), known: known) }
    guard tokens.count >= 5, let name = tokens.first, name.kind != .string,
      let column = name.name?.asciiLowercased, known.contains(column),
      tokens.dropFirst().first?.isWord("in") == true
    else { return nil }
    let list = tokens.dropFirst(2)
    guard list.first?.isSymbol("(") == true, list.last?.isSymbol(")") == true else { return nil }
    var values: [String] = []
    for (position, token) in list.dropFirst().dropLast().enumerated() {
      if position % 2 == 0 {
        guard token.kind == .string, !values.contains(token.text) else { return nil }
        values.append(token.text)
      } else if !token.isSymbol(",") {
        return nil
      }
    }
    return values.isEmpty ? nil : (column, values)
  }

  /// What is left of `c IS NULL OR …` or `… OR c IS NULL`.
  private static func withoutNullTest(_ tokens: ArraySlice<SQLToken>) -> ArraySlice<SQLToken>? {
    let head = Array(tokens.prefix(4))
    if head.count == 4, head[1].isWord("is"), head[2].isWord("null"), head[3].isWord("or") {
      return tokens.dropFirst(4)
    }
    let tail = Array(tokens.suffix(4))
    if tail.count == 4, tail[0].isWord("or"), tail[2].isWord("is"), tail[3].isWord("null") {
      return tokens.dropLast(4)
    }
    return nil
  }

  /// A comment on the line where a column ends is that column's, also after the comma; comments on
  /// lines of their own are the next column's; what stands before the list, or on the line of its
  /// parenthesis, is the table's.
  private mutating func readComments(
    _ tokens: [SQLToken], open: Int, definitions: [[SQLToken]], known: Set<String>
  ) {
    var table = tokens[..<open].filter { $0.kind == .comment }.map(\.text)
    var waiting: [String] = []
    var previous: (column: String?, line: Int)?
    for definition in definitions {
      let column = CreateTableText.columnName(definition, known: known)
      let first = definition.first { $0.kind != .comment }?.line
      var last: Int?
      for token in definition {
        guard token.kind == .comment else {
          last = token.line
          for text in waiting { note(text, at: column) }
          waiting = []
          continue
        }
        if let last, token.line == last {
          note(token.text, at: column)
        } else if last == nil, let previous, previous.line == token.line, first != token.line {
          note(token.text, at: previous.column)
        } else if last == nil, previous == nil, token.line == tokens[open].line {
          table.append(token.text)
        } else if last == nil {
          waiting.append(token.text)
        }
      }
      waiting = []
      previous = (column, last ?? previous?.line ?? tokens[open].line)
    }
    comment = table.joined(separator: "\n")
  }

  private mutating func note(_ text: String, at column: String?) {
    guard let column, !text.isEmpty else { return }
    columnComments[column] = columnComments[column].map { "\($0)\n\(text)" } ?? text
  }
}
