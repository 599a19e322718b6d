import DatasyncHTTP2
package import NIOCore

// How it ends, and when.
extension HTTP1Connection {
  /// Serves what runs and nothing new, then closes.
  ///
  /// - Parameter timeLeft: For what runs.
  package func beginDrain(timeLeft: TimeAmount) {
    guard !isDraining else { return }
    isDraining = true
    isLast = true
    endsBy = nil
    if case .idle = phase { return close() }
    delegate?.drainStarted(timeLeft: timeLeft)
  }

  /// Ends the connection, behind what was written.
  package func close() {
    switch phase {
    case .idle, .serving:
      let stream = stream
      phase = .closing
      if let stream {
        closed(stream, .closed(stream.sending == .finishing ? .noError : .cancel))
      }
      pump()
      closeGently()
    case .closing, .ended: return
    }
  }

  /// Sends FIN behind everything and waits for the client's, for a little: closing with unread bytes would
  /// become a TCP reset, which takes what was sent along.
  func closeGently() {
    inbound = ByteBuffer()
    consumed()
    closeOutput()
  }

  /// Once everything is with the channel.
  func closeOutput() {
    guard let context, !isOutputClosed, outbound.readableBytes == 0 else { return armTimer() }
    isOutputClosed = true
    let done = context.eventLoop.makePromise(of: Void.self)
    done.futureResult.assumeIsolated().whenComplete { [self] result in
      switch result {
      case .success:
        closesBy = context.eventLoop.now + options.lingerTimeout
        armTimer()
      case .failure: context.close(promise: nil)
      }
    }
    context.close(mode: .output, promise: done)
    armTimer()
  }

  // MARK: - Time

  func bytesAwaited() {
    if let context { now = context.eventLoop.now }
    lastRead = now
    armTimer()
  }

  /// What there is to be done at a moment.
  private enum Due {
    case limit(Limit)
    case idle
    case linger
    case age
    case grace
  }

  /// The next moment to look at the connection, and why.
  private var due: (at: NIODeadline, what: Due)? {
    if let closesBy { return (closesBy, .linger) }
    var due: (at: NIODeadline, what: Due)?
    func add(_ at: NIODeadline, _ what: Due) {
      if due.map({ at < $0.at }) ?? true { due = (at, what) }
    }
    if outbound.readableBytes + writtenBytes > 0 {
      add(lastWrite + options.writeTimeout, .limit(.writeTime))
    }
    switch phase {
    case .idle where reader.hasBegun(inbound):
      add(since + options.headerTimeout, .limit(.headerTime))
    case .idle:
      add(since + min(HTTP1Connection.maxIdle, options.maxConnectionIdle ?? .hours(1)), .idle)
    case .serving(let stream) where stream.awaitsBytes && !stream.isRemoteEnded || isWithin(stream):
      add(lastRead + options.bodyIdleTimeout, .limit(.bodyTime))
    case .serving, .closing, .ended: break
    }
    if let endsBy { add(endsBy, .age) }
    if let graceEndsBy { add(graceEndsBy, .grace) }
    return due
  }

  /// Whether an upgraded stream awaits more of a message.
  private func isWithin(_ stream: HTTP1Stream) -> Bool { stream.isUpgraded && stream.awaitsBytes }

  /// One timer for all; one that fires early costs a look.
  func armTimer() {
    guard let context, let due, timer == nil || due.at < armedFor else { return }
    timer?.cancel()
    armedFor = max(due.at, context.eventLoop.now + .milliseconds(1))
    timer = try? context.eventLoop.assumeIsolated().scheduleCallback(at: armedFor, handler: self)
  }
}

extension HTTP1Connection: NIOScheduledCallbackHandler {
  /// A moment has come; what is not over its time is waited for on.
  package func handleScheduledCallback(eventLoop: some EventLoop) {
    timer = nil
    now = eventLoop.now
    guard let due else { return }
    guard due.at <= now else { return armTimer() }
    switch due.what {
    case .limit(let limit):
      options.limitObserver?.limitReached(limit)
      switch limit {
      case .headerTime:
        refuse(HTTP1Fault(408, "The request's head took too long (header_timeout)."))
      case .bodyTime:
        refuse(HTTP1Fault(408, "The request's body took too long (body_idle_timeout)."))
      default: context?.close(promise: nil)
      }
    case .idle: close()
    case .linger: context?.close(promise: nil)
    case .age:
      options.limitObserver?.limitReached(.ageTime)
      graceEndsBy = options.maxConnectionAgeGrace.map { now + $0 }
      beginDrain(timeLeft: options.maxConnectionAgeGrace ?? .hours(24 * 365))
      armTimer()
    case .grace:
      graceEndsBy = nil
      delegate?.graceEnded()
      armTimer()
    }
  }
}
