package import NIOCore

/// A method that is a function of its one message, answered on the event loop. Loop-bound.
package final class UnaryHandler: CallHandler {
  private let call: ServerCall
  private let respond: (ByteBuffer) -> Result<ByteBuffer, Status>

  /// - Parameter respond: Called once, on the event loop: it must not block.
  package init(_ call: ServerCall, _ respond: @escaping (ByteBuffer) -> Result<ByteBuffer, Status>)
  {
    self.call = call
    self.respond = respond
  }

  /// Answers and finishes the call.
  package func received(_ message: ByteBuffer, wasCompressed: Bool) {
    switch respond(message) {
    case .success(let response):
      call.send(response)
      call.finish(.ok)
    case .failure(let status):
      call.finish(status)
    }
  }

  package func halfClosed() {}

  /// Nothing is to be let go: a call that has had its message is finished.
  package func cancelled(_ cause: CancellationCause) {}
}
