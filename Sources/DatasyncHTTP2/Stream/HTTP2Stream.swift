import CDatasyncNghttp2
package import NIOCore

/// One exchange on a connection. Loop-bound; used again for other exchanges after ``StreamEnd``, so
/// that nobody keeps it longer.
package final class HTTP2Stream {
  enum Sending {
    /// No head has gone out.
    case idle
    case open
    /// Ends when ``outbound`` is empty, with the trailers if there are some.
    case finishing
    case ended
  }

  /// Held, as the connection holds its streams: its end lets go of them.
  package let connection: HTTP2Connection
  /// Odd, since clients open all streams; 0: not given to the session yet.
  package internal(set) var id: Int32 = 0
  /// Held until its ``HTTP2StreamDelegate/closed(_:_:)``; nil: what comes is consumed unread.
  package var delegate: (any HTTP2StreamDelegate)?
  /// The peer's fields: a request's in the server role, a response's in the client role.
  package internal(set) var head = HeaderBlock()
  /// The same for heads of a connection that are the same; 0: not known.
  package internal(set) var headNumber = 0
  /// Empty before ``HTTP2StreamDelegate/trailersReceived(_:)``.
  package internal(set) var inboundTrailers = HeaderBlock()
  /// The limit that the peer's fields passed; what came after it is not kept.
  package internal(set) var exceededHeaderLimit: Limit?
  /// The peer sends nothing more. Seen when it arrives, before what came earlier is delivered.
  package internal(set) var isRemoteEnded = false
  /// Whether the head is all that the peer sends.
  package internal(set) var isHeadAlone = false

  /// Whether the session knows the stream.
  var isOpen = false
  /// Where it stands in the connection's list.
  var index = 0
  var headerBytes = 0
  var headWasReceived = false
  /// Client role: an interim response may come before the final one.
  var awaitsFinalHead = false
  /// This side has reset it, or will when its trailers are out.
  package internal(set) var isResetByUs = false

  var sending = Sending.idle
  var isDeferred = false
  var outbound = ByteBuffer()
  /// Whether others may hold the memory of ``outbound``, so that it is let go and not used again.
  private(set) var isOutboundShared = false
  var outboundTrailers = HeaderBlock()
  /// In place of ``outboundTrailers``.
  var fixedTrailers: FixedFields?
  var hasTrailers = false
  var wasUnwritable = false
  /// When outbound bytes last moved, or began to wait.
  package internal(set) var lastWrite = NIODeadline.uptimeNanoseconds(0)

  /// Received and not consumed.
  var unreadBytes = 0
  /// When the peer's last HEADERS or DATA came; at first, when the stream began.
  package internal(set) var lastRead = NIODeadline.uptimeNanoseconds(0)
  /// Whether more bytes are due from the peer, so that silence is a fault. Set by the layer above.
  package var awaitsBytes = false {
    didSet { if awaitsBytes, !oldValue { connection.progressAwaited() } }
  }

  init(connection: HTTP2Connection) {
    self.connection = connection
  }

  /// Makes it as new.
  func reset(id: Int32) {
    self.id = id
    delegate = nil
    // What others hold, too, is not emptied but let go.
    if headNumber != 0 { head = HeaderBlock() } else { head.removeAll() }
    headNumber = 0
    inboundTrailers.removeAll()
    outboundTrailers.removeAll()
    exceededHeaderLimit = nil
    isRemoteEnded = false
    isHeadAlone = false
    isOpen = true
    headerBytes = 0
    headWasReceived = false
    awaitsFinalHead = false
    isResetByUs = false
    sending = .idle
    isDeferred = false
    hasTrailers = false
    fixedTrailers = nil
    wasUnwritable = false
    unreadBytes = 0
    awaitsBytes = false
    clearOutbound()
    head.trim(toBytes: 8 << 10)
    inboundTrailers.trim(toBytes: 8 << 10)
  }

  // MARK: - Sending

  /// Bytes that the session has not taken yet.
  package var bufferedBytes: Int { outbound.readableBytes }

  /// Whether there is something to send that only the peer can let go: bytes, or the mere end.
  var awaitsWindow: Bool {
    if case .finishing = sending { return true }
    return outbound.readableBytes > 0
  }

  /// Whether less than the high mark waits. True again before the low mark is reached, which is when
  /// ``HTTP2StreamDelegate/drained(_:)`` comes.
  package var isWritable: Bool { outbound.readableBytes < connection.options.callHighWaterMark }

  /// Whether anything sent still has somewhere to go.
  package var canSend: Bool { isOpen && (sending == .idle || sending == .open) }

  /// Server role. With `endStream`, the response is this head alone.
  package func respond(_ head: HeaderBlock, endStream: Bool = false) {
    guard isOpen, sending == .idle else { return }
    sending = endStream ? .ended : .open
    connection.submitResponse(self, head, endStream: endStream)
  }

  /// Server role: the same with the fields that the closure adds.
  package func respond(endStream: Bool = false, adding add: (inout HeaderBlock) -> Void) {
    connection.withScratchFields { fields in
      add(&fields)
      respond(fields, endStream: endStream)
    }
  }

  /// Server role: the head of a response that goes on.
  package func respond(_ head: FixedFields) {
    guard isOpen, sending == .idle else { return }
    sending = .open
    connection.submitResponse(self, head.fields, endStream: false)
  }

  /// Appends to the outbound bytes.
  ///
  /// - Returns: False if the connection holds more than it may; nothing was appended then.
  @discardableResult
  package func write(_ body: (inout ByteBuffer) -> Void) -> Bool {
    guard isOpen, sending == .open else { return true }
    let before = outbound.readableBytes
    guard connection.mayBuffer else {
      connection.options.limitObserver?.limitReached(.bufferedBytes)
      return false
    }
    if outbound.readerIndex > 4096, outbound.readerIndex > outbound.writerIndex / 2 {
      outbound.discardReadBytes()
    }
    body(&outbound)
    // What is written to is a copy of one's own.
    isOutboundShared = false
    connection.outboundGrew(self, from: before)
    return true
  }

  /// Appends bytes that many streams send: without a copy where nothing waits before them.
  ///
  /// - Returns: As ``write(_:)``.
  package func write(shared bytes: ByteBuffer) -> Bool {
    let isWorthwhile =
      bytes.readableBytes >= HTTP2Connection.minUncopiedBytes
      // What the peer does not take keeps the whole memory.
      && bytes.storageCapacity <= 2 * bytes.readableBytes
    guard outbound.readableBytes == 0, isWorthwhile, isOpen, sending == .open, connection.mayBuffer
    else {
      return write { buffer in bytes.withUnsafeReadableBytes { buffer.append($0) } }
    }
    outbound = bytes
    isOutboundShared = true
    connection.outboundGrew(self, from: 0)
    return true
  }

  /// Ends this side's half after what was written.
  package func finish() {
    guard isOpen, sending == .open else { return }
    sending = .finishing
    connection.finish(self)
  }

  /// Ends this side's half after what was written, with the trailers that the closure adds.
  package func finish(trailers add: (inout HeaderBlock) -> Void) {
    guard isOpen, sending == .open else { return }
    add(&outboundTrailers)
    hasTrailers = true
    finish()
  }

  /// The same with trailers that are made already; they are not copied.
  package func finish(trailers: FixedFields) {
    guard isOpen, sending == .open else { return }
    fixedTrailers = trailers
    hasTrailers = true
    finish()
  }

  func clearOutbound() {
    if isOutboundShared || outbound.capacity > HTTP2Connection.maxKeptBytes {
      outbound = ByteBuffer()
      isOutboundShared = false
    } else {
      outbound.clear()
    }
  }

  /// Ends the exchange at once, both ways; what was written and not sent is dropped.
  package func reset(_ code: HTTP2ErrorCode) {
    guard isOpen else { return }
    connection.submitReset(self, code)
  }

  // MARK: - Receiving

  /// Lets the peer send so many bytes more.
  package func consume(_ bytes: Int) {
    guard bytes > 0 else { return }
    connection.consume(self, bytes)
  }
}
