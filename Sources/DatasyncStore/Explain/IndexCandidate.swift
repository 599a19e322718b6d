import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel

/// An index that might serve a query. A value.
struct IndexCandidate {
  struct Term: Hashable {
    /// Position in ``Table/columns``.
    let column: Int
    let isDescending: Bool
  }

  let terms: [Term]

  /// Columns compared for equality first, then those of the order or one that bounds a range: past a
  /// range the rows stand in no useful order.
  static func all(for filter: Filter?, order: OrderBy?) -> [IndexCandidate] {
    let key = SystemColumn.key.rawValue
    var equal: [Int] = []
    for (column, _) in filter?.equalities ?? [] where column != key && !equal.contains(column) {
      equal.append(column)
    }
    let front = equal.map { Term(column: $0, isDescending: false) }
    let others = (filter?.columns ?? []).subtracting(equal).subtracting([key]).sorted()
    // Without an order the rows come by the key.
    var ordered = (order?.terms ?? [OrderBy.Term(column: key, isDescending: false)])
      .filter { !equal.contains($0.column) }
      .map { Term(column: $0.column, isDescending: $0.isDescending) }
    // An index is read from either end.
    if ordered.allSatisfy(\.isDescending) {
      ordered = ordered.map { Term(column: $0.column, isDescending: false) }
    }
    var candidates = [front]
    candidates += others.prefix(maxRanges).map { front + [Term(column: $0, isDescending: false)] }
    candidates.append(front + ordered.filter { $0.column != key })
    candidates.append(front + ordered)
    return candidates.filter { !$0.isEmpty && $0.first?.column != key }.map {
      IndexCandidate(terms: $0)
    }
  }

  /// Most columns of a filter that are tried as a range.
  private static let maxRanges = 16

  func sql(for table: Table, avoiding names: Set<String>) -> String {
    let columns = terms.map { table.columns[$0.column].storedName }
    let base = "\(table.name)_by_\(columns.joined(separator: "_"))"
    var name = base
    var number = 2
    while names.contains(name.asciiLowercased) {
      name = "\(base)_\(number)"
      number += 1
    }
    let list = zip(terms, columns).map { term, column in
      column.quotedIdentifier + (term.isDescending ? " DESC" : "")
    }
    return "CREATE INDEX \(name.quotedIdentifier) ON \(table.name.quotedIdentifier)"
      + " (\(list.joined(separator: ", ")));"
  }
}
