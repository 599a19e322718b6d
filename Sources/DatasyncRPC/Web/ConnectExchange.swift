import DatasyncHTTP2
import NIOCore

/// Gathers the body of a unary call of Connect, which is one message without a prefix, and gives it to the
/// call when it is whole. Loop-bound; stands between the stream and the served.
final class ConnectExchange: ServerStreamDelegate {
  private let served: ServerCall
  var call: ServerCall? { served }
  private let web: WebOptions
  private let codec: MessageCodec
  /// From the URL, in place of a body.
  private let query: ConnectQuery?
  /// Why the call ends with its body.
  private var refusal: Status?
  private var droppedBytes = 0
  /// Whether the body is what the handler takes.
  private var isRead = false

  init(_ call: ServerCall, _ codec: MessageCodec, query: ConnectQuery?, web: WebOptions) {
    served = call
    self.codec = codec
    self.query = query
    self.web = web
  }

  /// Refuses a body that is said to be too long; at once where the client asks before it sends it.
  func judgeLength(on stream: ServerStream) {
    let limit = served.connection.options.maxMessageBytes
    guard query == nil, let length = stream.head["content-length"].flatMap({ Int($0) }),
      length > limit
    else { return }
    served.connection.options.limitObserver?.limitReached(.message)
    refusal = ServerCall.tooLong(limit)
    if stream.awaitsContinue, let refusal { served.abort(refusal) }
  }

  func dataReceived(_ data: ByteBuffer, _ stream: ServerStream) {
    stream.consume(data.readableBytes)
    guard query == nil else { return }
    if let refusal { return drop(data, refusal) }
    refusal = served.gather(data)
  }

  /// Many clients look for an answer only when they have sent everything; none need send more than a
  /// message beyond the one that was too long.
  private func drop(_ data: ByteBuffer, _ refusal: Status) {
    droppedBytes += data.readableBytes
    if droppedBytes > served.connection.options.maxMessageBytes { served.abort(refusal) }
  }

  func endReceived(_ stream: ServerStream) {
    deliver()
  }

  /// Reads the body and gives it to the call, each when it is the connection's turn.
  func deliver() {
    guard let stream = served.stream else { return }
    if let refusal { return served.abort(refusal) }
    if !isRead {
      guard !served.connection.isTurnOver else {
        stream.awaitsBytes = false
        return served.connection.postpone(served)
      }
      isRead = true
      read()
    }
    served.endReceived(stream)
  }

  private func read() {
    served.bodyEnded { [self] body throws(Status) in
      var message = try query?.message() ?? body
      if let encoding = served.requestEncoding {
        message = try served.decompressed(message, encoding)
      }
      guard codec == .json else { return message }
      return try web.transcoder.request(json: message, path: served.path)
    }
  }

  func drained(_ stream: ServerStream) {
    served.drained(stream)
  }

  func closed(_ stream: ServerStream, _ end: StreamEnd) {
    served.closed(stream, end)
  }
}

extension ServerCall {
  /// Adds to a body that is one message.
  ///
  /// - Returns: Why that would be too long; nothing is kept of it then.
  func gather(_ data: ByteBuffer) -> Status? {
    guard handler != nil, !isEnding else { return nil }
    let count = (heldMessage?.message.readableBytes ?? 0) + data.readableBytes
    guard count <= connection.options.maxMessageBytes else {
      connection.options.limitObserver?.limitReached(.message)
      heldMessage = nil
      countHeld()
      return ServerCall.tooLong(connection.options.maxMessageBytes)
    }
    if heldMessage == nil { heldMessage = (ByteBuffer(), false) }
    heldMessage?.message.writeImmutableBuffer(data)
    countHeld()
    endWhereTooMuchIsHeld()
    return nil
  }

  /// Makes the message of the body, of nothing where there was none.
  func bodyEnded(_ message: (ByteBuffer) throws(Status) -> ByteBuffer) {
    guard handler != nil, !isEnding else { return }
    let start = NIODeadline.now()
    _ = connection.takeTurn(0)
    do throws(Status) {
      let wasCompressed = requestEncoding != nil
      let message = try message(heldMessage?.message ?? ByteBuffer())
      connection.tookTurn(since: start, bytes: message.readableBytes)
      heldMessage = (message, wasCompressed)
      connection.link.countMessageReceived()
      countHeld()
    } catch {
      connection.tookTurn(since: start, bytes: 0)
      abort(error)
    }
  }

  func decompressed(_ body: ByteBuffer, _ encoding: Encoding) throws(Status) -> ByteBuffer {
    let limit = connection.options.maxMessageBytes
    do throws(Compression.Fault) {
      return try Compression.decompress(body, encoding, maxBytes: limit)
    } catch .tooLarge {
      connection.options.limitObserver?.limitReached(.message)
      throw ServerCall.tooLong(limit)
    } catch .outOfMemory {
      throw Status(.resourceExhausted, "there is no memory to decompress a message")
    } catch {
      throw malformed("the compressed body is not \(encoding.rawValue)")
    }
  }

  fileprivate static func tooLong(_ limit: Int) -> Status {
    Status(
      .resourceExhausted, "a message is over the limit of \(limit) (\(Limit.message.rawValue))")
  }
}
