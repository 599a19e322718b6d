package import DatasyncModel

/// A checked `$filter` of one table: parsed once, judged often. A value.
package struct Filter: Sendable {
  package let text: String

  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER, metadata `position` (from 1, in Unicode scalars),
  ///   with a violation of the field `filter` whose description begins `at N: `.
  package init(
    parsing text: String, table: Table, limits: FilterLimits = .default
  ) throws(DatasyncError) {
    self.text = text
  }

  /// Whether the filter is true (neither false nor null) for a row.
  ///
  /// - Parameter values: One for each of ``Table/columns``, as ``RowDecoder/values(of:table:)``
  ///   gives them.
  package func matches(_ values: [Value]) -> Bool {
    true
  }

  /// Column = value conditions that every matching row fulfils, for indexes over subscriptions.
  /// `column` is a position in ``Table/columns``.
  package var equalities: [(column: Int, value: Value)] { [] }

  /// The positions of the columns that the filter reads.
  package var columns: Set<Int> { [] }

  /// The same condition for a WHERE clause; keeps exactly the rows that ``matches(_:)`` keeps.
  package var sql: SQLFragment { SQLFragment(text: "1", bindings: []) }
}

/// Bounds on what is parsed. A value.
package struct FilterLimits: Sendable {
  /// In Unicode scalars.
  package var maxLength = 8192
  package var maxDepth = 64
  package var maxNodes = 1024

  package static let `default` = FilterLimits()

  package init() {}
}
