extension String {
  /// As an SQL identifier.
  var quotedIdentifier: String { "\"\(replacingEach("\"", with: "\"\""))\"" }

  /// As an SQL string literal; only for names in schema statements, never for values.
  var quotedLiteral: String { "'\(replacingEach("'", with: "''"))'" }

  private func replacingEach(_ character: Character, with replacement: String) -> String {
    guard contains(character) else { return self }
    var result = ""
    for each in self {
      if each == character { result += replacement } else { result.append(each) }
    }
    return result
  }

  /// ASCII letters as SQLite folds them.
  var asciiLowercased: String {
    String(decoding: utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
  }
}
