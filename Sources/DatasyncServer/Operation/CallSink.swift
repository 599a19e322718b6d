import DatasyncMessages
import DatasyncModel
import DatasyncRPC
import NIOCore

/// A call as the place where answers and events go: what a session's stream and a unary call's or server
/// stream's messages have in common. Loop-bound.
protocol CallSink: ResponseSink {
  var call: ServerCall { get }
  var operations: Operations { get }
  /// Whether its last word is said, or nobody hears it any more.
  var isEnded: Bool { get }
  /// The message that carries an event of a request.
  func form(for requestID: UInt64) -> EventForm
}

extension CallSink {
  var isWritable: Bool { !isEnded && call.isWritable }

  func awaitDrain(_ subscription: Subscription) {
    operations.awaitDrain(subscription)
  }

  func subscriptionEnded(_ requestID: UInt64, error: DatasyncError?) {
    operations.finish(requestID, error: error)
  }

  func sharedForm(for requestID: UInt64) -> EventForm? {
    call.takesFramedMessages ? form(for: requestID) : nil
  }

  func send(framed bytes: ByteBuffer, messageCount: Int) {
    guard !isEnded else { return }
    call.send(framed: bytes, messageCount: messageCount)
  }

  func send(_ event: EncodedEvent, own: Bool, more: Bool, for requestID: UInt64) {
    guard !isEnded else { return }
    call.send { EventFrame.write(form(for: requestID), event, own: own, more: more, to: &$0) }
  }

  func send(checkpoint: [UInt8], for requestID: UInt64) {
    guard !isEnded else { return }
    call.send { EventFrame.write(form(for: requestID), checkpoint: checkpoint, to: &$0) }
  }
}
