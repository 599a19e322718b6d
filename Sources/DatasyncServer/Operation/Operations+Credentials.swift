import DatasyncAccess
import DatasyncMessages
import DatasyncModel
import DatasyncRPC

// Who asks, and whether it still may.
extension Operations {
  private var access: AccessControl? { loop.requests.access }
  /// Whether it is known who asks, or nobody wants to know.
  var isIdentified: Bool { access == nil || caller.identity != nil }

  /// By what the call itself shows.
  ///
  /// - Throws: UNAUTHENTICATED; where nothing was shown and something must be, CREDENTIALS_REQUIRED.
  func identify(_ call: ServerCall) throws(CredentialFault) {
    guard let access else { return }
    take(try access.credential(of: call, log: loop.log), access)
  }

  /// By a token that was shown within a session; an empty one: by the certificate, or nobody.
  func identify(
    byToken token: String, _ peer: Peer
  ) throws(CredentialFault) {
    guard let access else { return }
    do throws(CredentialFault) {
      take(try access.credential(token: token, certificate: peer.certificateNames), access)
    } catch {
      loop.log.credentialsRefused(error.kind.rawValue, because: error.cause)
      throw error
    }
  }

  private func take(_ credential: Credential, _ access: AccessControl) {
    caller.identity = Caller.Identity(credential, access.rights(of: credential.principal))
  }

  /// Whether a request may begin now.
  ///
  /// - Throws: UNAUTHENTICATED.
  func checkCredentials() throws(DatasyncError) {
    guard let access else { return }
    guard let credential = caller.credential else {
      throw CredentialFault(.required, "").error
    }
    if let expiresAt = credential.expiresAt, expiresAt <= WallClock.now {
      throw CredentialFault(.expired, "").error
    }
    guard caller.rights?.version != access.version else { return }
    do throws(CredentialFault) {
      take(try access.judgedAnew(credential), access)
    } catch {
      throw error.error
    }
  }
}

extension Operations {
  /// The access file has changed, or one that it names.
  ///
  /// - Throws: ``CredentialFault`` `expired` or `revoked`.
  func judgeAnew() throws(CredentialFault) {
    guard let access, let credential = caller.credential else { return }
    // A request may have brought the new rights; what was begun before it has the old ones.
    if caller.rights?.version != access.version {
      take(try access.judgedAnew(credential), access)
    }
    guard let rights = caller.rights else { return }
    for subscription in subscriptions where !subscription.keeps(rights) {
      subscription.rightsChanged(to: rights)
    }
    for (id, request) in running {
      guard case .longPoll(let poll) = request, poll.subscription?.keeps(rights) == false
      else { continue }
      poll.cancel()
      finish(id, error: .viewChanged)
    }
  }

  func endSubscriptions(_ error: DatasyncError) {
    for subscription in subscriptions { subscription.end(error) }
    for (id, request) in running {
      guard case .longPoll(let poll) = request else { continue }
      poll.cancel()
      finish(id, error: error)
    }
  }

  /// Subscriptions see what the new rights show from now on; a Changes that waits ends where that is another.
  func rightsChanged() {
    for subscription in subscriptions { subscription.rightsChanged(to: caller.rights) }
    for (id, request) in running {
      guard case .longPoll(let poll) = request, !poll.admits(caller.rights) else { continue }
      poll.cancel()
      finish(id, error: .viewChanged)
    }
  }
}

extension Subscription {
  /// Takes rights that show it what the old ones did.
  ///
  /// - Returns: Whether they do.
  func keeps(_ rights: Rights) -> Bool {
    guard let old = plan.rights else { return false }
    let tables = view.table.map { table in
      loop.catalog.table(id: table.id).map { [$0] } ?? []
    }
    let isSame = rights.readSame(as: old, of: tables ?? loop.catalog.tables)
    guard isSame || FaultSwitch.isOn(.staleRules) else { return false }
    plan.rights = rights
    if holder != nil { useRights(rights) }
    release(.access)
    return true
  }
}

extension Peer {
  /// Those of the client's certificate; nil: it has shown none.
  var certificateNames: CertificateNames? {
    certificate.map {
      CertificateNames(
        uris: $0.uris, dnsNames: $0.dnsNames, emails: $0.emails, commonNames: $0.commonNames,
        expiresAt: $0.expiresAt)
    }
  }
}
