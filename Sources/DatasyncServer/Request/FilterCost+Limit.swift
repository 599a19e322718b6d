import DatasyncFilter
import DatasyncModel

extension FilterCost {
  /// - Throws: INVALID_ARGUMENT, reason FILTER_TOO_COMPLEX, metadata `estimate` and `limit`.
  func check(_ max: Int, limitName: String) throws(DatasyncError) {
    guard estimate > max else { return }
    throw .badField(
      "filter", reason: "FILTER_TOO_COMPLEX",
      "for a row it takes an estimated \(estimate) bytes of text and steps, more than \(max)"
        + (dearest.map { "; \($0)" } ?? "")
        + "; use fewer text functions, or compare the fields themselves",
      metadata: ["estimate": String(estimate), "limit": limitName])
  }
}
