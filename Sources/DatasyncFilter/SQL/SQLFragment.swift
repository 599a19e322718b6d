package import DatasyncModel

/// A piece of SQL with `?` for its values, in order; no value ever stands in the text. A value.
package struct SQLFragment: Hashable, Sendable {
  package var text: String
  package var bindings: [Value]

  package init(text: String, bindings: [Value]) {
    self.text = text
    self.bindings = bindings
  }
}

/// A scalar function that filters need in SQL; the store registers all of them, as deterministic, on
/// each connection. A value.
package struct SQLFunction: Sendable {
  package let name: String
  /// -1: any number.
  package let argumentCount: Int
  package let body: @Sendable ([Value]) -> Value

  package init(
    name: String, argumentCount: Int, body: @escaping @Sendable ([Value]) -> Value
  ) {
    self.name = name
    self.argumentCount = argumentCount
    self.body = body
  }

  /// Every function that ``Filter/sql`` and ``OrderBy`` may call.
  package static let all: [SQLFunction] = []
}
