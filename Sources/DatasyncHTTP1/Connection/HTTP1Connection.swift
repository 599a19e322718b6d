package import DatasyncHTTP2
package import NIOCore

/// A client's connection of HTTP/1: requests one after the other, each a ``HTTP1Stream``. Loop-bound.
///
/// Of what a client sends ahead no more is held than ``maxAheadBytes``, of a body no more than a stream's
/// window; then it is not read from.
package final class HTTP1Connection: ChannelDuplexHandler {
  package typealias InboundIn = ByteBuffer
  package typealias OutboundIn = Never
  package typealias OutboundOut = ByteBuffer

  enum Phase {
    /// Between requests.
    case idle
    case serving(HTTP1Stream)
    /// What comes is read and forgotten.
    case closing
    case ended
  }

  /// Of requests that come while one is served.
  package static let maxAheadBytes = 64 << 10
  /// With the channel at once, so that progress is seen.
  static let maxWriteBytes = 64 << 10
  /// Without a request. Of no use to a client, and under what load balancers wait.
  package static let maxIdle = TimeAmount.seconds(75)

  private let sharedOptions: Shared<HTTP2Options>
  package var options: HTTP2Options { _read { yield sharedOptions.value } }
  /// Held until the connection has ended.
  package var delegate: (any HTTP1ConnectionDelegate)?
  package internal(set) var traffic = ConnectionTraffic()
  package internal(set) var now = NIODeadline.uptimeNanoseconds(0)
  package internal(set) var lastRead = NIODeadline.uptimeNanoseconds(0)
  package internal(set) var lastWrite = NIODeadline.uptimeNanoseconds(0)

  var context: ChannelHandlerContext?
  var phase = Phase.idle
  var reader: HTTP1HeadReader
  var inbound = ByteBuffer()
  var outbound = ByteBuffer()
  /// With the channel, and not gone.
  var writtenBytes = 0
  private var share: BudgetShare?
  var isDraining = false
  /// Whether the answer at hand is the last.
  var isLast = false
  private var isReading = false
  private var isHeld = false
  private var isResumeScheduled = false
  var isPumpScheduled = false
  /// When the head at hand began, or the last answer ended.
  var since = NIODeadline.uptimeNanoseconds(0)
  var timer: NIOScheduledCallback?
  /// When it fires.
  var armedFor = NIODeadline.distantFuture
  /// When the client is to have closed, now that this side has.
  var closesBy: NIODeadline?
  var isOutputClosed = false
  /// Whether the client sends nothing more.
  private var isInputClosed = false
  /// When it is too old; nil: never.
  var endsBy: NIODeadline?
  /// For what runs then; nil: as long as it takes.
  var graceEndsBy: NIODeadline?

  /// - Parameter scheme: `http` or `https`.
  package init(options: Shared<HTTP2Options>, scheme: String) {
    sharedOptions = options
    share = options.value.bufferBudget.map { BudgetShare($0) }
    reader = HTTP1HeadReader(
      maxBytes: options.value.maxHeaderListBytes, maxFields: options.value.maxHeaderFields,
      scheme: scheme)
  }

  /// Nil: not in a channel yet, or not any more.
  package var channel: (any Channel)? { context?.channel }

  /// The one that is served; nil: none is.
  package var stream: HTTP1Stream? {
    if case .serving(let stream) = phase { return stream }
    return nil
  }

  // MARK: - Life in the channel

  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    // Whoever ends his side behind a request reads the answer still.
    try? context.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
    now = context.eventLoop.now
    since = now
    lastRead = now
    if let age = options.maxConnectionAge {
      // Those that came together do not go together.
      endsBy = now + .nanoseconds(age.nanoseconds / 10 * .random(in: 9...11))
    }
    armTimer()
  }

  package func handlerRemoved(context: ChannelHandlerContext) {
    end()
    self.context = nil
  }

  package func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func end() {
    if case .ended = phase { return }
    let stream = stream
    phase = .ended
    timer?.cancel()
    timer = nil
    inbound = ByteBuffer()
    outbound = ByteBuffer()
    share?.report(0)
    if let stream { closed(stream, .connectionLost) }
    delegate?.connectionClosed()
    delegate = nil
  }

  func closed(_ stream: HTTP1Stream, _ end: StreamEnd) {
    guard stream.isOpen else { return }
    stream.isOpen = false
    stream.sending = .ended
    if end == .closed(.noError) {
      traffic.streamsSucceeded += 1
    } else {
      traffic.streamsFailed += 1
    }
    let delegate = stream.delegate
    stream.delegate = nil
    delegate?.closed(stream, end)
  }

  // MARK: - In

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    now = context.eventLoop.now
    lastRead = now
    switch phase {
    case .closing, .ended: return
    case .idle, .serving: break
    }
    let bytes = unwrapInboundIn(data)
    if inbound.readableBytes == 0 {
      if case .idle = phase { since = now }
      inbound = bytes
    } else {
      inbound.discardReadBytes()
      inbound.writeImmutableBuffer(bytes)
    }
    process()
  }

  package func channelReadComplete(context: ChannelHandlerContext) {
    delegate?.readCompleted()
    pump()
    context.fireChannelReadComplete()
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent {
      now = context.eventLoop.now
      isInputClosed = true
      endWhereInputIsClosed()
      pump()
    }
    context.fireUserInboundEventTriggered(event)
  }

  /// Ends the connection where what has begun needs more of the client, who sends nothing more.
  private func endWhereInputIsClosed() {
    guard isInputClosed else { return }
    switch phase {
    case .idle: close()
    case .serving(let stream):
      if !stream.isRemoteEnded || stream.isUpgraded { context?.close(promise: nil) }
    case .closing, .ended: break
    }
  }

  /// Reads on unless too much waits.
  package func read(context: ChannelHandlerContext) {
    isHeld = shouldHoldRead
    if !isHeld { context.read() }
  }

  private var shouldHoldRead: Bool {
    guard let stream else { return false }
    return inbound.readableBytes >= HTTP1Connection.maxAheadBytes
      || stream.unreadBytes >= options.streamWindowBytes
  }

  func consumed() {
    if isHeld, !shouldHoldRead, let context {
      isHeld = false
      context.read()
    }
  }

  /// Takes what there is, as far as the request at hand goes.
  func process() {
    guard !isReading else { return }
    isReading = true
    defer {
      isReading = false
      armTimer()
    }
    while true {
      switch phase {
      case .idle:
        switch reader.next(&inbound) {
        case .needsMore: return
        case .head(let head): open(head)
        case .failed(let fault): return refuse(fault)
        }
      case .serving(let stream):
        guard !stream.isRemoteEnded || stream.isUpgraded else { return }
        switch stream.nextBytes(&inbound) {
        case .needsMore: return
        case .bytes(let bytes):
          stream.unreadBytes += bytes.readableBytes
          guard let delegate = stream.delegate else {
            stream.consume(bytes.readableBytes)
            break
          }
          delegate.dataReceived(bytes, stream)
        case .end:
          stream.isRemoteEnded = true
          stream.delegate?.endReceived(stream)
          return
        case .failed(let fault): return refuse(fault)
        }
      case .closing, .ended:
        inbound = ByteBuffer()
        return
      }
    }
  }

  private func open(_ head: HTTP1Head) {
    let stream = HTTP1Stream(head, on: self, maxTrailerBytes: options.maxHeaderListBytes)
    phase = .serving(stream)
    isLast = !head.keepsAlive || isDraining
    traffic.streamsStarted += 1
    traffic.lastStreamStarted = now
    lastWrite = now
    delegate?.streamOpened(stream)
    guard stream.isOpen else { return }
    if stream.isRemoteEnded {
      // An upgraded stream goes on.
      if !stream.isUpgraded { stream.delegate?.endReceived(stream) }
    } else if head.expectsContinue, stream.sending == .idle {
      outbound.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
      schedulePump()
    }
  }

  /// Says why, where no answer has begun, and ends the connection.
  func refuse(_ fault: HTTP1Fault) {
    let stream = stream
    if stream == nil || stream?.sending == .idle, let delegate {
      outbound.writeString(delegate.answer(to: fault).http1Text())
    }
    phase = .closing
    if let stream { closed(stream, .closed(.protocolError)) }
    pump()
    closeGently()
  }

  // MARK: - The next request

  /// The answer is with the channel.
  func answered(_ stream: HTTP1Stream) {
    let goesOn = stream.isRemoteEnded && !stream.isUpgraded && !isLast && !isDraining
    phase = goesOn ? .idle : .closing
    closed(stream, .closed(.noError))
    guard goesOn else { return closeGently() }
    since = now
    consumed()
    armTimer()
    guard inbound.readableBytes > 0 else { return endWhereInputIsClosed() }
    guard !isResumeScheduled, let context else { return }
    // Others have their turn between two requests.
    isResumeScheduled = true
    context.eventLoop.assumeIsolated().execute { [self] in
      isResumeScheduled = false
      now = context.eventLoop.now
      process()
      endWhereInputIsClosed()
      delegate?.readCompleted()
      pump()
    }
  }

  // MARK: - Account

  /// Whether one more message may be held.
  var mayBuffer: Bool {
    let bytes = outbound.readableBytes
    guard bytes <= options.maxBufferedBytesPerConnection else { return false }
    return bytes <= options.bufferedBytesShare || share?.budget.isExhausted != true
  }

  func reportBuffered() {
    share?.report(outbound.readableBytes + writtenBytes)
  }
}
