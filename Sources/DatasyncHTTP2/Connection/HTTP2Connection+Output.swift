import CDatasyncNghttp2
import NIOCore

// Frames leave: from the session into one output, from there into the socket.
extension HTTP2Connection {
  /// One write's worth, with the last frame just under 256 KiB; more goes in several, with the
  /// channel asked in between.
  private static let maxFlushBytes = (256 << 10) - 16_384 - 9

  /// Takes frames from the session as long as the channel takes them.
  func pull() {
    guard isChannelWritable, let session, !isClosing,
      nghttp2_session_want_write(session) != 0
    else { return }
    if let pumpQueue { swap(&output, &pumpQueue.output) }
    send(session)
    if let pumpQueue {
      swap(&output, &pumpQueue.output)
    } else {
      output.trim()
    }
  }

  private var isOutputFull: Bool {
    output.count >= Self.maxFlushBytes || output.isFullOfParts
  }

  private func send(_ session: OpaquePointer) {
    while isChannelWritable, let context {
      defer { output.removeAll() }
      var result = 1
      while result > 0, !isOutputFull {
        var frame: UnsafePointer<UInt8>?
        result = nghttp2_session_mem_send(session, &frame)
        if result > 0 {
          output.append(UnsafeRawBufferPointer(start: frame, count: result))
        }
        // Of frames that were sent before the one at hand, too.
        if result >= 0, submitResets() { result = 1 }
      }
      if result < 0 {
        closeNow()
        return
      }
      guard output.count > 0 else { return }
      lastFlush = now
      let isFull = isOutputFull
      write(context)
      // The write may have found the peer gone: then the streams are, too.
      guard isFull, !isClosing, self.context != nil else { return }
    }
  }

  /// Resets what frames just sent have left to be reset.
  ///
  /// - Returns: Whether there was something.
  private func submitResets() -> Bool {
    guard !endedEarly.isEmpty || !failedHeads.isEmpty else { return false }
    for id in endedEarly {
      nghttp2_submit_rst_stream(session, 0, id, HTTP2ErrorCode.noError.rawValue)
    }
    endedEarly.removeAll(keepingCapacity: true)
    for id in failedHeads {
      nghttp2_submit_rst_stream(session, 0, id, HTTP2ErrorCode.internalError.rawValue)
    }
    failedHeads.removeAll(keepingCapacity: true)
    return true
  }

  /// Below this, copying through the library costs less than its call for the bytes.
  static let minUncopiedBytes = 1024
  /// RFC 9113, section 4.1.
  private static let frameHeaderBytes = 9

  /// Writes a DATA frame whose bytes the library left where they are.
  func sendData(
    of stream: HTTP2Stream, _ header: UnsafePointer<UInt8>, _ count: Int
  ) -> Int32 {
    guard !isOutputFull else { return NGHTTP2_ERR_WOULDBLOCK.rawValue }
    guard stream.outbound.readableBytes >= count else {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }
    output.append(UnsafeRawBufferPointer(start: header, count: Self.frameHeaderBytes))
    if socket != nil, stream.isOutboundShared,
      let bytes = stream.outbound.getSlice(at: stream.outbound.readerIndex, length: count)
    {
      output.append(shared: bytes)
    } else {
      stream.outbound.withUnsafeReadableBytes { bytes in
        output.append(UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
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
    socket = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
      of: NIOBSDSocket.Handle.self
    ) { $0 }
  }

  /// What the socket does not take at once is the channel's, which waits until it does; so are the
  /// errors.
  private func write(_ context: ChannelHandlerContext) {
    guard let socket else {
      context.writeAndFlush(wrapOutboundOut(output.rest(after: 0)), promise: nil)
      return
    }
    let written = channelWrites > 0 ? 0 : output.write(to: socket)
    guard written < output.count else { return }
    channelWrites += 1
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { [self] _ in channelWrites -= 1 }
    context.writeAndFlush(wrapOutboundOut(output.rest(after: written)), promise: promise)
  }
}
