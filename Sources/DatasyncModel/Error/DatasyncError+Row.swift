/// Several faults of one request, told at once.
extension DatasyncError {
  /// This fault and those of other fields: code, reason and metadata are this one's, the violations
  /// are everybody's.
  package func joined(with others: [FieldViolation]) -> DatasyncError {
    others.isEmpty ? self : telling(violations + others)
  }

  /// This fault's code, reason and metadata, with the violations of everybody, in that order.
  ///
  /// - Parameter untold: How many more there are.
  func telling(_ all: [FieldViolation], untold: Int = 0) -> DatasyncError {
    var error = self
    error.violations = []
    var told: [String] = []
    var byteCount = 0
    var messageCost = 0
    for violation in all.prefix(DatasyncError.maxViolations) {
      let text = "\(violation.field): \(violation.description)"
      byteCount += text.utf8.count
      messageCost += text.headerCost + 2
      guard told.isEmpty || byteCount <= DatasyncError.maxViolationBytes else { break }
      error.violations.append(violation)
      if told.isEmpty || messageCost <= DatasyncError.maxMessageCost { told.append(text) }
    }
    error.message = told.joined(separator: "; ")
    let count = all.count + untold
    error.untoldViolations = count - error.violations.count
    if count > told.count { error.message += "; and \(count - told.count) more" }
    return error
  }

  /// A value that a column which must have one does not have.
  package static func valueMissing(_ column: Column) -> FieldViolation {
    FieldViolation(field: column.name, description: "it must have a value")
  }

  private static let maxViolations = 20
  /// With the message, they must go into the trailers of a call.
  private static let maxViolationBytes = 1_800
  /// A call's message is cut at 1,024.
  private static let maxMessageCost = 1_000
}

extension String {
  /// The bytes that it takes as the message of a call: three for each that is not ASCII.
  var headerCost: Int { utf8.reduce(0) { $0 + ($1 < 0x80 ? 1 : 3) } }
}
