package import NIOCore

/// A method that is a function of its one message, answered on the event loop. Loop-bound.
package final class UnaryHandler: CallHandler {
  private let call: ServerCall
  private let respond: (ByteBuffer) -> Result<ByteBuffer, Status>

  package init(_ call: ServerCall, _ respond: @escaping (ByteBuffer) -> Result<ByteBuffer, Status>)
  {
    self.call = call
    self.respond = respond
  }

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

  package func cancelled(_ cause: CancellationCause) {}
}
