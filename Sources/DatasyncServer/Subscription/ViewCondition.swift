import DatasyncFilter
import DatasyncModel

/// What a view's filter says of a row. A value.
///
/// Most filters of subscriptions are `owner_id eq 'u1'`, each with another value, and there may be a
/// hundred thousand of them: such a one is kept as that, not as a tree and its closures.
enum ViewCondition: Sendable {
  case always
  /// No row may be read; the text is the client's filter.
  case never(text: String)
  case equality(text: String, column: Int, value: Value)
  case filter(SharedFilter)

  init(_ filter: Filter?) {
    guard let filter else {
      self = .always
      return
    }
    if let (column, value) = filter.soleEquality {
      self = .equality(text: filter.text, column: column, value: value)
    } else {
      self = .filter(SharedFilter(filter))
    }
  }

  /// As it was given; empty: there is no filter.
  var text: String {
    switch self {
    case .always: ""
    case .never(let text): text
    case .equality(let text, _, _): text
    case .filter(let shared): shared.filter.text
    }
  }

  /// Whether it is a tree, which subscriptions with the same one keep together, and which takes some time
  /// for a row.
  var isShared: Bool {
    if case .filter = self { return true }
    return false
  }

  /// What it takes in memory, about.
  var byteCount: Int {
    switch self {
    case .always: 0
    // It may become a filter with other sets.
    case .never(let text): 1024 + 32 * text.utf8.count
    case .equality(let text, _, _): 256 + 2 * text.utf8.count
    case .filter(let shared): 1024 + 32 * shared.filter.text.utf8.count
    }
  }

  /// The columns that are read.
  var columns: ColumnMask {
    switch self {
    case .always, .never: .none
    case .equality(_, let column, _): ColumnMask(column)
    case .filter(let shared): shared.columns
    }
  }

  /// The columns that the names in the text stand for, in the order of the names.
  enum NamedColumns: Hashable {
    case one(Int)
    case several([Int])
  }

  var namedColumns: NamedColumns {
    switch self {
    case .always, .never: .several([])
    case .equality(_, let column, _): .one(column)
    case .filter(let shared): .several(shared.filter.fields.map(\.column))
    }
  }

  /// Of each of the ways to find the rows for which it may hold, values of columns of which each such row has
  /// one; empty: it may hold for any row. See ``Filter/waysToFind``.
  var waysToFind: [[(column: Int, values: [Value])]] {
    switch self {
    case .always: []
    // By no row's.
    case .never: [[]]
    case .equality(_, let column, let value): [[(column, [value])]]
    case .filter(let shared): shared.filter.waysToFind
    }
  }

  /// - Throws: Where the filter would take more for the row than it may.
  func holds(_ memo: TextMemo, _ values: () -> [Value]) throws(FilterFault) -> Bool {
    switch self {
    case .always:
      true
    case .never:
      false
    case .equality(_, let column, let value):
      ViewCondition.isSame(values()[column], value)
    case .filter(let shared):
      try shared.filter.matches(values(), memo: memo)
    }
  }

  /// Strings compare by code point, where Swift would take canonical equivalence for equality.
  private static func isSame(_ left: Value, _ right: Value) -> Bool {
    switch (left, right) {
    case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
    case (.int64(let left), .int64(let right)): left == right
    default: false
    }
  }

  func filter(of table: Table) throws(DatasyncError) -> Filter? {
    switch self {
    case .always: return nil
    case .never: return try Filter(.isIn(.columnAt(0), []), table: table)
    case .equality(_, let column, let value):
      return try Filter(
        .compare(
          .columnAt(column), .eq,
          .literal(ExpressionType(table.columns[column].type).operandKind.read(value))),
        table: table)
    case .filter(let shared): return shared.filter
    }
  }
}
