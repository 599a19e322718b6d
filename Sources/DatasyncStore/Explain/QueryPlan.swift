/// How SQLite answers a query, and what would make it faster. A value.
package struct QueryPlan: Sendable {
  /// The statement of a query's first page, `?` for each value.
  package let statement: String
  /// SQLite's own words (EXPLAIN QUERY PLAN), a step within another indented by two spaces.
  package let steps: [String]
  /// By the steps alone: the numbers of rows do not count.
  package let verdict: Verdict
  /// Columns of the filter and the order that are compared as they read and not as they are stored, so
  /// that no index on them serves; in order of number.
  package var columnsInOtherForms: [String] = []

  /// Whether an index would help.
  package enum Verdict: Hashable, Sendable {
    /// An index leads to the rows, in the order asked for.
    case good
    /// This CREATE INDEX leads to a better plan; tried out on an empty copy of the table.
    case index(String)
    /// Rows are read that do not match, or are sorted, and no index on columns changes that.
    case noIndexHelps
  }
}

/// What a plan costs, as far as its steps tell. A value.
struct PlanCost {
  /// Whether every row is read to find those that match.
  let scans: Bool
  /// Whether rows are sorted after they were found.
  let sorts: Bool
  /// How many conditions narrow what is read.
  let constraints: Int

  /// - Parameter hasFilter: Whether the query leaves out rows. Without a filter, reading in the order
  ///   asked for is the best there is: the page ends it.
  init(steps: [String], hasFilter: Bool) {
    let scanned = steps.contains { $0.contains("SCAN ") }
    sorts = steps.contains { $0.contains("USE TEMP B-TREE") }
    scans = scanned && (hasFilter || sorts)
    constraints = steps.reduce(0) { count, step in
      guard let start = step.firstIndex(of: "(") else { return count }
      return count + step[start...].count { $0 == "?" }
    }
  }

  var isGood: Bool { !scans && !sorts }

  /// Whether it is better by what matters, and not merely by a condition more.
  func isBetter(than other: PlanCost) -> Bool { rank < other.rank }

  /// A scan outweighs a sort: what is sorted is at most what was found.
  var rank: Int { (scans ? 2 : 0) + (sorts ? 1 : 0) }
}
