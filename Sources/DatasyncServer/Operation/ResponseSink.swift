import DatasyncMessages
import DatasyncModel

/// Where the answers of one call go: into a session's stream, or as a unary call's message.
/// Loop-bound.
protocol ResponseSink: EventSink {
  /// The answer to a request; its last word.
  func answer(_ requestID: UInt64, _ response: Response)
  /// The status that ends a request; nil is OK.
  func finish(_ requestID: UInt64, error: DatasyncError?)
  /// A request has ended: there may be room for more.
  func requestEnded()
}
