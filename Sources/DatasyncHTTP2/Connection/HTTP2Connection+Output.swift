import CDatasyncNghttp2
import NIOCore

// Frames leave: from the session into one output, from there into the socket.
extension HTTP2Connection {
  /// Takes frames from the session as long as the channel takes them.
  func pull() {
    guard output.isChannelWritable, let session, life.isActive, session.wantsToSend else { return }
    if let pumpQueue { swap(&output.frames, &pumpQueue.output) }
    send(session)
    if let pumpQueue {
      swap(&output.frames, &pumpQueue.output)
    } else {
      output.frames.trim()
    }
  }

  private func send(_ session: HTTP2Session) {
    while output.isChannelWritable, let context {
      defer { output.frames.removeAll() }
      var isMore = true
      while isMore, !output.isFull {
        guard let bytes = session.nextBytes() else { return closeNow() }
        if !bytes.isEmpty { output.frames.append(bytes) }
        // Of frames that were sent before the one at hand, too.
        isMore = output.submitResets(to: session) || !bytes.isEmpty
      }
      guard output.frames.count > 0 else { return }
      output.lastFlush = now
      let isFull = output.isFull
      write(context)
      // The write may have found the peer gone: then the streams are, too.
      guard isFull, life.isActive, self.context != nil else { return }
    }
  }

  /// Below this, copying through the library costs less than its call for the bytes.
  static let minUncopiedBytes = 1024
  /// RFC 9113, section 4.1.
  private static let frameHeaderBytes = 9

  /// Writes a DATA frame whose bytes the library left where they are.
  func sendData(
    of stream: HTTP2Stream, _ header: UnsafePointer<UInt8>, _ count: Int
  ) -> Int32 {
    guard !output.isFull else { return NGHTTP2_ERR_WOULDBLOCK.rawValue }
    guard stream.outbound.readableBytes >= count else {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }
    output.frames.append(UnsafeRawBufferPointer(start: header, count: Self.frameHeaderBytes))
    if output.socket != nil, stream.isOutboundShared,
      let bytes = stream.outbound.getSlice(at: stream.outbound.readerIndex, length: count)
    {
      output.frames.append(shared: bytes)
    } else {
      stream.outbound.withUnsafeReadableBytes { bytes in
        output.frames.append(UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
      }
    }
    taken(count, from: stream)
    return 0
  }

  // MARK: - The socket

  /// Asks the channel for its socket, to write to it past the channel, whose own way there takes
  /// longer than framing.
  ///
  /// Only where no other handler has to see what leaves. The channel tells of its end in the call that
  /// closes the socket, so that the number is never another's.
  func takeSocket(of context: ChannelHandlerContext) {
    guard writesToSocket else { return }
    output.socket = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
      of: NIOBSDSocket.Handle.self
    ) { $0 }
  }

  /// What the socket does not take at once is the channel's, which waits until it does; so are the
  /// errors.
  private func write(_ context: ChannelHandlerContext) {
    guard output.socket != nil else {
      context.writeAndFlush(wrapOutboundOut(output.frames.rest(after: 0)), promise: nil)
      return
    }
    let written = output.writeToSocket()
    guard written < output.frames.count else { return }
    output.channelWriteBegan()
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { [self] _ in output.channelWriteEnded() }
    context.writeAndFlush(wrapOutboundOut(output.frames.rest(after: written)), promise: promise)
  }
}
