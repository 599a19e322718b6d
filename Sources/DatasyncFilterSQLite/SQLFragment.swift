package import DatasyncModel

/// A piece of SQL with `?` for its values, in order; no value ever stands in the text. A value.
package struct SQLFragment: Hashable, Sendable {
  /// May be joined with others, if their ``bindings`` are joined in the same order.
  package var text: String
  /// One for each `?`, from the left; moments as microseconds, truth values as 0 and 1.
  package var bindings: [Value]

  /// That there are as many bindings as `?` is not checked.
  package init(text: String, bindings: [Value]) {
    self.text = text
    self.bindings = bindings
  }
}
