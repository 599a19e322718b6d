package import DatasyncModel

/// A checked `$filter` of one table: parsed once, judged often. A value.
///
/// The language is OData 4.01's. A name that stands where a value is expected is a field even if it is
/// spelt like an operator or a function (`eq eq 'x'`); only
/// `not`, `null`, `true` and `false` are never fields, and `$it/null` names even those. Columns whose
/// names are no words (letters, digits, `_`) cannot be named. Where no column is called `id`, `id` is
/// the key.
package struct Filter: Sendable {
  /// As the caller wrote it.
  package let text: String
  /// Whether `now()` is in it: then its answers change by themselves.
  package var usesNow: Bool { nowPosition != nil }
  /// The positions of the columns that the filter reads.
  package let columns: Set<Int>
  /// Column = value conditions that every matching row fulfils, for indexes over subscriptions.
  /// `column` is a position in ``Table/columns``.
  package let equalities: [(column: Int, value: Value)]

  /// Every name in the text that is a field, with its column; also where no row's value can matter,
  /// as in `x gt null`.
  package let fields: [(name: String, column: Int)]
  /// Column = value, if that is all that the filter says and a column of text or integers is compared
  /// as it is stored.
  package var soleEquality: (column: Int, value: Value)? {
    guard case .comparison(.eq, _, _, .stored) = tree.kind, equalities.count == 1 else {
      return nil
    }
    switch (table.columns[equalities[0].column].type, equalities[0].value) {
    case (.string, .string), (.int64, .int64): return equalities[0]
    default: return nil
    }
  }

  /// What it may cost for a row; see ``FilterCost``.
  package var cost: FilterCost { evaluator.cost }

  /// What it says, checked.
  package let tree: Expression
  /// Where `now()` stands first, from 1.
  private let nowPosition: Int?
  private let evaluator: Evaluator
  /// That for which it was checked; rows must be of the same columns.
  package let table: Table

  /// - Parameter terms: Those of the filters that are judged together with it.
  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER, metadata `position` (from 1, in Unicode scalars),
  ///   with a violation of the field `filter` whose description begins `at N: `.
  package init(
    parsing text: String, table: Table, limits: FilterLimits = .default, terms: TextTerms? = nil
  ) throws(DatasyncError) {
    let syntax: Syntax
    let tree: Expression
    do {
      syntax = try Parser.parse(text, limits: limits)
      tree = try Checker(table: table).condition(syntax)
    } catch {
      throw error.error(field: "filter", reason: "BAD_FILTER")
    }
    let fields = syntax.names.sorted().compactMap { name in
      (try? table.position(ofField: name, at: 0)).map { (name: name, column: $0) }
    }
    self.init(text: text, tree: tree, fields: fields, table: table, terms: terms)
  }

  /// Of a tree that the checker made, of columns of this table.
  package init(checked tree: Expression, table: Table) {
    self.init(text: "", tree: tree, fields: [], table: table)
  }

  /// Of a tree that is checked.
  init(
    text: String, tree: Expression, fields: [(name: String, column: Int)], table: Table,
    terms: TextTerms? = nil
  ) {
    self.text = text
    self.tree = tree
    self.fields = fields
    self.table = table
    evaluator = Evaluator(tree, table: table, terms: terms)
    equalities = tree.equalities(in: table)
    columns = tree.columns
    var nowPosition: Int?
    tree.forEach { expression in
      if case .now = expression.kind {
        nowPosition = min(nowPosition ?? expression.position, expression.position)
      }
    }
    self.nowPosition = nowPosition
  }

  /// For a use in which rows come and go by changes alone, not by time.
  ///
  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER, at the first `now()` in it.
  package func refuseNow() throws(DatasyncError) {
    guard let nowPosition else { return }
    throw ParseFault(
      at: nowPosition,
      "found now() in the filter of a subscription, whose rows come and go by changes alone; "
        + "expected a moment, such as 2026-01-31T12:00:00Z"
    ).error(field: "filter", reason: "BAD_FILTER")
  }

  /// Whether the filter is true (neither false nor null) for a row.
  ///
  /// - Parameters:
  ///   - values: One for each of ``Table/columns``, as ``RowDecoder/values(of:table:)`` gives them.
  ///   - now: Microseconds since 1970; nil: the present moment.
  ///   - memo: Of the row, where other filters of the same ``TextTerms`` judge it too.
  package func matches(
    _ values: [Value], now: Int64? = nil, memo: TextMemo? = nil
  ) throws(FilterFault) -> Bool {
    try evaluator.isTrue(
      of: values, now: now ?? (usesNow ? WallClock.now : 0), memo: memo)
  }
}
