import CDatasyncNghttp2

/// nghttp2's session, which is the protocol: what is asked of it outside of its callbacks. A value that
/// points to it; whoever made it ends it with ``delete()``, once.
///
/// What fails in it, other than where a result is told, fails for want of memory, or since a stream is gone:
/// then there is nobody to tell.
struct HTTP2Session {
  let pointer: OpaquePointer

  /// - Parameters:
  ///   - callbacks: Read, and not kept.
  ///   - context: What the callbacks are given; to outlive the session.
  init?(
    role: HTTP2Role, options: HTTP2Options, callbacks: OpaquePointer?,
    context: UnsafeMutableRawPointer
  ) {
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
    var session: OpaquePointer?
    switch role {
    case .server: nghttp2_session_server_new2(&session, callbacks, context, option)
    case .client: nghttp2_session_client_new2(&session, callbacks, context, option)
    }
    guard let session else { return nil }
    pointer = session
  }

  func delete() {
    nghttp2_session_del(pointer)
  }

  // MARK: - Bytes

  /// Has it read bytes; what is in them comes by the callbacks.
  ///
  /// - Returns: Less than 0: the library's code of what is wrong with them.
  func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
    nghttp2_session_mem_recv(
      pointer, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
  }

  /// The next bytes to be sent, which last until the next call; empty: there are none, or the callbacks
  /// have taken them.
  ///
  /// - Returns: Nil: the session is broken.
  @inline(__always)
  func nextBytes() -> UnsafeRawBufferPointer? {
    var bytes: UnsafePointer<UInt8>?
    let count = nghttp2_session_mem_send(pointer, &bytes)
    return count < 0 ? nil : UnsafeRawBufferPointer(start: bytes, count: count)
  }

  var wantsToSend: Bool { nghttp2_session_want_write(pointer) != 0 }
  var wantsToRead: Bool { nghttp2_session_want_read(pointer) != 0 }
  var queuedFrames: Int { nghttp2_session_get_outbound_queue_size(pointer) }

  // MARK: - The connection

  /// SETTINGS, and the connection's window.
  func submitSettings(role: HTTP2Role, options: HTTP2Options) {
    var entries = [
      setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.streamWindowBytes),
      setting(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.maxHeaderListBytes),
    ]
    if options.maxFrameBytes != 16_384 {
      entries.append(setting(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options.maxFrameBytes))
    }
    if options.takesWebSockets, role == .server {
      entries.append(setting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1))
    }
    switch role {
    case .server:
      entries.append(
        setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams))
    case .client:
      entries.append(setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
    }
    nghttp2_submit_settings(pointer, 0, entries, entries.count)
    nghttp2_session_set_local_window_size(
      pointer, 0, 0, Int32(clamping: options.connectionWindowBytes))
  }

  private func setting(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
    nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(clamping: value))
  }

  /// A GOAWAY that refuses nothing.
  func submitShutdownNotice() {
    nghttp2_submit_shutdown_notice(pointer)
  }

  /// With the last stream that the peer has opened.
  func submitGoAway(_ code: HTTP2ErrorCode, _ debug: String) {
    var debug = debug
    debug.withUTF8 { bytes in
      _ = nghttp2_submit_goaway(
        pointer, 0, lastPeerStream, code.rawValue, bytes.baseAddress, bytes.count)
    }
  }

  func submitPing(_ payload: UInt64) {
    withUnsafeBytes(of: payload) { bytes in
      _ = nghttp2_submit_ping(pointer, 0, bytes.bindMemory(to: UInt8.self).baseAddress)
    }
  }

  var lastPeerStream: Int32 { nghttp2_session_get_last_proc_stream_id(pointer) }

  /// In bytes: what the peer may still send, and what this side may.
  var windows: (local: Int, remote: Int) {
    (
      Int(nghttp2_session_get_local_window_size(pointer)),
      Int(nghttp2_session_get_remote_window_size(pointer))
    )
  }

  func consumeConnection(_ bytes: Int) {
    nghttp2_session_consume_connection(pointer, bytes)
  }

  // MARK: - Streams

  typealias Fields = UnsafeMutableBufferPointer<nghttp2_nv>

  /// What was attached to a stream; nil: nothing, or the stream is gone.
  func attachment(_ id: Int32) -> UnsafeMutableRawPointer? {
    nghttp2_session_get_stream_user_data(pointer, id)
  }

  func attach(_ attachment: UnsafeMutableRawPointer, to id: Int32) {
    nghttp2_session_set_stream_user_data(pointer, id, attachment)
  }

  /// Client role: how many streams may run at once; 0: none is opened any more.
  var maxStreams: Int {
    guard nghttp2_session_check_request_allowed(pointer) != 0 else { return 0 }
    return Int(
      nghttp2_session_get_remote_settings(pointer, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
  }

  /// - Returns: The stream's id; nil: it is not opened.
  func submitRequest(
    _ fields: Fields, body: nghttp2_data_provider, attaching attachment: UnsafeMutableRawPointer
  ) -> Int32? {
    var body = body
    let id = nghttp2_submit_request(
      pointer, nil, fields.baseAddress, fields.count, &body, attachment)
    return id > 0 ? id : nil
  }

  /// - Parameter body: Nil: the head is all.
  /// - Returns: Whether it is accepted.
  func submitResponse(_ id: Int32, _ fields: Fields, body: nghttp2_data_provider?) -> Bool {
    guard var body else {
      return nghttp2_submit_response(pointer, id, fields.baseAddress, fields.count, nil) == 0
    }
    return nghttp2_submit_response(pointer, id, fields.baseAddress, fields.count, &body) == 0
  }

  /// - Returns: Whether they are accepted.
  func submitTrailers(_ id: Int32, _ fields: Fields) -> Bool {
    nghttp2_submit_trailer(pointer, id, fields.baseAddress, fields.count) == 0
  }

  func submitReset(_ id: Int32, _ code: HTTP2ErrorCode) {
    nghttp2_submit_rst_stream(pointer, 0, id, code.rawValue)
  }

  /// There are bytes again for a stream that had none.
  func resume(_ id: Int32) {
    nghttp2_session_resume_data(pointer, id)
  }

  func consumeStream(_ id: Int32, _ bytes: Int) {
    nghttp2_session_consume_stream(pointer, id, bytes)
  }
}
