import DatasyncRPC
import NIOCore

/// A call of an ``RPCMethod``: its task, and what it sends. Loop-bound.
final class RPCCall: CallHandler {
  typealias Body =
    @Sendable (
      _ request: [UInt8], _ context: RPCContext, _ responses: RPCResponses
    ) async throws -> Void

  private let call: ServerCall
  private let body: Body
  private let failed: @Sendable (any Error) -> Void
  private var task: Task<Void, Never>?
  /// Whether nothing may be sent any more.
  private var isOver = false
  /// A response that waits for room.
  private var waiting: (message: [UInt8], sent: EventLoopPromise<Void>)?

  init(_ call: ServerCall, _ body: @escaping Body, failed: @escaping @Sendable (any Error) -> Void)
  {
    self.call = call
    self.body = body
    self.failed = failed
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    let bytes = message.readableBytes
    if bytes >= ServerCall.leastCountedBytes, let limit = call.hold(bytes) {
      return finish(
        Status(.resourceExhausted, "too much is held for requests that run (\(limit))"))
    }
    let (request, context) = (Array(message.readableBytesView), RPCContext(call))
    let bound = NIOLoopBound(self, eventLoop: call.eventLoop)
    let responses = RPCResponses(bound)
    task = Task { [body, failed] in
      let status: Status
      do {
        try await body(request, context, responses)
        status = .ok
      } catch let error as RPCError {
        status = error.status
      } catch is CancellationError {
        status = Status(.cancelled, "the call was cancelled")
      } catch {
        failed(error)
        status = Status(.unknown, "the method failed")
      }
      bound.eventLoop.execute { bound.value.finish(status) }
    }
  }

  func halfClosed() {}

  func cancelled(_ cause: CancellationCause) {
    letGo()
    task?.cancel()
    task = nil
  }

  func drained() {
    guard let (message, sent) = waiting else { return }
    waiting = nil
    call.send { $0.writeBytes(message) }
    sent.succeed()
  }

  /// Sends when the stream takes more; `sent` fails where the call is over.
  fileprivate func send(_ message: [UInt8], _ sent: EventLoopPromise<Void>) {
    guard !isOver, waiting == nil else {
      return sent.fail(isOver ? CancellationError() : RPCResponses.Overlap())
    }
    guard call.isWritable else {
      waiting = (message, sent)
      return
    }
    call.send { $0.writeBytes(message) }
    sent.succeed()
  }

  private func finish(_ status: Status) {
    guard !isOver else { return }
    letGo()
    task = nil
    call.finish(status)
  }

  private func letGo() {
    isOver = true
    waiting?.sent.fail(CancellationError())
    waiting = nil
  }
}

/// Where the responses of a server-streaming method go. Sendable; one write at a time.
public struct RPCResponses: Sendable {
  /// A second write began before the first one was done.
  struct Overlap: Error, CustomStringConvertible {
    var description: String { "a response was written while another one was being written" }
  }

  private let call: NIOLoopBound<RPCCall>

  init(_ call: NIOLoopBound<RPCCall>) {
    self.call = call
  }

  /// Sends a message, once the client takes more.
  ///
  /// - Throws: `CancellationError` where the call is over.
  public func write(_ message: [UInt8]) async throws {
    let call = call
    let sent = call.eventLoop.makePromise(of: Void.self)
    call.eventLoop.execute { call.value.send(message, sent) }
    try await sent.futureResult.get()
  }
}
