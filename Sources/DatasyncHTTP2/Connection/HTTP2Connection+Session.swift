import CDatasyncNghttp2
import NIOCore

// What is asked of nghttp2 from outside of its callbacks.
extension HTTP2Connection {
  func makeSession() -> OpaquePointer? {
    var option: OpaquePointer?
    nghttp2_option_new(&option)
    defer { nghttp2_option_del(option) }
    nghttp2_option_set_no_auto_window_update(option, 1)
    nghttp2_option_set_stream_reset_rate_limit(
      option, UInt64(options.maxResetsReceived * 2), UInt64(options.resetsReceivedPerSecond * 2))
    nghttp2_option_set_max_continuations(option, options.maxContinuations)
    nghttp2_option_set_max_outbound_ack(option, options.maxQueuedAcks)
    nghttp2_option_set_peer_max_concurrent_streams(option, 100)
    // Without this the library skips the types that it does not know, and nobody would count them.
    for type in UInt8(NGHTTP2_ALTSVC.rawValue)...UInt8.max {
      nghttp2_option_set_user_recv_extension_type(option, type)
    }
    let callbacks = Self.makeCallbacks()
    defer { nghttp2_session_callbacks_del(callbacks) }
    var session: OpaquePointer?
    let context = Unmanaged.passUnretained(self).toOpaque()
    switch role {
    case .server: nghttp2_session_server_new2(&session, callbacks, context, option)
    case .client: nghttp2_session_client_new2(&session, callbacks, context, option)
    }
    return session
  }

  /// Before any other frame; once.
  func submitSettings() {
    guard !hasSubmittedSettings else { return }
    hasSubmittedSettings = true
    var entries = [
      setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.streamWindowBytes),
      setting(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.maxHeaderListBytes),
    ]
    if options.maxFrameBytes != 16_384 {
      entries.append(setting(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options.maxFrameBytes))
    }
    switch role {
    case .server:
      entries.append(
        setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams))
    case .client:
      entries.append(setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
    }
    nghttp2_submit_settings(session, 0, entries, entries.count)
    nghttp2_session_set_local_window_size(
      session, 0, 0, Int32(clamping: options.connectionWindowBytes))
  }

  private func setting(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
    nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(clamping: value))
  }

  // MARK: - Streams

  func makeStream(id: Int32) -> HTTP2Stream {
    let stream = pool.popLast() ?? HTTP2Stream(connection: self)
    stream.reset(id: id)
    stream.index = streams.count
    streams.append(stream)
    stream.lastRead = now
    stream.lastWrite = now
    traffic.streamsStarted += 1
    traffic.lastStreamStarted = now
    timers[.idle] = nil
    return stream
  }

  /// Takes the stream out of the list; the last one moves to its place.
  func forget(_ stream: HTTP2Stream) {
    stream.isOpen = false
    let last = streams.removeLast()
    if last !== stream {
      streams[stream.index] = last
      last.index = stream.index
    }
  }

  /// Client role: opens a stream.
  ///
  /// - Returns: Nil if the connection opens none any more, or as many run as the peer permits.
  package func openStream(
    _ head: HeaderBlock, delegate: any HTTP2StreamDelegate
  ) -> HTTP2Stream? {
    guard role == .client, let session, !isClosing, drain == .serving,
      nghttp2_session_check_request_allowed(session) != 0
    else { return nil }
    let limit = nghttp2_session_get_remote_settings(
      session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
    guard streams.count < Int(limit) else { return nil }
    touchClock()
    let stream = makeStream(id: 0)
    stream.delegate = delegate
    stream.sending = .open
    stream.awaitsFinalHead = true
    let pointer = Unmanaged.passUnretained(stream).toOpaque()
    var provider = Self.provider(pointer)
    let id = withFields(head) { fields in
      nghttp2_submit_request(session, nil, fields.baseAddress, fields.count, &provider, pointer)
    }
    guard id > 0 else {
      forget(stream)
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
    let result: Int32
    if endStream {
      result = nghttp2_submit_response(session, stream.id, fields.baseAddress, fields.count, nil)
    } else {
      var provider = Self.provider(Unmanaged.passUnretained(stream).toOpaque())
      result = nghttp2_submit_response(
        session, stream.id, fields.baseAddress, fields.count, &provider)
    }
    if result != 0 { submitReset(stream, .internalError) }
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
    bufferedBytes -= count
    stream.lastWrite = now
    if stream.wasUnwritable, stream.outbound.readableBytes <= options.callLowWaterMark {
      stream.wasUnwritable = false
      events.append(.drained(StreamReference(stream)))
    }
    if stream.outbound.readableBytes == 0 { stream.clearOutbound() }
  }

  private func submitTrailers(_ stream: HTTP2Stream) -> Bool {
    if let fields = stream.fixedTrailers?.fields {
      return nghttp2_submit_trailer(session, stream.id, fields.baseAddress, fields.count) == 0
    }
    return withFields(stream.outboundTrailers) { fields in
      nghttp2_submit_trailer(session, stream.id, fields.baseAddress, fields.count)
    } == 0
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
    bufferedBytes += after - before
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
      nghttp2_session_resume_data(session, stream.id)
    }
    schedulePump()
  }

  func submitReset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    stream.isResetByUs = true
    stream.sending = .ended
    nghttp2_submit_rst_stream(session, 0, stream.id, code.rawValue)
    schedulePump()
  }

  // MARK: - Windows

  func consume(_ stream: HTTP2Stream, _ bytes: Int) {
    stream.unreadBytes -= bytes
    unreadBytes -= bytes
    if stream.isOpen, !stream.isRemoteEnded {
      nghttp2_session_consume_stream(session, stream.id, bytes)
      if !isPumping { schedulePump() }
    }
    settleConnectionWindow()
  }

  /// The connection's window is given back on arrival, so that one slow stream holds up no other;
  /// not beyond what a connection may hold in all.
  func settleConnectionWindow() {
    guard owedBytes > 0, let session, !isReading,
      unreadBytes <= options.maxUnreadBytesPerConnection
    else { return }
    nghttp2_session_consume_connection(session, owedBytes)
    owedBytes = 0
  }

  /// The connection's own, in bytes: what the peer may still send, and what this side may. Nil: the
  /// connection is gone.
  package var windows: (local: Int, remote: Int)? {
    session.map {
      (
        Int(nghttp2_session_get_local_window_size($0)),
        Int(nghttp2_session_get_remote_window_size($0))
      )
    }
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
