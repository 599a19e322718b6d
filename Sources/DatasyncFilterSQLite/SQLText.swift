extension String {
  /// As an SQL identifier, whatever is in it.
  package var quotedIdentifier: String { quoted("\"") }

  /// As an SQL string literal; only for names in schema statements, never for values.
  package var quotedLiteral: String { quoted("'") }

  /// By scalars: a quotation mark with an accent on it is a character of its own to Swift, and a quotation
  /// mark to SQLite.
  private func quoted(_ mark: Unicode.Scalar) -> String {
    var result = String.UnicodeScalarView()
    result.append(mark)
    for scalar in unicodeScalars {
      if scalar == mark { result.append(mark) }
      result.append(scalar)
    }
    result.append(mark)
    return String(result)
  }
}
