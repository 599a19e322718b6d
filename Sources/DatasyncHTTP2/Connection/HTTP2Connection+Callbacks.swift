import CDatasyncNghttp2
import NIOCore

private let ok: Int32 = 0
private let failure: Int32 = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue

/// Lends the connection without counting a reference: the session, and with it every callback, ends
/// before the connection does.
@inline(__always)
private func withConnection<Result>(
  _ pointer: UnsafeMutableRawPointer?, else absent: Result,
  _ body: (HTTP2Connection) -> Result
) -> Result {
  guard let pointer else { return absent }
  return Unmanaged<HTTP2Connection>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body)
}

// nghttp2's callbacks. They append to the list of events and set marks; none calls into the session,
// but for a stream's user pointer.
extension HTTP2Connection {
  @inline(__always)
  func stream(_ id: Int32) -> HTTP2Stream? {
    session?.attachment(id).map {
      Unmanaged<HTTP2Stream>.fromOpaque($0).takeUnretainedValue()
    }
  }

  static func makeCallbacks() -> OpaquePointer? {
    var callbacks: OpaquePointer?
    nghttp2_session_callbacks_new(&callbacks)
    setReceivingCallbacks(callbacks)
    setSendingCallbacks(callbacks)
    return callbacks
  }

  private static func setReceivingCallbacks(_ callbacks: OpaquePointer?) {
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, header, context in
      guard let header else { return ok }
      return withConnection(context, else: ok) { $0.frameBegan(header.pointee) ? ok : failure }
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
      guard let frame else { return ok }
      return withConnection(context, else: ok) {
        $0.headersBegan(frame.pointee.hd.stream_id, frame.pointee.headers.cat)
        return ok
      }
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, valueCount, flags, context in
      guard let frame else { return ok }
      return withConnection(context, else: ok) {
        let accepted = $0.fieldReceived(
          frame.pointee.hd.stream_id, UnsafeRawBufferPointer(start: name, count: nameCount),
          UnsafeRawBufferPointer(start: value, count: valueCount),
          isSecret: UInt32(flags) & NGHTTP2_NV_FLAG_NO_INDEX.rawValue != 0)
        return accepted ? ok : failure
      }
    }
    // A field with what may not be in it makes the whole list malformed: RFC 9113, section 8.2.1. With
    // another answer the library would drop the field and go on, as if nobody had sent it.
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) {
      _, _, _, _, _, _, _, _ in NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
      _, _, id, bytes, count, context in
      guard let bytes else { return ok }
      return withConnection(context, else: ok) {
        $0.dataReceived(id, UnsafeRawBufferPointer(start: bytes, count: count))
        return ok
      }
    }
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
      guard let frame else { return ok }
      return withConnection(context, else: ok) { $0.frameReceived(frame) ? ok : failure }
    }
    // Frames of types that nobody knows: counted at their beginning, and then ignored.
    nghttp2_session_callbacks_set_unpack_extension_callback(callbacks) { _, _, _, _ in
      NGHTTP2_ERR_CANCEL.rawValue
    }
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, _, _, context in
      withConnection(context, else: ok) {
        $0.conduct.pendingHeaders = nil
        return ok
      }
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, context in
      withConnection(context, else: ok) {
        $0.streamClosed(id, HTTP2ErrorCode(rawValue: code))
        return ok
      }
    }
  }

  private static func setSendingCallbacks(_ callbacks: OpaquePointer?) {
    nghttp2_session_callbacks_set_send_data_callback(callbacks) {
      _, _, header, count, source, context in
      // The library asks only for streams that it still has.
      guard let header, let stream = source?.pointee.ptr else { return failure }
      return withConnection(context, else: failure) { connection in
        Unmanaged<HTTP2Stream>.fromOpaque(stream)._withUnsafeGuaranteedRef {
          connection.sendData(of: $0, header, count)
        }
      }
    }
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
      guard let frame else { return ok }
      return withConnection(context, else: ok) {
        $0.frameSent(frame.pointee.hd, frame)
        return ok
      }
    }
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, _, context in
      guard let frame else { return ok }
      return withConnection(context, else: ok) {
        $0.frameNotSent(frame.pointee.hd)
        return ok
      }
    }
  }

  // MARK: - Received

  /// False: the peer goes too far, and reading stops.
  private func frameBegan(_ header: nghttp2_frame_hd) -> Bool {
    if UInt32(header.type) != NGHTTP2_CONTINUATION.rawValue { conduct.pendingHeaders = nil }
    switch UInt32(header.type) {
    case NGHTTP2_HEADERS.rawValue:
      if role == .server, !conduct.ids.headersBegan(header.stream_id) {
        return conduct.violated(nil, .protocolError)
      }
      // The library ignores those of streams that are gone, and says nothing at their end.
      let isNew = header.stream_id > (session?.lastPeerStream ?? 0)
      if isNew ? !life.isFinal : stream(header.stream_id) != nil {
        conduct.pendingHeaders = header.stream_id
      }
    case NGHTTP2_CONTINUATION.rawValue, NGHTTP2_DATA.rawValue, NGHTTP2_RST_STREAM.rawValue,
      NGHTTP2_SETTINGS.rawValue,
      NGHTTP2_PING.rawValue, NGHTTP2_GOAWAY.rawValue, NGHTTP2_PUSH_PROMISE.rawValue:
      break
    default:
      if role == .server, let limit = conduct.watch.controlFrameReceived() {
        return conduct.violated(limit)
      }
    }
    return true
  }

  private func headersBegan(_ id: Int32, _ category: nghttp2_headers_category) {
    switch category {
    case NGHTTP2_HCAT_REQUEST:
      let stream = makeStream(id: id)
      headMemory.begin(of: id)
      conduct.watch.streamOpened()
      session?.attach(Unmanaged.passUnretained(stream).toOpaque(), to: id)
    default:
      stream(id)?.headerBytes = 0
    }
  }

  /// False: the list is so long that reading on is a cost in itself.
  private func fieldReceived(
    _ id: Int32, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, isSecret: Bool
  ) -> Bool {
    if headMemory.isExpecting(id) {
      // One that was within the limits before is so again.
      if headMemory.matches(name, value, isSecret: isSecret) { return true }
      if let stream = stream(id) { forgetHead(of: stream) }
    }
    guard let stream = stream(id) else { return true }
    stream.headerBytes += name.count + value.count + HTTP2Connection.fieldOverhead
    let isHead = !stream.headWasReceived
    if stream.exceededHeaderLimit == nil {
      let count = isHead ? stream.head.count : stream.inboundTrailers.count
      if stream.headerBytes > options.maxHeaderListBytes {
        stream.exceededHeaderLimit = .headerList
      } else if count >= options.maxHeaderFields {
        stream.exceededHeaderLimit = .headerFields
      }
      if let limit = stream.exceededHeaderLimit { options.limitObserver?.limitReached(limit) }
    }
    guard stream.exceededHeaderLimit == nil else {
      // Decoding goes on, for the sake of the compression table, but not for ever.
      return stream.headerBytes <= options.maxHeaderFloodBytes || conduct.violated(.headerFlood)
    }
    if isHead {
      stream.head.add(name, value, isSecret: isSecret)
    } else {
      stream.inboundTrailers.add(name, value, isSecret: isSecret)
    }
    return true
  }

  private func dataReceived(_ id: Int32, _ bytes: UnsafeRawBufferPointer) {
    flow.received(bytes.count)
    guard let stream = stream(id), let start = bytes.baseAddress, let base = reading.base else {
      return
    }
    stream.lastRead = now
    let offset = input.readerIndex + (start - base)
    guard let slice = input.getSlice(at: offset, length: bytes.count) else { return }
    stream.unreadBytes += bytes.count
    flow.kept(bytes.count)
    events.append(.data(StreamReference(stream), slice))
  }

  private func frameReceived(_ frame: UnsafePointer<nghttp2_frame>) -> Bool {
    let header = frame.pointee.hd
    let endsStream = UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
    let isAck = UInt32(header.flags) & NGHTTP2_FLAG_ACK.rawValue != 0
    switch UInt32(header.type) {
    case NGHTTP2_HEADERS.rawValue:
      conduct.pendingHeaders = nil
      headersReceived(header.stream_id, endsStream: endsStream)
    case NGHTTP2_DATA.rawValue:
      if role == .server,
        let limit = conduct.watch.dataReceived(
          isEmpty: header.length <= frame.pointee.data.padlen, endsStream: endsStream)
      {
        return conduct.violated(limit)
      }
      if endsStream, let stream = stream(header.stream_id) { ended(stream) }
    case NGHTTP2_SETTINGS.rawValue:
      return settingsReceived(isAck: isAck)
    case NGHTTP2_PING.rawValue:
      let payload = withUnsafeBytes(of: frame.pointee.ping.opaque_data) {
        $0.loadUnaligned(as: UInt64.self)
      }
      if isAck {
        events.append(.pingAcknowledged(payload))
      } else if role == .server,
        let limit = conduct.watch.pingReceived(now: now, hasCalls: !roster.open.isEmpty)
      {
        return conduct.violated(limit)
      }
    case NGHTTP2_RST_STREAM.rawValue:
      if role == .server, let limit = conduct.watch.resetReceived(now: now) {
        return conduct.violated(limit)
      }
    case NGHTTP2_GOAWAY.rawValue:
      let goAway = frame.pointee.goaway
      let debug = UnsafeRawBufferPointer(
        start: goAway.opaque_data, count: min(goAway.opaque_data_len, 256))
      events.append(
        .goAway(
          lastStreamID: goAway.last_stream_id, code: HTTP2ErrorCode(rawValue: goAway.error_code),
          debug: String(decoding: debug, as: UTF8.self)))
    default:
      break
    }
    return true
  }

  /// RFC 9113, section 6.5.2: what a field adds to a list besides its bytes.
  static let fieldOverhead = 32

  /// The head at hand is not the one remembered: what was the same so far goes into the stream's.
  private func forgetHead(of stream: HTTP2Stream) {
    stream.head.add(first: headMemory.matchedCount, of: headMemory.head)
    stream.headerBytes = headMemory.matchedBytes
    headMemory.end()
  }

  private func headersReceived(_ id: Int32, endsStream: Bool) {
    guard let stream = stream(id) else { return }
    stream.lastRead = now
    if stream.headWasReceived {
      events.append(.trailers(StreamReference(stream)))
    } else if stream.awaitsFinalHead, stream.head[":status"]?.first == "1" {
      stream.head.removeAll()
      return
    } else {
      stream.awaitsFinalHead = false
      stream.headWasReceived = true
      if role == .server { remember(stream) }
      stream.isHeadAlone = endsStream
      events.append(.head(StreamReference(stream)))
    }
    if endsStream { ended(stream) }
  }

  private func remember(_ stream: HTTP2Stream) {
    if headMemory.isExpecting(stream.id) {
      if headMemory.isWhole {
        headMemory.matched()
        stream.head = headMemory.head
        stream.headNumber = headMemory.number
        return
      }
      forgetHead(of: stream)
    }
    if stream.exceededHeaderLimit == nil { stream.headNumber = headMemory.missed(stream.head) }
  }

  private func ended(_ stream: HTTP2Stream) {
    stream.isRemoteEnded = true
    events.append(.end(StreamReference(stream)))
  }

  private func settingsReceived(isAck: Bool) -> Bool {
    if isAck {
      timers[.settings] = nil
      return true
    }
    if life.peerSettingsReceived() == .begun {
      timers[.handshake] = nil
      events.append(.settings)
    }
    if role == .server, let limit = conduct.watch.settingsReceived(now: now) {
      return conduct.violated(limit)
    }
    return true
  }

  private func streamClosed(_ id: Int32, _ code: HTTP2ErrorCode) {
    if conduct.pendingHeaders == id { conduct.pendingHeaders = nil }
    guard let stream = stream(id), stream.isOpen else { return }
    roster.leaves(stream)
    if code == .noError { traffic.streamsSucceeded += 1 } else { traffic.streamsFailed += 1 }
    events.append(.closed(code))
  }

  // MARK: - Sent

  private func frameSent(_ header: nghttp2_frame_hd, _ frame: UnsafePointer<nghttp2_frame>) {
    switch UInt32(header.type) {
    case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue:
      let isData = UInt32(header.type) == NGHTTP2_DATA.rawValue
      conduct.watch.answerSent(isData: isData)
      guard role == .server, UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0,
        let stream = stream(header.stream_id), !stream.isRemoteEnded
      else { return }
      // The peer may think its slot free; the library frees it only when both sides have ended.
      stream.isResetByUs = true
      output.endedEarly(header.stream_id)
    case NGHTTP2_RST_STREAM.rawValue:
      guard role == .server, frame.pointee.rst_stream.error_code != NGHTTP2_NO_ERROR.rawValue,
        stream(header.stream_id)?.isResetByUs != true
      else { return }
      if frame.pointee.rst_stream.error_code == NGHTTP2_REFUSED_STREAM.rawValue {
        options.limitObserver?.limitReached(.streams)
        if !conduct.streamRefused() { return }
      }
      if let limit = conduct.watch.resetSent(now: now) { _ = conduct.violated(limit) }
    case NGHTTP2_GOAWAY.rawValue:
      noticeSent()
      // The library ends the connection of a peer that had been told how many there may be.
      let debug = UnsafeRawBufferPointer(
        start: frame.pointee.goaway.opaque_data, count: frame.pointee.goaway.opaque_data_len)
      if role == .server, debug.elementsEqual(Self.tooManyStreams.utf8) {
        options.limitObserver?.limitReached(.streams)
      }
    default:
      break
    }
  }

  private static let tooManyStreams = "request HEADERS: max concurrent streams exceeded"

  private func frameNotSent(_ header: nghttp2_frame_hd) {
    guard UInt32(header.type) == NGHTTP2_HEADERS.rawValue, let stream = stream(header.stream_id)
    else { return }
    // A head too long for the library: without this the call would wait for ever.
    output.headFailed(stream.id)
  }
}
