package import DatasyncFilter
package import DatasyncModel

/// A scalar function that filters need in SQL; the store registers all of them, as deterministic, on
/// each connection. A value.
package struct SQLFunction: Sendable {
  /// Begins with `datasync_`, so that it meets no function of SQLite or of other programs.
  package let name: String
  /// -1: any number.
  package let argumentCount: Int
  /// Takes what SQLite passes, by its dynamic type; answers with null, int64, double, string or
  /// bytes, or fails where it would take more than the budget.
  package let body: Body

  /// Called on the thread of the connection; gives the same for the same arguments.
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

extension Operation {
  /// As SQLite knows it.
  var sqlName: String { "datasync_\(name)" }

  var sqlFunction: SQLFunction {
    let (count, textUse) = (parameters.count, self.textUse)
    return SQLFunction(
      name: sqlName, argumentCount: count
    ) { [parameters, body] (arguments, budget) throws(FilterFault) in
      guard arguments.count == count else { return .null }
      if textUse == .joins { try budget.admit(arguments) }
      let result =
        switch body {
        case .unary(let body):
          body(parameters[0].read(arguments[0]))
        case .binary(let body):
          body(parameters[0].read(arguments[0]), parameters[1].read(arguments[1]))
        case .ternary(let body):
          body(
            parameters[0].read(arguments[0]), parameters[1].read(arguments[1]),
            parameters[2].read(arguments[2]))
        }
      if textUse != nil { try budget.admit(textOf: result.textBytes) }
      return result.storageValue
    }
  }
}

extension FilterBudget {
  /// The text that is made of these together.
  fileprivate func admit(_ texts: [Value]) throws(FilterFault) {
    var bytes = 0
    for case .string(let text) in texts { bytes += text.utf8.count }
    try admit(textOf: bytes)
  }

  fileprivate func admit(textOf bytes: Int) throws(FilterFault) {
    guard bytes <= maxTextBytes else { throw .text(limit: maxTextBytes) }
  }
}
