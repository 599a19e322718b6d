package import NIOCore

/// A call for those who wait: messages are awaited one by one. Sendable.
///
/// Holds at most ``maxQueued`` messages that nobody has taken; then the server waits.
package final class AsyncCall: Sendable {
  /// All that came back on a call. A value.
  package struct Response: Sendable {
    /// Empty where the server sent its status alone.
    package var headers: Metadata
    /// In order; without those that ``next()`` had given before.
    package var messages: [ByteBuffer]
    /// The server's; or this side's, of a call that it ended or lost.
    package var status: Status
    package var trailers: Metadata
  }

  /// Nothing came from the server for as long as the caller would wait.
  package struct Silence: Error, CustomStringConvertible {
    let path: String
    let time: TimeAmount

    package var description: String {
      "\(path): neither a message nor the end within \(time.nanoseconds / 1_000_000) ms"
    }
  }

  static let maxQueued = 256

  private let path: String
  private let maxWait: TimeAmount
  private let receiver: NIOLoopBound<Receiver>
  private let call: NIOLoopBound<ClientCall>

  private init(
    _ call: ClientCall, _ receiver: Receiver, _ eventLoop: any EventLoop, path: String,
    maxWait: TimeAmount
  ) {
    self.path = path
    self.maxWait = maxWait
    self.receiver = NIOLoopBound(receiver, eventLoop: eventLoop)
    self.call = NIOLoopBound(call, eventLoop: eventLoop)
  }

  /// - Parameter maxWait: For each message, and for the end.
  package static func start(
    _ client: RPCClient, _ path: String, metadata: Metadata = Metadata(),
    timeout: TimeAmount? = nil, encoding: Encoding? = nil, maxWait: TimeAmount = .minutes(2)
  ) async throws -> AsyncCall {
    try await client.eventLoop.submit {
      let receiver = Receiver()
      let call = client.call(
        path, metadata: metadata, timeout: timeout, encoding: encoding, delegate: receiver)
      receiver.call = call
      return AsyncCall(call, receiver, client.eventLoop, path: path, maxWait: maxWait)
    }.get()
  }

  /// Returns at once; calls from one task are sent in their order. Without effect once the call is over.
  package func send(_ message: ByteBuffer, compress: Bool = true) {
    call.eventLoop.execute { self.call.value.send(message, compress: compress) }
  }

  /// Ends the requests, behind those that were sent.
  package func halfClose() {
    call.eventLoop.execute { self.call.value.halfClose() }
  }

  /// Ends the call with CANCELLED; messages that are queued can still be taken.
  package func cancel() {
    call.eventLoop.execute { self.call.value.cancel() }
  }

  /// Holds until ``next()`` takes the queue down to half of its maximum, which resumes reading.
  package func pauseReading() {
    call.eventLoop.execute { self.call.value.pauseReading() }
  }

  /// Without effect where reading is not paused.
  package func resumeReading() {
    call.eventLoop.execute { self.call.value.resumeReading() }
  }

  /// The next message; nil: the call is over.
  ///
  /// - Throws: ``Silence``.
  package func next() async throws -> ByteBuffer? {
    try await receiver.eventLoop.flatSubmit {
      self.receiver.value.next(
        self.receiver.eventLoop, within: self.maxWait,
        else: Silence(path: self.path, time: self.maxWait))
    }.get()
  }

  /// Waits for the end and gives all that was not taken before.
  ///
  /// - Throws: ``Silence``.
  package func response() async throws -> Response {
    var messages: [ByteBuffer] = []
    while let message = try await next() { messages.append(message) }
    let rest = messages
    return try await receiver.eventLoop.submit {
      let receiver = self.receiver.value
      let outcome = receiver.outcome ?? (Status(.unknown), Metadata())
      return Response(
        headers: receiver.headers, messages: rest, status: outcome.status,
        trailers: outcome.trailers)
    }.get()
  }

  /// Loop-bound.
  private final class Receiver: ClientCallDelegate {
    weak var call: ClientCall?
    var headers = Metadata()
    var outcome: (status: Status, trailers: Metadata)?
    private var queue: [ByteBuffer] = []
    private var waiting: EventLoopPromise<ByteBuffer?>?

    func headersReceived(_ metadata: Metadata) {
      headers = metadata
    }

    func received(_ message: ByteBuffer) {
      if let waiting {
        self.waiting = nil
        waiting.succeed(message)
        return
      }
      queue.append(message)
      if queue.count >= AsyncCall.maxQueued { call?.pauseReading() }
    }

    func finished(_ status: Status, trailers: Metadata) {
      outcome = (status, trailers)
      waiting?.succeed(nil)
      waiting = nil
    }

    func next(
      _ eventLoop: any EventLoop, within maxWait: TimeAmount, else silence: Silence
    ) -> EventLoopFuture<ByteBuffer?> {
      if !queue.isEmpty {
        let message = queue.removeFirst()
        if queue.count == AsyncCall.maxQueued / 2 { call?.resumeReading() }
        return eventLoop.makeSucceededFuture(message)
      }
      if outcome != nil { return eventLoop.makeSucceededFuture(nil) }
      let promise = eventLoop.makePromise(of: ByteBuffer?.self)
      waiting?.succeed(nil)
      waiting = promise
      let timer = eventLoop.assumeIsolated().scheduleTask(in: maxWait) {
        // Whoever calls again waits anew.
        if self.waiting?.futureResult === promise.futureResult { self.waiting = nil }
        promise.fail(silence)
      }
      promise.futureResult.assumeIsolated().whenComplete { _ in timer.cancel() }
      return promise.futureResult
    }
  }
}

extension RPCClient {
  /// One message there, all that comes back.
  package func unary(
    _ path: String, _ message: ByteBuffer, metadata: Metadata = Metadata(),
    timeout: TimeAmount? = nil, encoding: Encoding? = nil
  ) async throws -> AsyncCall.Response {
    let call = try await AsyncCall.start(
      self, path, metadata: metadata, timeout: timeout, encoding: encoding)
    call.send(message)
    call.halfClose()
    return try await call.response()
  }
}
