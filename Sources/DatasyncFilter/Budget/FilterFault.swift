package import DatasyncModel

/// Why a filter cannot say of a row whether it matches: it would take more than a ``FilterBudget``
/// allows. A value.
package enum FilterFault: Error, Hashable {
  /// A function would make a text of more bytes than these.
  case text(limit: Int)
  /// Functions would read and make more bytes than these.
  case work(limit: Int)

  /// The name of the limit.
  package var limitName: String {
    switch self {
    case .text: "max_filter_text_bytes"
    case .work: "max_filter_work_bytes"
    }
  }

  /// Safe for the peer.
  package var message: String {
    switch self {
    case .text(let limit):
      "the filter makes a text of more than \(limit) bytes of a row; "
        + "use fewer concat, or compare the fields themselves"
    case .work(let limit):
      "the filter's text functions take more than \(limit) bytes of work for a row; "
        + "use fewer of them, or compare the fields themselves"
    }
  }

  /// RESOURCE_EXHAUSTED, reason FILTER_TOO_COMPLEX.
  package var error: DatasyncError { FilterFault.error(message, limitName: limitName) }

  /// The same with a message of the caller's.
  ///
  /// - Parameter limitName: Becomes metadata `limit`.
  package static func error(_ message: String, limitName: String) -> DatasyncError {
    DatasyncError(
      .resourceExhausted, reason: "FILTER_TOO_COMPLEX", message, metadata: ["limit": limitName])
  }
}
