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
