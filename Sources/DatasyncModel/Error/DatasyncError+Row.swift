/// Several faults of one row, told at once.
extension DatasyncError {
  /// This fault and those of other fields: code, reason and metadata are this one's, the violations
  /// are everybody's.
  package func joined(with others: [FieldViolation]) -> DatasyncError {
    guard !others.isEmpty else { return self }
    var error = self
    let all = violations + others
    error.violations = Array(all.prefix(DatasyncError.maxViolations))
    error.message = error.violations.map { "\($0.field): \($0.description)" }
      .joined(separator: "; ")
    if all.count > error.violations.count {
      error.message += "; and \(all.count - error.violations.count) more"
    }
    return error
  }

  /// A value that a column which must have one does not have.
  package static func valueMissing(_ column: Column) -> FieldViolation {
    FieldViolation(field: column.name, description: "it must have a value")
  }

  private static let maxViolations = 20
}
