package import DatasyncHTTP2
package import NIOCore

/// One request of HTTP/1 and its answer; a connection has one at a time. Loop-bound.
///
/// Its members mean what they do in ``HTTP2Stream``.
package final class HTTP1Stream {
  enum Sending {
    /// No head has gone out.
    case idle
    case open
    /// Ends when what was written is with the channel.
    case finishing
    case ended
  }

  /// How what is written stands on the connection.
  enum Framing {
    /// As it is: its length is said, or the connection's end is its end.
    case plain
    case chunks
    /// The head is all; for HEAD, and where there is no body.
    case none
  }

  package let connection: HTTP1Connection
  package let request: HTTP1Head
  package var delegate: (any HTTP1StreamDelegate)?
  package internal(set) var isRemoteEnded: Bool
  package internal(set) var isResetByUs = false
  /// When the client's last byte came.
  package var lastRead: NIODeadline { connection.lastRead }
  /// When bytes last left, or began to wait.
  package var lastWrite: NIODeadline { connection.lastWrite }

  var isOpen = true
  var sending = Sending.idle
  var framing = Framing.plain
  /// Whether both sides send as they like, behind a head with 101.
  var isUpgraded = false
  var unreadBytes = 0
  var wasUnwritable = false
  private var body: HTTP1BodyReader
  /// Whether more bytes are due from the client, so that silence is a fault.
  package var awaitsBytes = false {
    didSet { if awaitsBytes, !oldValue { connection.bytesAwaited() } }
  }

  init(_ request: HTTP1Head, on connection: HTTP1Connection, maxTrailerBytes: Int) {
    self.request = request
    self.connection = connection
    body = HTTP1BodyReader(request.body, maxTrailerBytes: maxTrailerBytes)
    isRemoteEnded = body.isEnded
  }

  /// Whether the head is all that the client sends.
  package var isHeadAlone: Bool { request.body == .length(0) }

  func nextBytes(_ buffer: inout ByteBuffer) -> HTTP1BodyReader.Output {
    guard isUpgraded else { return body.next(&buffer) }
    guard buffer.readableBytes > 0, let bytes = buffer.readSlice(length: buffer.readableBytes)
    else { return .needsMore }
    return .bytes(bytes)
  }

  // MARK: - Sending

  package var bufferedBytes: Int { connection.outbound.readableBytes }

  package var isWritable: Bool { bufferedBytes < connection.options.callHighWaterMark }

  package var canSend: Bool { isOpen && (sending == .idle || sending == .open) }

  /// Sends the head; of an answer without a length in chunks, where the client knows those.
  package func respond(_ head: HeaderBlock, endStream: Bool = false) {
    guard isOpen, sending == .idle else { return }
    sending = endStream ? .finishing : .open
    connection.sendHead(head, of: self, endStream: endStream)
  }

  /// - Returns: As ``HTTP2Stream/write(_:)``.
  @discardableResult
  package func write(_ body: (inout ByteBuffer) -> Void) -> Bool {
    guard isOpen, sending == .open else { return true }
    guard connection.mayBuffer else {
      connection.options.limitObserver?.limitReached(.bufferedBytes)
      return false
    }
    connection.write(of: self, body)
    return true
  }

  /// Ends the answer, behind what was written. HTTP/1 has no use for trailers here.
  package func finish() {
    guard isOpen, sending == .open else { return }
    sending = .finishing
    connection.finish(self)
  }

  /// Ends the exchange and the connection at once; the client sees that the answer is cut off.
  package func reset() {
    guard isOpen else { return }
    isResetByUs = true
    connection.reset(self)
  }

  // MARK: - Receiving

  /// Lets the client send so many bytes more.
  package func consume(_ bytes: Int) {
    unreadBytes -= bytes
    connection.consumed()
  }
}
