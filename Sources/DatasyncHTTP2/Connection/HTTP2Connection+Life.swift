import CDatasyncNghttp2
package import NIOCore

/// How far a connection is on its way out. GOAWAY comes twice: first without refusing anything, since
/// requests may be under way; then, when the peer has answered a ping, with the last stream served.
enum Drain: Hashable {
  case serving
  case noticed(reason: String)
  case final
}

// Timers, draining and the end.
extension HTTP2Connection: NIOScheduledCallbackHandler {
  private static let drainPing: UInt64 = 0x0903_0308_0106_0109
  private static let keepalivePing: UInt64 = 0x6461_7461_7379_6e63

  // MARK: - Timers

  func startTimers() {
    touchClock()
    lastRead = now
    timers[.handshake] = now + options.handshakeTimeout
    timers[.settings] = now + options.settingsTimeout
    timers[.keepalive] = now + options.keepaliveTime
    if let age = options.maxConnectionAge {
      timers[.age] = now + .nanoseconds(Int64(Double(age.nanoseconds) * .random(in: 0.9...1.1)))
    }
    if let idle = options.maxConnectionIdle { timers[.idle] = now + idle }
    armTimer()
  }

  /// One timer of the loop for all; one that fires too early costs a look.
  func armTimer() {
    guard let context, let next = timers.next else { return }
    if let timerDeadline, timerDeadline <= next { return }
    timer?.cancel()
    timerDeadline = next
    timer = try? context.eventLoop.assumeIsolated().scheduleCallback(at: next, handler: self)
  }

  func cancelTimer() {
    timer?.cancel()
    timer = nil
    timerDeadline = nil
    timers = ConnectionTimers()
  }

  /// Fires all timers that are due, sets the next one and sends what they led to.
  package func handleScheduledCallback(eventLoop: some EventLoop) {
    timer = nil
    timerDeadline = nil
    touchClock()
    while let due = timers.due(now) { fired(due) }
    armTimer()
    pump()
  }

  private func fired(_ timer: ConnectionTimers.Timer) {
    switch timer {
    case .handshake:
      limitReached(.handshakeTime)
      closeNow()
    case .settings:
      shutDown(.settingsTimeout, .settingsTime)
    case .header:
      shutDown(.enhanceYourCalm, .headerTime)
    case .keepalive:
      keepaliveFired()
    case .keepaliveAck:
      keepaliveAckFired()
    case .idle:
      if streams.isEmpty { beginDrain(reason: Limit.idleTime.rawValue, grace: nil) }
    case .age:
      beginDrain(reason: Limit.ageTime.rawValue, grace: options.maxConnectionAgeGrace)
    case .grace:
      if let delegate { delegate.graceEnded() } else { closeNow() }
    case .drainPing:
      finishDrain()
    case .linger:
      closeNow()
    case .sweep:
      sweep()
    }
  }

  private func limitReached(_ limit: Limit) {
    options.limitObserver?.limitReached(limit)
  }

  private func keepaliveFired() {
    let due = lastRead + options.keepaliveTime
    guard due <= now else {
      timers[.keepalive] = due
      return
    }
    traffic.keepalivesSent += 1
    submitPing(Self.keepalivePing)
    timers[.keepaliveAck] = now + options.keepaliveTimeout
  }

  /// Whatever came since the ping shows that the peer is there.
  private func keepaliveAckFired() {
    guard now - lastRead >= options.keepaliveTimeout else {
      timers[.keepalive] = lastRead + options.keepaliveTime
      return
    }
    limitReached(.keepaliveTime)
    closeNow()
  }

  /// Called after each read: a header list that has begun has to end in time.
  func watchHeaderTime() {
    guard pendingHeaders != nil else {
      timers[.header] = nil
      return
    }
    guard timers[.header] == nil else { return }
    timers[.header] = now + options.headerTimeout
    armTimer()
  }

  private func submitPing(_ payload: UInt64) {
    withUnsafeBytes(of: payload) { bytes in
      _ = nghttp2_submit_ping(session, 0, bytes.bindMemory(to: UInt8.self).baseAddress)
    }
    schedulePump()
  }

  func pingAcknowledged(_ payload: UInt64) {
    switch payload {
    case Self.drainPing:
      finishDrain()
    case Self.keepalivePing:
      timers[.keepaliveAck] = nil
      timers[.keepalive] = now + options.keepaliveTime
      armTimer()
    default:
      break
    }
  }

  // MARK: - Progress

  private var sweepInterval: TimeAmount {
    let shortest = min(options.bodyIdleTimeout, options.writeTimeout)
    return .nanoseconds(max(1_000_000, shortest.nanoseconds / 4))
  }

  /// A stream waits for the peer, to send or to take: from now on someone looks at the clock.
  func progressAwaited() {
    guard timers[.sweep] == nil, isActive else { return }
    timers[.sweep] = now + sweepInterval
    armTimer()
  }

  private func sweep() {
    var isAwaiting = false
    for stream in streams {
      if stream.awaitsWindow {
        isAwaiting = true
        if now - stream.lastWrite > options.writeTimeout {
          limitReached(.writeTime)
          stream.reset(.cancel)
        }
      } else if stream.awaitsBytes, !stream.isRemoteEnded {
        isAwaiting = true
        if now - stream.lastRead > options.bodyIdleTimeout {
          limitReached(.bodyTime)
          stream.reset(.cancel)
        }
      }
    }
    if !isChannelWritable {
      isAwaiting = true
      // The socket takes nothing, so that not even a reset would arrive.
      if now - lastFlush > options.writeTimeout {
        limitReached(.writeTime)
        closeNow()
        return
      }
    }
    if isAwaiting { timers[.sweep] = now + sweepInterval }
  }

  // MARK: - The end

  /// Serves what runs and what is under way, and nothing new, then closes.
  ///
  /// - Parameters:
  ///   - grace: For calls that run; nil: as long as they take.
  ///   - endsCalls: False: the caller ends them after the grace.
  package func beginDrain(reason: String, grace: TimeAmount?, endsCalls: Bool = true) {
    guard isActive, case .serving = drain else { return }
    drain = .noticed(reason: reason)
    touchClock()
    if let grace, endsCalls { timers[.grace] = now + grace }
    delegate?.drainStarted(timeLeft: grace ?? .hours(24 * 365))
    if role == .client {
      drain = .final
      pump()
      return
    }
    submitSettings()
    nghttp2_submit_shutdown_notice(session)
    timers[.drainPing] = now + options.drainPingTimeout
    armTimer()
    schedulePump()
  }

  /// Asks whether the peer has read the notice. Only now: the library sends pings ahead of all else.
  func noticeSent() {
    guard case .noticed = drain else { return }
    submitPing(Self.drainPing)
  }

  private func finishDrain() {
    guard case .noticed(let reason) = drain, isActive else { return }
    drain = .final
    timers[.drainPing] = nil
    submitGoAway(.noError, reason)
    schedulePump()
  }

  private func submitGoAway(_ code: HTTP2ErrorCode, _ debug: String) {
    submitSettings()
    var debug = debug
    debug.withUTF8 { bytes in
      _ = nghttp2_submit_goaway(
        session, 0, nghttp2_session_get_last_proc_stream_id(session), code.rawValue,
        bytes.baseAddress, bytes.count)
    }
  }

  /// Called when the last stream has gone.
  func streamsEnded() {
    if let idle = options.maxConnectionIdle, isActive {
      timers[.idle] = now + idle
      armTimer()
    }
  }

  /// Ends the connection for what the peer did, telling it why.
  func shutDown(_ code: HTTP2ErrorCode, _ limit: Limit?) {
    guard isActive else { return }
    if let limit { limitReached(limit) }
    submitGoAway(code, limit?.debugText ?? "")
    pump()
    closeGently()
  }

  /// Ends the connection now, with a GOAWAY that says why.
  package func close(_ code: HTTP2ErrorCode = .noError, reason: String = "") {
    guard isActive else { return }
    submitGoAway(code, reason)
    pump()
    closeGently()
  }

  func closeIfDone() {
    guard let session, !isClosing else { return }
    if violation != nil {
      let (limit, code) = violation ?? (nil, .internalError)
      violation = nil
      shutDown(code, limit)
      return
    }
    let wantsWrite = nghttp2_session_want_write(session) != 0
    if wantsWrite { return }
    if nghttp2_session_want_read(session) == 0 || (drain == .final && streams.isEmpty) {
      closeGently()
    }
  }

  /// Sends FIN and waits for the peer's, for a little: closing with unread bytes would become a TCP
  /// reset, which takes what was sent along.
  func closeGently() {
    guard !isClosing, let context else { return }
    isClosing = true
    timers = ConnectionTimers()
    timers[.linger] = context.eventLoop.now + options.lingerTimeout
    armTimer()
    let done = context.eventLoop.makePromise(of: Void.self)
    done.futureResult.assumeIsolated().whenFailure { [self] _ in closeNow() }
    context.close(mode: .output, promise: done)
  }

  func closeNow() {
    isClosing = true
    context?.close(promise: nil)
  }
}
