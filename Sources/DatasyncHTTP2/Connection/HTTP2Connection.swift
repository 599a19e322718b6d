import CDatasyncNghttp2
import DequeModule
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
    /// The first of ``leaving``.
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

  static let maxPooledStreams = 32
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
  /// Those that are open, in no order: the last one fills the place of one that goes.
  package internal(set) var streams: [HTTP2Stream] = []
  /// Streams that the session has closed, in the order of their ``Event/closed``.
  var leaving: Deque<HTTP2Stream> = []

  /// Since the connection began; stays when it has ended.
  package internal(set) var traffic = ConnectionTraffic()

  var context: ChannelHandlerContext?
  var session: OpaquePointer?
  var events: [Event] = []
  private var delivering: [Event] = []
  private var isDelivering = false
  var pool: [HTTP2Stream] = []
  var watch: FrameWatch
  var idWatch = StreamIDWatch()
  var headMemory = HeadMemory()
  /// Empty but while it is lent.
  var scratchFields = HeaderBlock()
  var timers = ConnectionTimers()
  var timer: NIOScheduledCallback?
  var timerDeadline: NIODeadline?
  var drain = Drain.serving

  /// The bytes that nghttp2 is reading, for taking slices of them.
  var input = ByteBuffer()
  var inputBase: UnsafeRawPointer?
  /// Frames for the next write; empty between them.
  var output = FrameOutput()
  /// Set before the channel is active: nothing else in the channel has to see what leaves.
  package var writesToSocket = false
  /// Set before the channel is active: a server says nothing before the client has begun its preface,
  /// since one of HTTP/1 could not read it.
  package var awaitsPreface = false
  /// Fewer bytes than tell HTTP/2 from HTTP/1.
  private var prefaceStart = ByteBuffer()
  /// Of the open channel; nil: frames leave through the channel.
  var socket: NIOBSDSocket.Handle?
  /// Writes that the channel has not finished: what follows waits behind them.
  var channelWrites = 0
  /// Whether the channel takes more; it says when that changes.
  private(set) var isChannelWritable = true
  /// Streams whose trailers are out while the peer could still send; they are reset gently, or
  /// their slots would stay taken.
  var endedEarly: [Int32] = []
  /// Streams whose head or trailers the library refused to send.
  var failedHeads: [Int32] = []
  /// The event loop's time at the last event, for stamps.
  package internal(set) var now = NIODeadline.uptimeNanoseconds(0)
  /// When the channel last took something.
  var lastFlush = NIODeadline.uptimeNanoseconds(0)
  var lastRead = NIODeadline.uptimeNanoseconds(0)
  /// The stream whose header list has begun and not ended.
  var pendingHeaders: Int32?
  /// Streams refused before the peer knew how many there may be.
  var earlyRefusals = 0
  /// What in a peer's behaviour ends the connection.
  var violation: (limit: Limit?, code: HTTP2ErrorCode)?

  /// In all streams, written and not sent.
  var bufferedBytes = 0 {
    didSet { share?.report(bufferedBytes) }
  }
  private var share: BudgetShare?
  /// In all streams, received and not consumed by the layer above.
  var unreadBytes = 0
  /// Not given back to the connection's window yet.
  var owedBytes = 0
  var isPumping = false
  var isPumpScheduled = false
  var isReading = false
  /// Between a read and its completion, which sends what there is.
  private var isReadOpen = false
  var isReadHeld = false
  /// Neither reads nor writes any more; waits for the peer to close.
  var isClosing = false
  var hasSubmittedSettings = false
  var peerSettingsReceived = false
  var settingsAcknowledged = false

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
    share = options.value.bufferBudget.map { BudgetShare($0) }
    watch = FrameWatch(options.value)
  }

  /// Nil: not in a channel yet, or not any more.
  package var eventLoop: (any EventLoop)? { context?.eventLoop }
  /// Nil as ``eventLoop`` is.
  package var channel: (any Channel)? { context?.channel }
  func touchClock() {
    if let context { now = context.eventLoop.now }
  }

  /// Whether one more message may be held.
  var mayBuffer: Bool {
    guard bufferedBytes <= options.maxBufferedBytesPerConnection else { return false }
    return bufferedBytes <= options.bufferedBytesShare || share?.budget.isExhausted != true
  }

  /// Whether it can still send; also before the channel is active, and while it drains.
  package var isActive: Bool { session != nil && !isClosing }

  // MARK: - Life in the channel

  /// Makes the session, and begins at once where the channel is active already.
  package func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    session = makeSession()
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

  private var hasStarted = false

  private func start() {
    guard !hasStarted, session != nil else { return }
    hasStarted = true
    if let context { takeSocket(of: context) }
    startTimers()
    guard !awaitsPreface else { return }
    submitSettings()
    pump()
  }

  /// - Returns: What is to be read; nil: that is not known yet, or nothing.
  private func prefaceBegan(_ bytes: ByteBuffer) -> ByteBuffer? {
    prefaceStart.writeImmutableBuffer(bytes)
    let start = prefaceStart.readableBytesView
    if Self.preface.starts(with: start.prefix(Self.preface.count)) {
      guard start.count >= Self.preface.count else { return nil }
    } else if let answer = options.http1Answer, HTTP1Beginning.isRequest(start) {
      sendHTTP1(answer, isHeadOnly: HTTP1Beginning.isHeadOnly(start))
      return nil
    }
    awaitsPreface = false
    defer { prefaceStart = ByteBuffer() }
    submitSettings()
    return prefaceStart
  }

  /// The beginning of the client's preface; no method of HTTP/1 begins like this.
  private static let preface = Array("PRI".utf8)

  private func sendHTTP1(_ answer: HTTPAnswer, isHeadOnly: Bool) {
    guard let context else { return }
    let text = answer.http1Text(isHeadOnly: isHeadOnly)
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    closeGently()
  }

  /// The channel is gone: every stream learns of it, and the session goes once nothing is in it.
  private func end() {
    guard session != nil, !hasEnded else { return }
    hasEnded = true
    isClosing = true
    socket = nil
    cancelTimer()
    let open = streams
    streams.removeAll()
    retired = open
    traffic.streamsFailed += open.count
    for stream in open {
      stream.isOpen = false
      let delegate = stream.delegate
      stream.delegate = nil
      delegate?.closed(stream, .connectionLost)
    }
    // Streams that closed before but whose turn had not come.
    if !isPumping { deliverEvents() }
    delegate?.connectionClosed()
    delegate = nil
    if !isPumping { deleteSession() }
  }

  private var hasEnded = false
  /// Streams that the connection's end took along: the session has their addresses as long as it is.
  private var retired: [HTTP2Stream] = []

  private func deleteSession() {
    guard let session else { return }
    self.session = nil
    nghttp2_session_del(session)
    if !isDelivering { letGoOfStreams() }
    bufferedBytes = 0
  }

  private func letGoOfStreams() {
    retired.removeAll()
    pool.removeAll()
  }

  // MARK: - In

  /// Has nghttp2 read one buffer, then delivers the events of it. What they lead to is sent when the read
  /// is complete, but for a GOAWAY.
  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let session, !isClosing else { return }
    if awaitsPreface {
      guard let begun = prefaceBegan(unwrapInboundIn(data)) else { return }
      input = begun
    } else {
      input = unwrapInboundIn(data)
    }
    now = context.eventLoop.now
    lastRead = now
    isReadOpen = true
    isReading = true
    let result = input.withUnsafeReadableBytes { bytes in
      inputBase = bytes.baseAddress
      return nghttp2_session_mem_recv(
        session, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    }
    inputBase = nil
    input = ByteBuffer()
    isReading = false
    settleConnectionWindow()
    watchHeaderTime()
    deliverEvents()
    if result < 0 || violation != nil { readFailed(Int32(truncatingIfNeeded: result)) }
  }

  /// Sends in one flush what everything since the last one has led to.
  package func channelReadComplete(context: ChannelHandlerContext) {
    isReadOpen = false
    delegate?.readCompleted()
    pump()
    context.fireChannelReadComplete()
  }

  /// Held back in a server while the socket takes nothing and over 256 frames wait to be sent.
  package func read(context: ChannelHandlerContext) {
    guard !shouldHoldRead else {
      isReadHeld = true
      return
    }
    context.read()
  }

  /// A peer that does not take answers may not ask for more of them. Only servers hold back: two
  /// that wait for each other would wait for ever.
  private var shouldHoldRead: Bool {
    guard role == .server, let session, !isChannelWritable else {
      return false
    }
    return nghttp2_session_get_outbound_queue_size(session) > 256
  }

  private func readFailed(_ result: Int32) {
    switch result {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue:
      closeNow()
    case _ where violation != nil:
      let (limit, code) = violation ?? (nil, .internalError)
      violation = nil
      shutDown(code, limit)
    case -904:
      shutDown(.enhanceYourCalm, .queuedAcks)
    case -905:
      shutDown(.enhanceYourCalm, .continuations)
    default:
      shutDown(.protocolError, nil)
    }
  }

  // MARK: - Out

  /// Sends and reads what waited; or has the clock looked at, for ``HTTP2Options/writeTimeout``.
  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    isChannelWritable = context.channel.isWritable
    if isChannelWritable {
      pump()
      if isReadHeld, !shouldHoldRead {
        isReadHeld = false
        context.read()
      }
    } else {
      progressAwaited()
    }
    context.fireChannelWritabilityChanged()
  }

  /// Something waits to be sent; it goes at the end of this tick.
  func schedulePump() {
    guard !isPumping, !isPumpScheduled, !isReadOpen, context != nil else { return }
    isPumpScheduled = true
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
    isPumpScheduled = false
    self.now = now
    pump()
  }

  /// Reads the clock, unless that has been done in this tick of the loop.
  func touchClockForWrite() {
    guard !isPumpScheduled, !isReadOpen else { return }
    if let pumpQueue { now = pumpQueue.now } else { touchClock() }
  }

  /// Delivers what has happened and sends what there is, until neither is left.
  func pump() {
    guard !isPumping, session != nil else { return }
    isPumping = true
    var rounds = 0
    repeat {
      deliverEvents()
      pull()
      rounds += 1
    } while !events.isEmpty && rounds < 16
    isPumping = false
    if hasEnded {
      deliverEvents()
      deleteSession()
      return
    }
    // Others have their turn before a stream that is sent as fast as it is written.
    if !events.isEmpty { schedulePump() }
    closeIfDone()
  }

  // MARK: - Events

  func deliverEvents() {
    guard !events.isEmpty, !isDelivering else { return }
    isDelivering = true
    swap(&events, &delivering)
    for event in delivering { deliver(event) }
    delivering.removeAll(keepingCapacity: delivering.count < 4096)
    isDelivering = false
    if session == nil { letGoOfStreams() }
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
      guard let stream = leaving.popFirst() else { return }
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
    bufferedBytes -= stream.outbound.readableBytes
    unreadBytes -= stream.unreadBytes
    stream.unreadBytes = 0
    settleConnectionWindow()
    stream.clearOutbound()
    if streams.isEmpty { streamsEnded() }
    if pool.count < Self.maxPooledStreams { pool.append(stream) }
  }
}
