package import DatasyncModel

/// A checked `$orderby` of one table; the key is always the last term, appended where the text does
/// not name it. A value.
package struct OrderBy: Sendable {
  package struct Term: Hashable, Sendable {
    /// Position in ``Table/columns``.
    package let column: Int
    package let isDescending: Bool

    package init(column: Int, isDescending: Bool) {
      self.column = column
      self.isDescending = isDescending
    }
  }

  package let terms: [Term]

  /// - Throws: INVALID_ARGUMENT, reason BAD_ORDER_BY, as ``Filter`` does.
  package init(parsing text: String, table: Table) throws(DatasyncError) {
    terms = [Term(column: 0, isDescending: false)]
  }

  /// The ORDER BY list, without the words.
  package func sql(for table: Table) -> SQLFragment { SQLFragment(text: "", bindings: []) }

  /// The condition that a row comes after the one with these values of ``terms`` in this order.
  package func sql(after values: [Value], for table: Table) -> SQLFragment {
    SQLFragment(text: "1", bindings: [])
  }
}
