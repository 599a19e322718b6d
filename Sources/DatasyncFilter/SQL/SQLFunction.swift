package import DatasyncModel

/// A scalar function that filters need in SQL; the store registers all of them, as deterministic, on
/// each connection. A value.
package struct SQLFunction: Sendable {
  package let name: String
  /// -1: any number.
  package let argumentCount: Int
  /// Takes what SQLite passes, by its dynamic type; answers with null, int64, double, string or
  /// bytes, or fails where it would take more than the budget.
  package let body: Body

  package typealias Body = @Sendable ([Value], FilterBudget) throws(FilterFault) -> Value

  package init(name: String, argumentCount: Int, body: @escaping Body) {
    self.name = name
    self.argumentCount = argumentCount
    self.body = body
  }

  /// Every function that ``Filter/sql`` and ``OrderBy`` may call.
  package static let all: [SQLFunction] =
    Operation.all.map(\.sqlFunction) + [FilterProgram.function]
}
