import CDatasyncNghttp2
package import NIOCore

/// Which end of a connection this process is. ``FrameWatch`` judges the peers of servers alone.
package enum HTTP2Role: Sendable {
  case server
  case client
}

/// An HTTP/2 connection: nghttp2's session in a channel, for either role. Loop-bound.
///
/// nghttp2's callbacks only append to a list of events; the events are delivered when nghttp2 has
/// returned, so that whoever receives them may call anything. What is sent in one tick of the loop
/// leaves in one buffer with one flush.
package final class HTTP2Connection: ChannelDuplexHandler {
  /// What the peer sent, from the first byte on, without TLS.
  package typealias InboundIn = ByteBuffer
  /// Nothing is written to the connection itself: its streams send.
  package typealias OutboundIn = Never
  /// Frames, one behind the other; with ``writesToSocket`` only what the socket did not take at once.
  package typealias OutboundOut = ByteBuffer

  /// Streams are not counted here, at several events a call: each is held by the connection until its
  /// ``closed`` has been delivered.
  enum Event {
    case head(StreamReference)
    case data(StreamReference, ByteBuffer)
    case trailers(StreamReference)
    case end(StreamReference)
    case drained(StreamReference)
    /// Of the first that leaves the ``StreamRoster``.
    case closed(HTTP2ErrorCode)
    case settings
    case pingAcknowledged(UInt64)
    case goAway(lastStreamID: Int32, code: HTTP2ErrorCode, debug: String)
  }

  struct StreamReference {
    private let reference: Unmanaged<HTTP2Stream>

    init(_ stream: HTTP2Stream) {
      reference = .passUnretained(stream)
    }

    @inline(__always)
    func withStream(_ body: (HTTP2Stream) -> Void) {
      reference._withUnsafeGuaranteedRef(body)
    }
  }

  /// What a buffer that is empty may keep of its memory.
  static let maxKeptBytes = 32 << 10

  package let role: HTTP2Role
  private let sharedOptions: Shared<HTTP2Options>
  /// Lent where they are, since a copy is large.
  package var options: HTTP2Options { _read { yield sharedOptions.value } }
  /// Held until the connection has ended.
  package var delegate: (any HTTP2ConnectionDelegate)?
  /// Shared by the connections of a loop; nil: this one sends on its own.
  package var pumpQueue: PumpQueue?
  /// Set before the channel is active: nothing else in the channel has to see what leaves.
  package var writesToSocket = false
  /// Since the connection began; stays when it has ended.
  package internal(set) var traffic = ConnectionTraffic()
  /// The event loop's time at the last event, for stamps.
  package internal(set) var now = NIODeadline.uptimeNanoseconds(0)
  var lastRead = NIODeadline.uptimeNanoseconds(0)

  // Its parts. Those that a callback changes while another is being read stand apart: the bytes that
  // nghttp2 reads from everything else.
  var context: ChannelHandlerContext?
  var session: HTTP2Session?
  var life: ConnectionLife
  var roster = StreamRoster()
  var events = EventQueue()
  var conduct: PeerConduct
  var flow: FlowBudget
  /// The bytes that nghttp2 is reading.
  var input = ByteBuffer()
  var reading = ReadState()
  var output = ConnectionOutput()
  var pumping = PumpState()
  var timers = ConnectionTimers()
  var headMemory = HeadMemory()
  /// Empty but while it is lent.
  var scratchFields = HeaderBlock()

  /// A connection with options of its own, in memory too: for clients and tests.
  package convenience init(
    role: HTTP2Role, options: HTTP2Options, delegate: (any HTTP2ConnectionDelegate)? = nil
  ) {
    self.init(role: role, options: Shared(options), delegate: delegate)
  }

  /// Connections of a server share the options. Nothing happens before it is in a channel.
  package init(
    role: HTTP2Role, options: Shared<HTTP2Options>, delegate: (any HTTP2ConnectionDelegate)? = nil
  ) {
    self.role = role
    sharedOptions = options
    self.delegate = delegate
    life = ConnectionLife(role: role)
    conduct = PeerConduct(options.value)
    flow = FlowBudget(options.value.bufferBudget)
  }

  /// Nil: not in a channel yet, or not any more.
  package var eventLoop: (any EventLoop)? { context?.eventLoop }
  /// Nil as ``eventLoop`` is.
  package var channel: (any Channel)? { context?.channel }
  /// Those that are open, in no order.
  package var streams: [HTTP2Stream] { roster.open }
  /// Set before the channel is active: a server says nothing before the client has begun its preface,
  /// since one of HTTP/1 could not read it.
  package var awaitsPreface: Bool {
    get { life.expectsPreface }
    set { life.expectsPreface = newValue }
  }
  /// Whether it can still send; also before the channel is active, and while it drains.
  package var isActive: Bool { life.isActive }
  /// Whether one more message may be held.
  var mayBuffer: Bool {
    flow.mayBuffer(
      upTo: options.maxBufferedBytesPerConnection, inAnyCase: options.bufferedBytesShare)
  }

  func touchClock() {
    if let context { now = context.eventLoop.now }
  }

  // MARK: - Life in the channel

  /// Makes the session, and begins at once where the channel is active already.
  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    session = makeSession()
    if session != nil { life.added() }
    if context.channel.isActive { start() }
  }

  /// Ends the connection as the loss of its channel does: open streams hear ``StreamEnd/connectionLost``.
  package func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    end()
  }

  package func channelActive(context: ChannelHandlerContext) {
    start()
    context.fireChannelActive()
  }

  /// Tells every open stream, then the delegate, and only then the handlers behind.
  package func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  /// Closes the channel; the error goes no further.
  package func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func start() {
    let next = life.started()
    guard next != .none else { return }
    if let context { takeSocket(of: context) }
    startTimers()
    guard next == .sendSettings else { return }
    submitSettings()
    pump()
  }

  /// - Returns: What is to be read; nil: that is not known yet, or nothing.
  private func prefaceBegan(_ bytes: ByteBuffer) -> ByteBuffer? {
    let answer = options.http1Answer
    switch reading.prefaceBegan(bytes, answersHTTP1: answer != nil) {
    case .needsMore:
      return nil
    case .http2(let bytes):
      if life.prefaceReceived() == .sendSettings { submitSettings() }
      return bytes
    case .http1(let isHeadOnly):
      if let answer { sendHTTP1(answer, isHeadOnly: isHeadOnly) }
      return nil
    }
  }

  private func sendHTTP1(_ answer: HTTPAnswer, isHeadOnly: Bool) {
    guard let context else { return }
    let text = answer.http1Text(isHeadOnly: isHeadOnly)
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    closeGently()
  }

  /// The channel is gone: every stream learns of it, and the session goes once nothing is in it.
  private func end() {
    guard life.channelLost() == .end else { return }
    output.socket = nil
    cancelTimer()
    let open = roster.retireAll()
    traffic.streamsFailed += open.count
    for stream in open {
      stream.isOpen = false
      let delegate = stream.delegate
      stream.delegate = nil
      delegate?.closed(stream, .connectionLost)
    }
    // Streams that closed before but whose turn had not come.
    if !pumping.isRunning { deliverEvents() }
    delegate?.connectionClosed()
    delegate = nil
    if !pumping.isRunning { deleteSession() }
  }

  private func deleteSession() {
    guard let session else { return }
    self.session = nil
    session.delete()
    if !events.isDelivering { roster.letGo() }
    flow.end()
  }

  // MARK: - In

  /// Has nghttp2 read one buffer, then delivers the events of it. What they lead to is sent when the read
  /// is complete, but for a GOAWAY.
  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let session, life.isActive else { return }
    if life.awaitsPreface {
      guard let begun = prefaceBegan(unwrapInboundIn(data)) else { return }
      input = begun
    } else {
      input = unwrapInboundIn(data)
    }
    now = context.eventLoop.now
    lastRead = now
    reading.isOpen = true
    reading.isInSession = true
    let result = input.withUnsafeReadableBytes { bytes in
      reading.base = bytes.baseAddress
      return session.receive(bytes)
    }
    reading.base = nil
    input = ByteBuffer()
    reading.isInSession = false
    settleConnectionWindow()
    watchHeaderTime()
    deliverEvents()
    if result < 0 || conduct.violation != nil { readFailed(result) }
  }

  /// Sends in one flush what everything since the last one has led to.
  package func channelReadComplete(context: ChannelHandlerContext) {
    reading.isOpen = false
    delegate?.readCompleted()
    pump()
    context.fireChannelReadComplete()
  }

  /// Held back in a server while the socket takes nothing and over 256 frames wait to be sent.
  package func read(context: ChannelHandlerContext) {
    guard !shouldHoldRead else {
      reading.isHeld = true
      return
    }
    context.read()
  }

  /// A peer that does not take answers may not ask for more of them. Only servers hold back: two
  /// that wait for each other would wait for ever.
  private var shouldHoldRead: Bool {
    guard role == .server, let session, !output.isChannelWritable else { return false }
    return session.queuedFrames > 256
  }

  /// - Parameter result: The session's; where it is well, the peer has gone too far.
  private func readFailed(_ result: Int) {
    switch result {
    case Int(NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue):
      closeNow()
    case _ where conduct.violation != nil:
      endForViolation()
    case -904:
      shutDown(.enhanceYourCalm, .queuedAcks)
    case -905:
      shutDown(.enhanceYourCalm, .continuations)
    default:
      shutDown(.protocolError, nil)
    }
  }

  func endForViolation() {
    guard let violation = conduct.takeViolation() else { return }
    shutDown(violation.code, violation.limit)
  }

  // MARK: - Out

  /// Sends and reads what waited; or has the clock looked at, for ``HTTP2Options/writeTimeout``.
  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    output.isChannelWritable = context.channel.isWritable
    if output.isChannelWritable {
      pump()
      if reading.isHeld, !shouldHoldRead {
        reading.isHeld = false
        context.read()
      }
    } else {
      progressAwaited()
    }
    context.fireChannelWritabilityChanged()
  }

  /// Something waits to be sent; it goes at the end of this tick.
  func schedulePump() {
    guard !pumping.isRunning, !pumping.isScheduled, !reading.isOpen, context != nil else { return }
    pumping.isScheduled = true
    if let pumpQueue {
      now = pumpQueue.now
      pumpQueue.append(self)
      return
    }
    guard let context else { return }
    touchClock()
    context.eventLoop.assumeIsolated().execute { [self] in scheduledPump(at: context.eventLoop.now)
    }
  }

  func scheduledPump(at now: NIODeadline) {
    pumping.isScheduled = false
    self.now = now
    pump()
  }

  /// Reads the clock, unless that has been done in this tick of the loop.
  func touchClockForWrite() {
    guard !pumping.isScheduled, !reading.isOpen else { return }
    if let pumpQueue { now = pumpQueue.now } else { touchClock() }
  }

  /// Delivers what has happened and sends what there is, until neither is left.
  func pump() {
    guard !pumping.isRunning, session != nil else { return }
    pumping.isRunning = true
    var rounds = 0
    repeat {
      deliverEvents()
      pull()
      rounds += 1
    } while !events.isEmpty && rounds < PumpState.maxRounds
    pumping.isRunning = false
    if life.hasEnded {
      deliverEvents()
      deleteSession()
      return
    }
    if !events.isEmpty { schedulePump() }
    closeIfDone()
  }

  // MARK: - Events

  func deliverEvents() {
    guard var delivered = events.begin() else { return }
    for event in delivered { deliver(event) }
    events.delivered(&delivered)
    if session == nil { roster.letGo() }
  }

  private func deliver(_ event: Event) {
    switch event {
    case .head(let reference):
      reference.withStream { stream in
        // One that the peer reset in the same breath is not begun.
        if role == .client {
          stream.delegate?.headReceived(stream)
        } else if stream.isOpen {
          delegate?.streamOpened(stream)
        }
      }
    case .data(let reference, let data):
      reference.withStream { stream in
        if let delegate = stream.delegate {
          delegate.dataReceived(data, stream)
        } else {
          stream.consume(data.readableBytes)
        }
      }
    case .trailers(let reference):
      reference.withStream { $0.delegate?.trailersReceived($0) }
    case .end(let reference):
      reference.withStream { $0.delegate?.endReceived($0) }
    case .drained(let reference):
      reference.withStream { if $0.canSend { $0.delegate?.drained($0) } }
    case .closed(let code):
      guard let stream = roster.nextLeaving() else { return }
      let delegate = stream.delegate
      stream.delegate = nil
      delegate?.closed(stream, .closed(code))
      release(stream)
    case .settings:
      delegate?.settingsReceived()
    case .pingAcknowledged(let payload):
      pingAcknowledged(payload)
    case .goAway(let lastStreamID, let code, let debug):
      delegate?.goAwayReceived(lastStreamID: lastStreamID, code: code, debug: debug)
    }
  }

  private func release(_ stream: HTTP2Stream) {
    flow.letGo(stream.outbound.readableBytes)
    flow.consumed(stream.unreadBytes)
    stream.unreadBytes = 0
    settleConnectionWindow()
    stream.clearOutbound()
    if roster.open.isEmpty { streamsEnded() }
    roster.recycle(stream)
  }
}
