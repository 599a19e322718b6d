import DatasyncHTTP2
package import NIOCore

// What goes out.
extension HTTP1Connection {
  func sendHead(_ head: HeaderBlock, of stream: HTTP1Stream, endStream: Bool) {
    let keepsAlive = !isLast && !isDraining
    let terms = HTTP1Response.Terms(
      isHeadRequest: stream.request.method == "HEAD", isVersion10: stream.request.isVersion10,
      endsStream: endStream, keepsAlive: keepsAlive)
    noteWaiting()
    (stream.framing, stream.isUpgraded) = HTTP1Response.write(head, terms, to: &outbound)
    if !keepsAlive { isLast = true }
    // Only its end ends the answer.
    if stream.request.isVersion10, stream.framing == .plain, head["content-length"] == nil {
      isLast = isLast || !endStream
    }
    schedulePump()
  }

  func write(of stream: HTTP1Stream, _ body: (inout ByteBuffer) -> Void) {
    noteWaiting()
    switch stream.framing {
    case .none: return
    case .plain: body(&outbound)
    case .chunks: HTTP1Connection.writeChunk(to: &outbound, body)
    }
    if !stream.isWritable { stream.wasUnwritable = true }
    reportBuffered()
    schedulePump()
  }

  /// The length stands before what the closure writes, in eight digits, since it is known only then.
  private static func writeChunk(to buffer: inout ByteBuffer, _ body: (inout ByteBuffer) -> Void) {
    let start = buffer.writerIndex
    buffer.writeStaticString("00000000\r\n")
    let bodyStart = buffer.writerIndex
    body(&buffer)
    let count = buffer.writerIndex - bodyStart
    // A chunk of nothing would be the end.
    guard count > 0 else { return buffer.moveWriterIndex(to: start) }
    let digits = String(count, radix: 16)
    buffer.setString(String(repeating: "0", count: 8 - digits.count) + digits, at: start)
    buffer.writeStaticString("\r\n")
  }

  func finish(_ stream: HTTP1Stream) {
    if stream.framing == .chunks { outbound.writeStaticString("0\r\n\r\n") }
    schedulePump()
  }

  func reset(_ stream: HTTP1Stream) {
    outbound = ByteBuffer()
    reportBuffered()
    phase = .closing
    guard let context else { return }
    // Nobody who has called for it is called from within.
    context.eventLoop.assumeIsolated().execute { [self] in
      closed(stream, .closed(.cancel))
      context.close(promise: nil)
    }
  }

  /// What is written waits from now on, if nothing did.
  private func noteWaiting() {
    guard outbound.readableBytes == 0, writtenBytes == 0 else { return }
    if let context { now = context.eventLoop.now }
    lastWrite = now
  }

  func schedulePump() {
    guard !isPumpScheduled, let context else { return }
    isPumpScheduled = true
    context.eventLoop.assumeIsolated().execute { [self] in
      isPumpScheduled = false
      now = context.eventLoop.now
      pump()
    }
  }

  /// Gives the channel what it takes, and ends the answer where that was all.
  func pump() {
    guard let context else { return }
    var isWritten = false
    while outbound.readableBytes > 0, context.channel.isWritable {
      let count = min(outbound.readableBytes, HTTP1Connection.maxWriteBytes)
      guard let part = outbound.readSlice(length: count) else { break }
      isWritten = true
      writtenBytes += count
      let promise = context.eventLoop.makePromise(of: Void.self)
      promise.futureResult.assumeIsolated().whenComplete { [self] _ in written(count) }
      context.write(wrapOutboundOut(part), promise: promise)
    }
    if outbound.readableBytes == 0 { outbound = ByteBuffer() }
    if isWritten { context.flush() }
    reportBuffered()
    armTimer()
    guard let stream else {
      if case .closing = phase { closeOutput() }
      return
    }
    if stream.sending == .finishing, outbound.readableBytes == 0 { return answered(stream) }
    if stream.wasUnwritable, stream.bufferedBytes <= options.callLowWaterMark, stream.canSend {
      stream.wasUnwritable = false
      stream.delegate?.drained(stream)
    }
  }

  private func written(_ count: Int) {
    writtenBytes -= count
    if let context { now = context.eventLoop.now }
    lastWrite = now
    reportBuffered()
  }

  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { pump() }
    context.fireChannelWritabilityChanged()
  }
}
