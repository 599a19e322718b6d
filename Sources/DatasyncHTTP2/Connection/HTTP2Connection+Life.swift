package import NIOCore

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
    guard let context, let next = timers.nextToArm else { return }
    timers.callback?.cancel()
    timers.callback = try? context.eventLoop.assumeIsolated().scheduleCallback(
      at: next, handler: self)
    timers.armedFor = next
  }

  func cancelTimer() {
    timers.callback?.cancel()
    timers = ConnectionTimers()
  }

  /// Fires all timers that are due, sets the next one and sends what they led to.
  package func handleScheduledCallback(eventLoop: some EventLoop) {
    timers.fired()
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
      if roster.open.isEmpty { beginDrain(reason: Limit.idleTime.rawValue, grace: nil) }
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
    session?.submitPing(Self.keepalivePing)
    schedulePump()
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
    guard conduct.pendingHeaders != nil else {
      timers[.header] = nil
      return
    }
    guard timers[.header] == nil else { return }
    timers[.header] = now + options.headerTimeout
    armTimer()
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
    for stream in roster.open {
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
    if !output.isChannelWritable {
      isAwaiting = true
      // The socket takes nothing, so that not even a reset would arrive.
      if now - output.lastFlush > options.writeTimeout {
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
    let next = life.drainAsked(reason: reason)
    guard next != .none else { return }
    touchClock()
    if let grace, endsCalls { timers[.grace] = now + grace }
    delegate?.drainStarted(timeLeft: grace ?? .hours(24 * 365))
    guard next == .sendNotice else { return pump() }
    submitSettings()
    session?.submitShutdownNotice()
    timers[.drainPing] = now + options.drainPingTimeout
    armTimer()
    schedulePump()
  }

  /// A GOAWAY has left.
  func noticeSent() {
    guard life.noticeSent() == .ping else { return }
    session?.submitPing(Self.drainPing)
    schedulePump()
  }

  private func finishDrain() {
    guard case .sendGoAway(let reason) = life.noticeAnswered() else { return }
    timers[.drainPing] = nil
    submitGoAway(.noError, reason)
    schedulePump()
  }

  private func submitGoAway(_ code: HTTP2ErrorCode, _ debug: String) {
    submitSettings()
    session?.submitGoAway(code, debug)
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
    guard let session, life.isActive else { return }
    if conduct.violation != nil { return endForViolation() }
    if session.wantsToSend { return }
    if !session.wantsToRead || (life.isFinal && roster.open.isEmpty) { closeGently() }
  }

  /// Sends FIN and waits for the peer's, for a little: closing with unread bytes would become a TCP
  /// reset, which takes what was sent along.
  func closeGently() {
    guard let context, life.closed() == .linger else { return }
    timers.removeAll()
    timers[.linger] = context.eventLoop.now + options.lingerTimeout
    armTimer()
    let done = context.eventLoop.makePromise(of: Void.self)
    done.futureResult.assumeIsolated().whenFailure { [self] _ in closeNow() }
    context.close(mode: .output, promise: done)
  }

  func closeNow() {
    // A channel that is closed already says so itself.
    _ = life.closed()
    context?.close(promise: nil)
  }
}
