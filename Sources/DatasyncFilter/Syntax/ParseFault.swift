import DatasyncModel

/// What is wrong with a text, and where. A value.
struct ParseFault: Error, Equatable {
  /// From 1, in Unicode scalars.
  let position: Int
  /// What was found and what could stand there; goes on after `at N: `.
  let description: String

  init(at position: Int, _ description: String) {
    self.position = position
    self.description = description
  }

  /// As the caller gets it.
  func error(field: String, reason: String) -> DatasyncError {
    .badField(
      field, reason: reason, "at \(position): \(description)",
      metadata: ["position": String(position)])
  }
}
