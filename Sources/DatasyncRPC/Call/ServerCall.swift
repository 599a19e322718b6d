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
  /// What a request that cannot be read is called in the call's protocol.
  package var malformedMessageCode: Status.Code { opening.head.format.malformedMessageCode }
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
  var codec: MessageCodec { opening.head.format.codec }
  /// Whether requests have ids, so that one that cannot be read is answered alone.
  var answersUnreadable: Bool {
    if case .webSocket = opening.head.format { true } else { false }
  }

  /// Nil once the exchange is over.
  var stream: ServerStream?
  var handler: (any CallHandler)?
  var answer = Answer.none
  /// How the answer is written.
  private(set) var response: ResponseWriter
  /// Whether the answer is being written on another thread; the call is finished by then.
  var isWriting = false
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
  /// Of a message that is not whole, which whoever stands before the call puts together.
  private var gatheredBytes = 0
  /// What the connection knows that this call holds.
  private var knownBytes = 0

  init(
    connection: ServerConnection, stream: ServerStream, opening: CallOpening, deadline: NIODeadline?
  ) {
    self.connection = connection
    self.stream = stream
    self.opening = opening
    self.deadline = deadline
    response = ResponseWriter(opening.head, web: connection.options.web)
    compressesResponses =
      opening.head.encoding != nil || connection.options.compressesResponses
    deframer = MessageDeframer(maxMessageBytes: connection.options.maxMessageBytes)
  }

  /// Bytes sent by the handler that HTTP has not taken yet.
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
  /// - Parameter compress: False: as it is, whatever ``compressesResponses`` says.
  package func send(_ message: ByteBuffer, compress: Bool = true) {
    guard let stream, answer != .finished else { return }
    if answer == .none { sendHeaders() }
    sent(response.send(message, compress: compress, on: stream))
  }

  /// Sends one message that the closure writes straight into the outbound buffer.
  ///
  /// The closure only writes; it calls nothing of the call.
  package func send(writing write: (inout ByteBuffer) -> Void) {
    guard let stream, answer != .finished else { return }
    if answer == .none { sendHeaders() }
    sent(response.send(on: stream, writing: write))
  }

  /// Whether messages may come with their prefixes, for ``send(framed:messageCount:)``: not where they
  /// leave compressed. Settled once the response headers are sent.
  package var takesFramedMessages: Bool { response.takesFramedMessages }

  /// Sends messages that have their prefixes already, uncompressed, one behind the other. Only after
  /// the response headers, and where ``takesFramedMessages``.
  package func send(framed bytes: ByteBuffer, messageCount: Int) {
    guard let stream, answer == .headers, takesFramedMessages else { return }
    sent(response.send(framed: bytes, on: stream), count: messageCount)
  }

  private func sent(_ isWritten: Bool, count: Int = 1) {
    if isWritten { connection.link.countMessagesSent(count) } else { overflowed() }
  }

  private func overflowed() {
    abort(
      response.fault
        ?? Status(
          .resourceExhausted,
          "the client takes too little of what the connection holds for it "
            + "(\(Limit.bufferedBytes.rawValue))"))
  }

  private func sendHeaders() {
    answer = .headers
    guard let stream else { return }
    response.sendHead(initialMetadata, compresses: compressesResponses, on: stream)
  }

  /// Ends the call. Nothing may be sent after it; a second one is ignored.
  package func finish(_ status: Status, trailers: Metadata = Metadata()) {
    guard answer != .finished, let stream else { return }
    let isAlone = answer == .none
    answer = .finished
    letGo()
    if writeElsewhere(status, trailers: trailers) { return }
    connection.callFinished(status)
    response.finish(status, trailers: trailers, isAlone: isAlone, on: stream)
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
    var bytes = deframer.bufferedBytes + requestBytes + gatheredBytes
    if let heldMessage { bytes += heldMessage.message.readableBytes }
    if bytes < ServerCall.leastCountedBytes { bytes = 0 }
    guard bytes != knownBytes else { return }
    connection.requestBytesChanged(by: bytes - knownBytes)
    knownBytes = bytes
  }

  /// Counts what is held of a message that is not whole; ends the call where that is too much.
  func countGathered(_ bytes: Int) {
    guard handler != nil, !isEnding else { return }
    gatheredBytes = bytes
    countHeld()
    endWhereTooMuchIsHeld()
  }

  // MARK: - The end

  /// Gives up everything that belongs to the running call.
  func letGo() {
    handler = nil
    heldMessage = nil
    deframer.removeAll()
    requestBytes = 0
    gatheredBytes = 0
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
