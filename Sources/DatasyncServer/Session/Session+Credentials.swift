import DatasyncAccess
import DatasyncMessages
import DatasyncModel
import DatasyncRPC
import NIOCore

// What a session's caller has shown, until when, and what comes of it. Source: the contract's
// AuthenticateRequest and Notice.
extension Session {
  /// By what the call shows. One that shows nothing where something must be may still say who it is.
  ///
  /// - Returns: Whether the session goes on.
  func identify() -> Bool {
    do throws(CredentialFault) {
      try operations.identify(call)
      credentialsTaken()
    } catch  where error.kind == .required {
      schedule(in: loop.options.authenticationTimeout) { $0.endUnauthenticated(.required) }
    } catch {
      let status = Status(error.error, encoder: loop.encoder)
      // The call is being made: its handler is not known yet.
      schedule(in: .zero) { $0.end(status) }
      return false
    }
    do throws(DatasyncError) {
      try count()
    } catch {
      loop.note(error)
      let status = Status(error, encoder: loop.encoder)
      schedule(in: .zero) { $0.end(status) }
      return false
    }
    return true
  }

  /// Counts the session by its address and by whom it is of now.
  ///
  /// - Throws: RESOURCE_EXHAUSTED; it is counted as before then.
  private func count() throws(DatasyncError) {
    let address = call.peer.address
    try count(
      .address, address.lastIndex(of: ":").map { address[..<$0] },
      max: loop.options.maxSessionsPerAddress)
    try count(
      .principal, operations.caller.credential?.principal.id.map { $0[...] },
      max: loop.options.maxSessionsPerPrincipal)
  }

  private func count(
    _ kind: SessionCounts.Kind, _ name: Substring?, max: Int
  ) throws(DatasyncError) {
    let key = max > 0 ? name.map { SessionCounts.Key(kind, $0) } : nil
    let old = countedBy[kind]
    guard key != old else { return }
    if let key { try loop.sessionCounts.admit(key, max: max) }
    if let old { loop.sessionCounts.leave(old) }
    countedBy[kind] = key
  }

  /// Bad credentials are an error of that request alone, and everything goes on with the old ones.
  func authenticate(_ token: String, id: UInt64) {
    guard loop.requests.access != nil else {
      return finish(
        id,
        error: .unimplemented(
          "this server takes no credentials: it has no access file; leave `authenticate` out"))
    }
    let caller = operations.caller
    do throws(CredentialFault) {
      try operations.identify(byToken: token, call.peer)
    } catch {
      return finish(id, error: error.error)
    }
    do throws(DatasyncError) {
      try count()
    } catch {
      operations.caller = caller
      return finish(id, error: error)
    }
    answer(
      id,
      .authenticate(
        principal: operations.caller.principal,
        expiresAt: operations.caller.credential?.expiresAt))
    credentialsTaken()
    operations.rightsChanged()
  }

  // MARK: - Time

  private func credentialsTaken() {
    credentialTimer?.cancel()
    credentialTimer = nil
    isRevoked = false
    guard let left = timeLeft else { return }
    let warning = min(loop.options.credentialsWarning, .microseconds(left / 10))
    guard warning > .zero else { return schedule(in: .microseconds(left)) { $0.expire() } }
    schedule(in: .microseconds(left) - warning) { $0.warn() }
  }

  /// In microseconds; nil: the credentials do not end.
  private var timeLeft: Int64? {
    operations.caller.credential?.expiresAt.map { max(0, $0 - WallClock.now) }
  }

  private func warn() {
    guard let left = timeLeft else { return }
    if left > 0 {
      loop.encoder.session(
        notice: NoticeReply(kind: .credentialsExpiring, timeLeft: left * 1000), write)
    }
    schedule(in: .microseconds(left)) { $0.expire() }
  }

  private func expire() {
    // The clock may have been set meanwhile, and its seconds may be longer than the timer's.
    if let left = timeLeft, left > 0 { return schedule(in: .microseconds(left)) { $0.expire() } }
    operations.endSubscriptions(CredentialFault(.expired, "").error)
    schedule(in: loop.options.credentialsGrace) { $0.endUnauthenticated(.expired) }
  }

  /// As at expiry, but for the reason.
  private func revoke(_ fault: CredentialFault) {
    loop.log.credentialsRefused(fault.kind.rawValue, because: fault.cause)
    isRevoked = true
    credentialTimer?.cancel()
    operations.endSubscriptions(fault.error)
    schedule(in: loop.options.credentialsGrace) { $0.endUnauthenticated(fault.kind) }
  }

  private func endUnauthenticated(_ kind: CredentialFault.Kind) {
    end(Status(CredentialFault(kind, "").error, encoder: loop.encoder))
  }

  private func schedule(in time: TimeAmount, _ body: @escaping (Session) -> Void) {
    let bound = NIOLoopBound((session: self, body: body), eventLoop: loop.eventLoop)
    credentialTimer = loop.eventLoop.scheduleTask(in: time) {
      let (session, body) = bound.value
      if !session.isEnded { body(session) }
    }
  }
}

extension Session: CredentialHolder {
  func accessChanged() {
    // What has expired ends by its time.
    guard !isEnded, operations.caller.identity != nil, timeLeft != 0 else { return }
    do throws(CredentialFault) {
      try operations.judgeAnew()
      if isRevoked { credentialsTaken() }
    } catch {
      if error.kind == .revoked, !isRevoked { revoke(error) }
    }
  }
}
