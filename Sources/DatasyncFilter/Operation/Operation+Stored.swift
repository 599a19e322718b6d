import DatasyncModel

// Columns as they are read. What other programs stored and does not fit is null.
extension Operation {
  /// A DECIMAL column: text in the one form that there is, or a number that SQLite made of it.
  package static let decimalOfColumn = Operation(
    name: "decimal_of_column", parameters: [.dynamic],
    body: .unary { value in
      switch value {
      case .string(let text): decimal(canonical: text)
      case .int64(let value): .decimal(Decimal(value))
      case .double(let value): Decimal(shortest: value).map { decimal(canonical: $0.text) } ?? .null
      case .null, .bool, .decimal, .bytes, .timestamp: .null
      }
    })

  /// A JSON column: the text as it stands, null where it is not valid JSON.
  package static let jsonOfText = Operation("json_of_text") { (text: String) in
    try? CanonicalText.of(text, for: .json(asWritten: true))
  }

  static let stored: [Operation] = [decimalOfColumn, jsonOfText]

  private static func decimal(canonical text: String) -> Operand {
    guard (try? CanonicalText.of(text, for: .decimal(asWritten: true))) != nil else { return .null }
    return Decimal(text).map { .decimal($0) } ?? .null
  }
}
