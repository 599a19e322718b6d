import DatasyncHTTP2
package import NIOCore

/// One call as its handler sees it: what came with it, and where its answers go. Loop-bound: every
/// method is called on ``eventLoop``, and may be called from within a handler's methods.
///
/// What is sent in one tick of the loop leaves in one flush.
package final class ServerCall {
  /// Of the connection, and so of all its calls.
  package var eventLoop: any EventLoop { connection.eventLoop }
  /// `/package.Service/Method`.
  package var path: String { opening.route.path }
  /// Without the keys that HTTP/2 and gRPC reserve.
  package var metadata: Metadata { opening.head.metadata }
  /// From `grpc-timeout`, counted from the arrival of the head; nil: none. The runtime enforces it.
  package let deadline: NIODeadline?
  /// The same for all calls of the connection.
  package var peer: Peer { connection.peer }
  /// Of its connection, in the process.
  package var connectionNumber: UInt64 { UInt64(connection.id) }

  /// Whether messages are compressed, where the client accepts an encoding. At first so if the
  /// client's own messages are; fixed once the response headers are sent.
  package var compressesResponses: Bool

  enum Answer {
    /// Nothing has been sent.
    case none
    case headers
    case finished
  }

  let connection: ServerConnection
  private let opening: CallOpening
  var method: Method { opening.route.method }
  var isClientStreaming: Bool { opening.route.method.isClientStreaming }
  var requestEncoding: Encoding? { opening.head.encoding }
  private var acceptedEncodings: Encoding.Accepted { opening.head.acceptedEncodings }
  private var hasSubtype: Bool { opening.head.hasSubtype }

  /// Nil once the exchange is over.
  var stream: HTTP2Stream?
  var handler: (any CallHandler)?
  var answer = Answer.none
  /// Of the messages that go; chosen with the response headers.
  private var responseEncoding: Encoding?
  var initialMetadata = Metadata()
  var deframer: MessageDeframer
  /// Of a method with one request message: it waits for the end, since there may be a second.
  var heldMessage: (message: ByteBuffer, wasCompressed: Bool)?
  var isPaused = false
  /// Whether its messages wait for the connection's next turn.
  var isPostponed = false
  var isDelivering = false
  /// Whether nothing new is delivered, since the server ends the call.
  private(set) var isEnding = false
  var isHalfClosed = false
  var wasHalfCloseDelivered = false
  var unconsumedBytes = 0
  var deadlineTimer: NIOScheduledCallback?
  /// Of requests that the handler has not done with.
  private var requestBytes = 0
  /// What the connection knows that this call holds.
  private var knownBytes = 0

  init(
    connection: ServerConnection, stream: HTTP2Stream, opening: CallOpening, deadline: NIODeadline?
  ) {
    self.connection = connection
    self.stream = stream
    self.opening = opening
    self.deadline = deadline
    compressesResponses =
      opening.head.encoding != nil || connection.options.compressesResponses
    deframer = MessageDeframer(maxMessageBytes: connection.options.maxMessageBytes)
  }

  /// Bytes sent by the handler that HTTP/2 has not taken yet.
  package var bufferedBytes: Int { stream?.bufferedBytes ?? 0 }

  /// Whether ``bufferedBytes`` is below the mark; once it is not, ``CallHandler/drained()`` tells
  /// when it is again.
  package var isWritable: Bool { stream?.isWritable ?? false }

  /// Whether the call still takes answers.
  package var isOpen: Bool { stream != nil && answer != .finished }

  /// Sends the response headers now; otherwise they go with the first message or the status.
  package func sendInitialMetadata(_ metadata: Metadata) {
    guard answer == .none, stream != nil else { return }
    initialMetadata = metadata
    sendHeaders()
  }

  /// Sends one message, the response headers before it. Without effect once the call is over.
  ///
  /// Never waits: what the client does not take is held, and the call ends with RESOURCE_EXHAUSTED
  /// where the connection holds too much.
  ///
  /// - Parameter compress: False: as it is, whatever ``compressesMessages`` says.
  package func send(_ message: ByteBuffer, compress: Bool = true) {
    guard let stream, answer != .finished else { return }
    if answer == .none { sendHeaders() }
    if compress, let responseEncoding,
      let compressed = Compression.compress(message, responseEncoding)
    {
      send(compressed, .compressed, on: stream)
    } else {
      send(message, [], on: stream)
    }
  }

  private func send(
    _ message: ByteBuffer, _ flags: MessagePrefix.Flags, on stream: HTTP2Stream
  ) {
    let isWritten = stream.write { MessageFramer.append(message, flags, to: &$0) }
    if isWritten { connection.http2.countMessageSent() } else { overflowed() }
  }

  /// Sends one message that the closure writes straight into the outbound buffer.
  ///
  /// The closure only writes; it calls nothing of the call.
  package func send(writing write: (inout ByteBuffer) -> Void) {
    guard let stream, answer != .finished else { return }
    if answer == .none { sendHeaders() }
    if responseEncoding != nil {
      var message = ByteBuffer()
      write(&message)
      send(message)
      return
    }
    let isWritten = stream.write { MessageFramer.append(to: &$0, writing: write) }
    if isWritten { connection.http2.countMessageSent() } else { overflowed() }
  }

  /// Whether messages leave compressed, where that makes them smaller. Settled once the response
  /// headers are sent.
  package var compressesMessages: Bool { responseEncoding != nil }

  /// Sends messages that have their prefixes already, uncompressed, one behind the other. Only after
  /// the response headers, and not where ``compressesMessages``.
  package func send(framed bytes: ByteBuffer, messageCount: Int) {
    guard let stream, answer == .headers, responseEncoding == nil else { return }
    if stream.write(shared: bytes) {
      connection.http2.countMessagesSent(messageCount)
    } else {
      overflowed()
    }
  }

  private func overflowed() {
    abort(
      Status(
        .resourceExhausted,
        "the client takes too little of what the connection holds for it "
          + "(\(Limit.bufferedBytes.rawValue))"))
  }

  private func sendHeaders() {
    answer = .headers
    if compressesResponses { responseEncoding = acceptedEncodings.choose(requestEncoding) }
    if responseEncoding == nil, requestEncoding == nil, initialMetadata.entries.isEmpty {
      stream?.respond(ResponseFields.head(hasSubtype: hasSubtype))
      return
    }
    connection.withFields { fields in
      fields.add(":status", "200")
      fields.add("content-type", ResponseFields.contentType(hasSubtype: hasSubtype))
      addEncodings(&fields)
      ResponseFields.add(initialMetadata, to: &fields)
      stream?.respond(fields)
    }
  }

  private func addEncodings(_ fields: inout HeaderBlock) {
    switch responseEncoding {
    case .gzip: fields.add("grpc-encoding", "gzip")
    case .deflate: fields.add("grpc-encoding", "deflate")
    case nil: break
    }
    if requestEncoding != nil { fields.add("grpc-accept-encoding", Encoding.accepted) }
  }

  /// Ends the call. Nothing may be sent after it; a second one is ignored.
  package func finish(_ status: Status, trailers: Metadata = Metadata()) {
    guard answer != .finished, let stream else { return }
    let isAlone = answer == .none
    answer = .finished
    letGo()
    connection.callFinished(status)
    guard isAlone else {
      if status.code == .ok, trailers.entries.isEmpty {
        return stream.finish(trailers: ResponseFields.okTrailers)
      }
      stream.finish { fields in
        ResponseFields.add(status, to: &fields)
        ResponseFields.add(trailers, to: &fields)
      }
      return
    }
    connection.withFields { fields in
      fields.add(":status", "200")
      fields.add("content-type", ResponseFields.contentType(hasSubtype: hasSubtype))
      if requestEncoding != nil { fields.add("grpc-accept-encoding", Encoding.accepted) }
      ResponseFields.add(status, to: &fields)
      ResponseFields.add(trailers, to: &fields)
      stream.respond(fields, endStream: true)
    }
  }

  /// Stops the delivery of messages, and with it, once the window is used up, the client.
  package func pauseReading() {
    isPaused = true
  }

  /// Delivers what waits, from within this call. Without effect where reading is not paused.
  package func resumeReading() {
    guard isPaused else { return }
    isPaused = false
    deliverMessages()
    countHeld()
  }

  // MARK: - What is held

  /// Less than this is not counted.
  package static let leastCountedBytes = 4096

  /// Counts a request that came on this call as held, until ``release(_:)`` or the call's end.
  ///
  /// - Returns: The name of the limit that it does not fit in; nothing is counted then.
  package func hold(_ bytes: Int) -> String? {
    if let limit = connection.requestLimit(adding: bytes) { return limit.rawValue }
    requestBytes += bytes
    countHeld()
    return nil
  }

  /// Gives back what ``hold(_:)`` has counted.
  package func release(_ bytes: Int) {
    requestBytes = max(0, requestBytes - bytes)
    countHeld()
  }

  /// Whether the connection holds so much that requests had better be done with before more is read.
  package var holdsMuch: Bool { connection.isRequestBytesHigh }

  var holdsSome: Bool { knownBytes > 0 }

  /// Tells the connection what the call holds now.
  func countHeld() {
    var bytes = deframer.bufferedBytes + requestBytes
    if let heldMessage { bytes += heldMessage.message.readableBytes }
    if bytes < ServerCall.leastCountedBytes { bytes = 0 }
    guard bytes != knownBytes else { return }
    connection.requestBytesChanged(by: bytes - knownBytes)
    knownBytes = bytes
  }

  // MARK: - The end

  /// Gives up everything that belongs to the running call.
  func letGo() {
    handler = nil
    heldMessage = nil
    deframer.removeAll()
    requestBytes = 0
    countHeld()
    deadlineTimer?.cancel()
    deadlineTimer = nil
    stream?.awaitsBytes = false
    consume(unconsumedBytes)
  }

  /// Ends the call for a reason of the server's own, when what the handler has begun is answered. What
  /// has not come to the handler by now never does.
  package func end(inOrder status: Status) {
    guard answer != .finished, stream != nil, !isEnding else { return }
    guard let handler else { return abort(status) }
    isEnding = true
    heldMessage = nil
    deframer.removeAll()
    countHeld()
    stream?.awaitsBytes = false
    consume(unconsumedBytes)
    handler.serverEnding { [self] in abort(status) }
  }

  /// Ends the call for a reason of the runtime's own, now.
  func abort(_ status: Status, cause: CancellationCause = .aborted) {
    guard answer != .finished, stream != nil else { return }
    let handler = handler
    self.handler = nil
    handler?.cancelled(cause)
    finish(status)
  }

  func consume(_ bytes: Int) {
    guard bytes > 0 else { return }
    unconsumedBytes -= bytes
    stream?.consume(bytes)
  }
}
