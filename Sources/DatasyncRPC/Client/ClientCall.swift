package import DatasyncHTTP2
package import NIOCore

/// Told what a client's call receives. Loop-bound.
package protocol ClientCallDelegate: AnyObject {
  func headersReceived(_ metadata: Metadata)
  func received(_ message: ByteBuffer)
  /// The call is writable again after it was not.
  func drained()
  /// The last call; comes exactly once.
  func finished(_ status: Status, trailers: Metadata)
}

extension ClientCallDelegate {
  /// Does nothing: for those who want the messages alone.
  package func headersReceived(_ metadata: Metadata) {}
  /// Does nothing: for those who do not look whether the call is writable.
  package func drained() {}
}

/// One call as its client sees it. Loop-bound; may be used from within the delegate's methods.
package final class ClientCall {
  /// Of the client.
  package let eventLoop: any EventLoop
  private var stream: HTTP2Stream?
  /// Kept until the call is finished.
  private var delegate: (any ClientCallDelegate)?
  private let requestEncoding: Encoding?
  private var responseEncoding: Encoding?
  private let maxMessageBytes: Int
  private var deframer: MessageDeframer
  private var unconsumedBytes = 0
  private var isPaused = false
  private var isDelivering = false
  private var isEnded = false
  private var httpStatus = ""
  /// From the trailers; or from a head that is all there is.
  private var outcome: (status: Status, trailers: Metadata)?
  private var deadlineTimer: NIOScheduledCallback?

  init(
    eventLoop: any EventLoop, delegate: any ClientCallDelegate, requestEncoding: Encoding?,
    maxMessageBytes: Int
  ) {
    self.eventLoop = eventLoop
    self.delegate = delegate
    self.requestEncoding = requestEncoding
    self.maxMessageBytes = maxMessageBytes
    deframer = MessageDeframer(maxMessageBytes: maxMessageBytes)
  }

  /// Called once; nil: the connection takes no call.
  func start(_ stream: HTTP2Stream?, timeout: TimeAmount?) {
    self.stream = stream
    guard stream != nil else {
      // Not from within the call that asked.
      eventLoop.assumeIsolated().execute { [self] in
        finish(Status(.unavailable, "the connection takes no more calls"))
      }
      return
    }
    if let timeout {
      deadlineTimer = try? eventLoop.assumeIsolated().scheduleCallback(in: timeout, handler: self)
    }
  }

  /// Whether there is a stream; false a little after the end where this side ends the call, and before it
  /// where reading is paused.
  package var isOpen: Bool { stream != nil }
  /// Sent here and not taken by HTTP/2 yet; 0 where there is no stream.
  package var bufferedBytes: Int { stream?.bufferedBytes ?? 0 }
  /// False: better wait for ``ClientCallDelegate/drained()``; or there is no stream.
  package var isWritable: Bool { stream?.isWritable ?? false }

  // MARK: - Sending

  /// Sends one message; without effect where there is no stream. Where the connection holds too much, the
  /// call ends with RESOURCE_EXHAUSTED.
  ///
  /// - Parameter compress: With the call's encoding, if it has one.
  package func send(_ message: ByteBuffer, compress: Bool = true) {
    guard let stream else { return }
    var message = message
    var flags: MessagePrefix.Flags = []
    if compress, let requestEncoding,
      let compressed = Compression.compress(message, requestEncoding)
    {
      message = compressed
      flags = .compressed
    }
    let isWritten = message.withUnsafeReadableBytes { bytes in
      stream.write { MessageFramer.append(bytes, flags, to: &$0) }
    }
    if !isWritten {
      finish(
        Status(.resourceExhausted, "the server takes too little (\(Limit.bufferedBytes.rawValue))"))
    }
  }

  /// Sends one message that the closure writes straight into the outbound buffer.
  package func send(writing write: (inout ByteBuffer) -> Void) {
    var message = ByteBuffer()
    write(&message)
    send(message)
  }

  /// Ends the requests, behind those that were sent; responses go on.
  package func halfClose() {
    stream?.finish()
  }

  /// Ends the call with CANCELLED; the server is told.
  package func cancel() {
    finish(Status(.cancelled, "cancelled by the client"))
  }

  /// Stops the delivery of messages, and with it, once the window is used up, the server.
  package func pauseReading() {
    isPaused = true
  }

  /// Delivers what waits, from within this call, and the end if it has come meanwhile.
  package func resumeReading() {
    guard isPaused else { return }
    isPaused = false
    deliverMessages()
  }

  // MARK: - The end

  /// Ends the call here; a stream that is still open is reset.
  private func finish(_ status: Status, trailers: Metadata = Metadata()) {
    guard let delegate else { return }
    self.delegate = nil
    deadlineTimer?.cancel()
    deadlineTimer = nil
    if let stream {
      consume(unconsumedBytes)
      if !isEnded { stream.reset(.cancel) }
    }
    deframer = MessageDeframer(maxMessageBytes: 0)
    delegate.finished(status, trailers: trailers)
  }

  private func consume(_ bytes: Int) {
    guard bytes > 0 else { return }
    unconsumedBytes -= bytes
    stream?.consume(bytes)
  }
}

extension ClientCall: NIOScheduledCallbackHandler {
  /// The deadline: ends the call with DEADLINE_EXCEEDED, without waiting for the server to say so.
  package func handleScheduledCallback(eventLoop: some EventLoop) {
    deadlineTimer = nil
    finish(Status(.deadlineExceeded, "the deadline has passed"))
  }
}

extension ClientCall: HTTP2StreamDelegate {
  /// A head that holds a status, or is all there is, is the outcome; others, with 200, go to the delegate.
  package func headReceived(_ stream: HTTP2Stream) {
    let head = ResponseHead(stream.head)
    httpStatus = head.httpStatus
    responseEncoding = head.encoding
    if stream.isHeadAlone || head.status != nil {
      outcome = head.outcome
    } else if httpStatus == "200" {
      delegate?.headersReceived(head.metadata)
    }
  }

  /// Dropped unless the HTTP status is 200: a body of anything else is no gRPC.
  package func dataReceived(_ data: ByteBuffer, _ stream: HTTP2Stream) {
    unconsumedBytes += data.readableBytes
    guard delegate != nil, httpStatus == "200" else {
      consume(unconsumedBytes)
      return
    }
    deframer.append(data)
    deliverMessages()
  }

  /// Keeps the outcome; it is delivered behind the last message.
  package func trailersReceived(_ stream: HTTP2Stream) {
    var trailers = ResponseHead(stream.inboundTrailers)
    trailers.httpStatus = httpStatus
    outcome = trailers.outcome
  }

  /// Finishes the call, unless reading is paused: then resuming does.
  package func endReceived(_ stream: HTTP2Stream) {
    isEnded = true
    deliverMessages()
  }

  package func drained(_ stream: HTTP2Stream) {
    delegate?.drained()
  }

  /// Finishes the call if no end came before: UNAVAILABLE where the connection is lost, else by the code.
  package func closed(_ stream: HTTP2Stream, _ end: StreamEnd) {
    if isEnded, isPaused {
      // What came before the end is still to be read.
      consume(unconsumedBytes)
      self.stream = nil
      return
    }
    self.stream = nil
    finish(end)
  }

  private func finish(_ end: StreamEnd) {
    if isEnded {
      finishWithOutcome()
      return
    }
    switch end {
    case .connectionLost: finish(Status(.unavailable, "the connection was lost"))
    case .closed(let code): finish(Status(code))
    }
  }

  /// nil: the call is finished for it.
  private func decompress(_ message: ByteBuffer) -> ByteBuffer? {
    guard let responseEncoding else {
      finish(
        Status(.internal, "a message is marked compressed, but the response names no encoding"))
      return nil
    }
    do throws(Compression.Fault) {
      return try Compression.decompress(message, responseEncoding, maxBytes: maxMessageBytes)
    } catch {
      switch error {
      case .malformed:
        finish(Status(.internal, "a compressed message is not \(responseEncoding.rawValue)"))
      case .tooLarge:
        finish(
          Status(
            .resourceExhausted,
            "a message is decompressed over the limit of \(maxMessageBytes) (\(Limit.message.rawValue))"
          ))
      case .outOfMemory:
        finish(Status(.resourceExhausted, "there is no memory to decompress a message"))
      }
    }
    return nil
  }

  private func finishWithOutcome() {
    // An error says itself why nothing more came; that all is well cannot be.
    if deframer.bufferedBytes > 0, outcome.map({ $0.status.code == .ok }) ?? true {
      return finish(
        Status(.internal, "the response ends within a message"),
        trailers: outcome?.trailers ?? Metadata())
    }
    let outcome =
      outcome
      ?? (Status(.unknown, "the response ends without a status, HTTP \(httpStatus)"), Metadata())
    finish(outcome.status, trailers: outcome.trailers)
  }

  private func deliverMessages() {
    guard !isDelivering else { return }
    isDelivering = true
    defer { isDelivering = false }
    while let delegate, !isPaused {
      switch deframer.next() {
      case .message(let message, let isCompressed):
        guard isCompressed else {
          delegate.received(message)
          continue
        }
        guard let plain = decompress(message) else { return }
        delegate.received(plain)
      case .needsMore:
        consume(unconsumedBytes)
        if isEnded { finishWithOutcome() }
        return
      case .failed(let status):
        finish(status)
        return
      }
    }
    consume(unconsumedBytes - deframer.bufferedBytes)
  }
}

extension Status {
  /// What a reset means to a client. Source: grpc/doc/PROTOCOL-HTTP2.md, Errors.
  init(_ code: HTTP2ErrorCode) {
    let status: Code
    switch code {
    case .refusedStream: status = .unavailable
    case .cancel: status = .cancelled
    case .enhanceYourCalm: status = .resourceExhausted
    case .inadequateSecurity: status = .permissionDenied
    default: status = .internal
    }
    self.init(status, "the stream was reset with code \(code.rawValue)")
  }
}
