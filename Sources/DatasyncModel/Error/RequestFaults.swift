/// The bad values of a request, gathered in the order of its fields to be told at once. A value.
///
/// Only for requests that are refused: what can be served pays nothing for it.
package struct RequestFaults {
  private var first: DatasyncError?
  private var violations: [DatasyncError.FieldViolation] = []
  private var untold = 0

  package init() {}

  /// Whether so many are gathered that the rest of a list need not be looked at.
  package var isFull: Bool { violations.count >= 100 }

  /// Takes a fault if it is one of a value; others, such as that of a row which is not there, depend on
  /// values that may be bad.
  package mutating func note(_ error: DatasyncError) {
    guard error.code == .invalidArgument, !error.violations.isEmpty else { return }
    if first == nil { first = error }
    violations += error.violations
    untold += error.untoldViolations
  }

  /// Takes a violation that gives the error neither its reason nor its metadata.
  package mutating func note(_ violation: DatasyncError.FieldViolation) {
    violations.append(violation)
  }

  /// Takes all of another's after its own; the first error stays that of this one if it has any.
  package mutating func note(contentsOf others: RequestFaults) {
    first = first ?? others.first
    violations += others.violations
    untold += others.untold
  }

  /// Takes the fault of a check that fails.
  ///
  /// - Returns: What the check gave; nil where it failed.
  @discardableResult
  package mutating func check<Result>(_ body: () throws(DatasyncError) -> Result) -> Result? {
    do throws(DatasyncError) {
      return try body()
    } catch {
      note(error)
      return nil
    }
  }

  /// All of them as one error: code, reason and metadata are those of the first.
  ///
  /// - Parameter refusal: Why the request is refused; it is told alone where it is no bad value.
  package func joined(to refusal: DatasyncError) -> DatasyncError {
    guard refusal.code == .invalidArgument, !refusal.violations.isEmpty, let first else {
      return refusal
    }
    return violations.count > 1 ? first.telling(violations, untold: untold) : first
  }
}
