import DatasyncMessages
import DatasyncModel
import NIOCore

/// Where a subscription's events go. Loop-bound.
protocol EventSink: AnyObject {
  /// Whether more may be sent.
  var isWritable: Bool { get }
  /// Whether it takes a commit whole, however large; where it does not, commits come from the log, and
  /// every event is asked for with ``admits(_:)``.
  var takesWholeCommits: Bool { get }
  /// Whether an event of so many bytes still goes in; where it does not, nothing more does, not even to
  /// the end of a commit.
  func admits(_ byteCount: Int) -> Bool
  /// Whether what it was sent may be judged anew; where not, it ends when its caller may read something else.
  var takesJudgements: Bool { get }
  /// The subscription goes on that was held.
  func subscriptionReleased()
  /// Has ``Subscription/drained()`` called once when more may be sent, in the order of asking.
  func awaitDrain(_ subscription: Subscription)
  /// Whether events take the form of a typed service.
  var isTyped: Bool { get }

  /// The form of a request's events in which many may be sent at once; nil: only one by one.
  func sharedForm(for requestID: UInt64) -> EventForm?
  /// Sends messages that are framed already, as ``EventBatch`` does.
  func send(framed bytes: ByteBuffer, messageCount: Int)
  func send(_ event: EncodedEvent, own: Bool, more: Bool, for requestID: UInt64)
  func send(checkpoint: [UInt8], for requestID: UInt64)
  /// The last word of a subscription; nil is OK.
  func subscriptionEnded(_ requestID: UInt64, error: DatasyncError?)
}

extension EventSink {
  var takesJudgements: Bool { true }
  func subscriptionReleased() {}

  /// A stream takes what belongs together.
  var takesWholeCommits: Bool { true }
  func admits(_ byteCount: Int) -> Bool { true }
}
