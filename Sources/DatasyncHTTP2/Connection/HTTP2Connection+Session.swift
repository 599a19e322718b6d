import CDatasyncNghttp2
import NIOCore

// What is asked of nghttp2 from outside of its callbacks.
extension HTTP2Connection {
  func makeSession() -> HTTP2Session? {
    let callbacks = Self.makeCallbacks()
    defer { nghttp2_session_callbacks_del(callbacks) }
    return HTTP2Session(
      role: role, options: options, callbacks: callbacks,
      context: Unmanaged.passUnretained(self).toOpaque())
  }

  /// Before any other frame; once.
  func submitSettings() {
    guard life.settingsDue() == .submit else { return }
    session?.submitSettings(role: role, options: options)
  }

  // MARK: - Streams

  func makeStream(id: Int32) -> HTTP2Stream {
    let stream = roster.add(id: id, on: self)
    stream.lastRead = now
    stream.lastWrite = now
    traffic.streamsStarted += 1
    traffic.lastStreamStarted = now
    timers[.idle] = nil
    return stream
  }

  /// Client role: opens a stream.
  ///
  /// - Returns: Nil if the connection opens none any more, or as many run as the peer permits.
  package func openStream(
    _ head: HeaderBlock, delegate: any HTTP2StreamDelegate
  ) -> HTTP2Stream? {
    guard role == .client, let session, life.isServing, roster.open.count < session.maxStreams
    else { return nil }
    touchClock()
    let stream = makeStream(id: 0)
    stream.delegate = delegate
    stream.sending = .open
    stream.awaitsFinalHead = true
    let pointer = Unmanaged.passUnretained(stream).toOpaque()
    let id = withFields(head) { fields in
      session.submitRequest(fields, body: Self.provider(pointer), attaching: pointer)
    }
    guard let id else {
      roster.forget(stream)
      traffic.streamsFailed += 1
      return nil
    }
    stream.id = id
    schedulePump()
    return stream
  }

  func submitResponse(_ stream: HTTP2Stream, _ head: HeaderBlock, endStream: Bool) {
    withFields(head) { submitResponse(stream, $0, endStream: endStream) }
  }

  func submitResponse(
    _ stream: HTTP2Stream, _ fields: UnsafeMutableBufferPointer<nghttp2_nv>, endStream: Bool
  ) {
    let body = endStream ? nil : Self.provider(Unmanaged.passUnretained(stream).toOpaque())
    if session?.submitResponse(stream.id, fields, body: body) != true {
      submitReset(stream, .internalError)
    }
    schedulePump()
  }

  private static func provider(_ stream: UnsafeMutableRawPointer) -> nghttp2_data_provider {
    nghttp2_data_provider(
      source: nghttp2_data_source(ptr: stream),
      read_callback: { session, _, buffer, length, flags, source, _ in
        guard let source = source?.pointee.ptr, let buffer, let flags else { return -521 }
        return Unmanaged<HTTP2Stream>.fromOpaque(source)._withUnsafeGuaranteedRef {
          $0.connection.provide($0, buffer, length, flags)
        }
      })
  }

  /// The data provider: called by nghttp2 when it has room for a DATA frame.
  private func provide(
    _ stream: HTTP2Stream, _ buffer: UnsafeMutablePointer<UInt8>, _ length: Int,
    _ flags: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let waiting = stream.outbound.readableBytes
    let count = min(length, waiting)
    if count >= Self.minUncopiedBytes {
      // Goes straight into the output, by `sendData`.
      flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    } else if count > 0 {
      stream.outbound.withUnsafeReadableBytes { bytes in
        if let base = bytes.baseAddress {
          UnsafeMutableRawPointer(buffer).copyMemory(from: base, byteCount: count)
        }
      }
      taken(count, from: stream)
    }
    guard waiting == count else { return count }
    if case .finishing = stream.sending {
      stream.sending = .ended
      flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
      if stream.hasTrailers {
        // Not before: the library sends them ahead of data that it has not taken.
        flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
        guard submitTrailers(stream) else {
          return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
      }
      return count
    }
    guard count == 0 else { return count }
    stream.isDeferred = true
    return Int(NGHTTP2_ERR_DEFERRED.rawValue)
  }

  func taken(_ count: Int, from stream: HTTP2Stream) {
    stream.outbound.moveReaderIndex(forwardBy: count)
    flow.letGo(count)
    stream.lastWrite = now
    if stream.wasUnwritable, stream.outbound.readableBytes <= options.callLowWaterMark {
      stream.wasUnwritable = false
      events.append(.drained(StreamReference(stream)))
    }
    if stream.outbound.readableBytes == 0 { stream.clearOutbound() }
  }

  private func submitTrailers(_ stream: HTTP2Stream) -> Bool {
    guard let session else { return false }
    if let fields = stream.fixedTrailers?.fields {
      return session.submitTrailers(stream.id, fields)
    }
    return withFields(stream.outboundTrailers) { session.submitTrailers(stream.id, $0) }
  }

  /// The stream is to end after what it holds.
  func finish(_ stream: HTTP2Stream) {
    if stream.hasTrailers, stream.outbound.readableBytes == 0 {
      // Trailers need no window; the provider would wait for one, though it has nothing to send.
      stream.sending = .ended
      if !submitTrailers(stream) { submitReset(stream, .internalError) }
      schedulePump()
      return
    }
    if stream.outbound.readableBytes == 0 {
      touchClockForWrite()
      stream.lastWrite = now
    }
    progressAwaited()
    resume(stream)
  }

  func outboundGrew(_ stream: HTTP2Stream, from before: Int) {
    let after = stream.outbound.readableBytes
    guard after > before else { return }
    flow.wrote(after - before)
    if after >= options.callHighWaterMark { stream.wasUnwritable = true }
    if before == 0 {
      touchClockForWrite()
      stream.lastWrite = now
      progressAwaited()
    }
    resume(stream)
  }

  func resume(_ stream: HTTP2Stream) {
    if stream.isDeferred {
      stream.isDeferred = false
      session?.resume(stream.id)
    }
    schedulePump()
  }

  func submitReset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    stream.isResetByUs = true
    stream.sending = .ended
    session?.submitReset(stream.id, code)
    schedulePump()
  }

  // MARK: - Windows

  func consume(_ stream: HTTP2Stream, _ bytes: Int) {
    stream.unreadBytes -= bytes
    flow.consumed(bytes)
    if stream.isOpen, !stream.isRemoteEnded {
      session?.consumeStream(stream.id, bytes)
      if !pumping.isRunning { schedulePump() }
    }
    settleConnectionWindow()
  }

  /// Gives back to the connection's window what ``FlowBudget/settle(maxUnreadBytes:)`` says; not from
  /// within a callback.
  func settleConnectionWindow() {
    guard let session, !reading.isInSession else { return }
    let bytes = flow.settle(maxUnreadBytes: options.maxUnreadBytesPerConnection)
    if bytes > 0 { session.consumeConnection(bytes) }
  }

  /// The connection's own, in bytes: what the peer may still send, and what this side may. Nil: the
  /// connection is gone.
  package var windows: (local: Int, remote: Int)? {
    session?.windows
  }

  // MARK: - Fields

  /// Lends an empty list of fields that is used again and again.
  func withScratchFields(_ body: (inout HeaderBlock) -> Void) {
    var block = HeaderBlock()
    swap(&block, &scratchFields)
    body(&block)
    block.removeAll()
    swap(&block, &scratchFields)
  }

  /// Lends the fields in nghttp2's form. It copies what is not static.
  func withFields<Result>(
    _ block: HeaderBlock, _ body: (UnsafeMutableBufferPointer<nghttp2_nv>) -> Result
  ) -> Result {
    block.storage.withUnsafeBytes { storage in
      withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: max(1, block.fields.count)) {
        buffer in
        for (index, field) in block.fields.enumerated() {
          var flags = UInt32(0)
          if field.isNameStatic { flags |= NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue }
          if field.isValueStatic { flags |= NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue }
          if field.isSecret { flags |= NGHTTP2_NV_FLAG_NO_INDEX.rawValue }
          let name = HeaderBlock.bytes(field.name, field.nameCount, field.isNameStatic, storage)
          let value = HeaderBlock.bytes(field.value, field.valueCount, field.isValueStatic, storage)
          buffer.initializeElement(
            at: index,
            to: nghttp2_nv(
              name: UnsafeMutablePointer(
                mutating: name.bindMemory(to: UInt8.self).baseAddress),
              value: UnsafeMutablePointer(
                mutating: value.bindMemory(to: UInt8.self).baseAddress),
              namelen: name.count, valuelen: value.count, flags: UInt8(flags)))
        }
        return body(UnsafeMutableBufferPointer(rebasing: buffer[..<block.fields.count]))
      }
    }
  }
}
