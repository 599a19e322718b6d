package import DatasyncModel

/// What is wrong with a text, and where. A value.
package struct ParseFault: Error, Equatable {
  /// From 1, in Unicode scalars.
  package let position: Int
  /// What was found and what could stand there; goes on after `at N: `.
  package let description: String

  /// - Parameter position: From 1, in Unicode scalars.
  package init(at position: Int, _ description: String) {
    self.position = position
    self.description = description
  }

  /// As the caller gets it.
  package func error(field: String, reason: String) -> DatasyncError {
    .badField(
      field, reason: reason, "at \(position): \(description)",
      metadata: ["position": String(position)])
  }
}
