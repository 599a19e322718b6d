import DatasyncModel

extension Filter {
  /// True where both are.
  ///
  /// Its ``text`` is for messages; what was made of rules cannot be parsed again.
  ///
  /// - Parameters:
  ///   - other: Of the same table; what it compares is in its own positions no longer, but in those of
  ///     the text of both.
  ///   - terms: Those of the filters that are judged together with it.
  package func and(_ other: Filter, terms: TextTerms? = nil) -> Filter {
    precondition(
      table.columns.count == other.table.columns.count, "both filters are of the same table")
    let second = text.unicodeScalars.count + 7
    let parts = [tree.moved(by: 1), other.tree.moved(by: second + 1)]
    let joined = parts.flatMap { part in
      if case .and(let terms) = part.kind { terms } else { [part] }
    }
    return Filter(
      text: "(\(text)) and (\(other.text))",
      tree: Expression(kind: .and(joined), type: .bool, position: text.unicodeScalars.count + 4),
      fields: fields + other.fields, table: table, terms: terms)
  }
}
