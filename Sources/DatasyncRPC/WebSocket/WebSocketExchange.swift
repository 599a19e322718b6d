import DatasyncHTTP2
import NIOCore

/// Reads the frames of a WebSocket and gives its messages to the call. Loop-bound; stands between the
/// stream and the call.
final class WebSocketExchange: ServerStreamDelegate {
  private let served: ServerCall
  var call: ServerCall? { served }
  private var reader: WebSocketReader
  /// Pings and pongs of the client: sixty a minute.
  private var controls = TokenBucket(capacity: 60, perSecond: 1)
  /// Kept for pings, which no call sends.
  private var stream: ServerStream?
  private var pingSent: NIODeadline?
  private var timer: NIOScheduledCallback?

  init(_ call: ServerCall, _ opening: WebSocketOpening, on stream: ServerStream) {
    served = call
    self.stream = stream
    reader = WebSocketReader(
      isText: opening.codec == .json, maxMessageBytes: call.connection.options.maxMessageBytes,
      headroom: MessagePrefix.byteCount)
    schedule(at: call.eventLoop.now + pingTime)
  }

  // MARK: - In

  func deliver() { served.deliverMessages() }

  func dataReceived(_ data: ByteBuffer, _ stream: ServerStream) {
    // What the call is to be given back when it is done with its messages.
    var owed = data.readableBytes
    defer { stream.consume(owed) }
    guard served.isOpen else { return }
    reader.append(data)
    while served.isOpen {
      switch reader.next() {
      case .message(var message):
        let bytes = min(owed, message.readableBytes)
        owed -= bytes
        let length = message.readableBytes - MessagePrefix.byteCount
        message.setInteger(MessagePrefix(length: length).length, at: message.readerIndex + 1)
        served.take(message, owing: bytes)
      case .ping(let payload):
        guard mayControl() else { return }
        payload.withUnsafeReadableBytes { payload in
          _ = stream.write { WebSocketFrame.append(.pong, payload, to: &$0) }
        }
      case .pong:
        guard mayControl() else { return }
      case .close(let code):
        return end(code, "", stream)
      case .failed(let code, let sentence):
        if code == .tooLarge {
          served.connection.options.limitObserver?.limitReached(.message)
        }
        return end(code, sentence, stream)
      case .needsMore:
        reader.detach()
        served.countGathered(reader.heldBytes)
        if reader.isWithinMessage { stream.awaitsBytes = true }
        return
      }
    }
  }

  private func mayControl() -> Bool {
    if controls.take(now: served.eventLoop.now) { return true }
    served.connection.options.limitObserver?.limitReached(.pings)
    served.abort(
      Status(.resourceExhausted, "over 60 pings a minute (\(Limit.pings.rawValue))"))
    return false
  }

  /// Over HTTP/2 alone: a client that ends without a word is gone.
  func endReceived(_ stream: ServerStream) {
    if case .http2 = stream, served.isOpen { end(nil, "", stream) }
  }

  // MARK: - The end

  /// Closes for the client's sake, and cancels all that runs.
  private func end(_ code: WebSocketFrame.CloseCode?, _ sentence: String, _ stream: ServerStream) {
    stream.write { WebSocketFrame.appendClose(code, sentence, to: &$0) }
    served.closed(stream, .closed(.cancel))
    stream.finish()
  }

  func drained(_ stream: ServerStream) {
    served.drained(stream)
  }

  func closed(_ stream: ServerStream, _ end: StreamEnd) {
    timer?.cancel()
    timer = nil
    self.stream = nil
    served.closed(stream, end)
  }
}

// Whether the client is there.
extension WebSocketExchange: NIOScheduledCallbackHandler {
  /// Without a byte of the client.
  private var pingTime: TimeAmount {
    min(.seconds(30), served.connection.options.http2.keepaliveTime)
  }

  private func schedule(at deadline: NIODeadline) {
    timer = try? served.eventLoop.assumeIsolated().scheduleCallback(at: deadline, handler: self)
  }

  func handleScheduledCallback(eventLoop: some EventLoop) {
    timer = nil
    guard let stream, served.isOpen else { return }
    let now = eventLoop.now
    let timeout = served.connection.options.http2.keepaliveTimeout
    if let sent = pingSent, stream.lastRead <= sent {
      // That the ping itself left is no sign of life, as it does at once where nothing waits before it.
      let lastSign = stream.bufferedBytes > 0 ? max(sent, stream.lastWrite) : sent
      guard now >= lastSign + timeout else { return schedule(at: lastSign + timeout) }
      served.connection.options.limitObserver?.limitReached(.keepaliveTime)
      return stream.reset(.cancel)
    }
    pingSent = nil
    guard now >= stream.lastRead + pingTime else {
      return schedule(at: stream.lastRead + pingTime)
    }
    pingSent = now
    stream.write {
      WebSocketFrame.append(.ping, UnsafeRawBufferPointer(start: nil, count: 0), to: &$0)
    }
    schedule(at: now + timeout)
  }
}
