package import DatasyncAccess
package import DatasyncModel
import Synchronization

/// Who may see and do what on this server: the access file as it is now. Sendable; a lock guards it.
package final class AccessControl: Sendable {
  private let state: Mutex<State>
  let memberships: MembershipCache

  private struct State: Sendable {
    var files: AccessState
    var catalog: Catalog
    /// Rises with every change of the files or the schema.
    var version = 1
  }

  /// - Parameter maxMembershipValues: Of one set that belongs to a principal.
  /// - Throws: The first fault of the access file, of a file that it names or of a rule.
  package init(
    path: String, contents: FileContents, catalog: Catalog, maxMembershipValues: Int = 100_000
  ) throws(AccessFault) {
    let files = try AccessState(path: path, contents: contents, catalog: catalog)
    memberships = MembershipCache(maxValues: maxMembershipValues)
    state = Mutex(State(files: files, catalog: catalog))
  }

  /// Whether client certificates are credentials.
  var takesCertificates: Bool { state.withLock { $0.files.file.certificates != nil } }

  /// Whether the file says of nobody that it may ask anything.
  var admitsNobody: Bool { state.withLock { $0.files.file.admitsNobody } }

  var version: Int { state.withLock { $0.version } }

  /// Whom the values of `authorization` and the certificate of a call name.
  func credential(
    authorization: [String], certificate: CertificateNames?
  ) throws(CredentialFault) -> Credential {
    let verifier = state.withLock { $0.files.verifier }
    return try verifier.credential(
      authorization: authorization, certificate: certificate, now: WallClock.now)
  }

  /// Whom a token names that was shown within a session; an empty one: back to certificate or nobody.
  func credential(
    token: String, certificate: CertificateNames?
  ) throws(CredentialFault) -> Credential {
    let verifier = state.withLock { $0.files.verifier }
    guard !token.isEmpty else {
      return try verifier.credential(certificate: certificate, now: WallClock.now)
    }
    return try verifier.credential(bearer: token, now: WallClock.now)
  }

  /// What is in use, by the files as they are now.
  func judgedAnew(_ credential: Credential) throws(CredentialFault) -> Credential {
    let verifier = state.withLock { $0.files.verifier }
    return try verifier.judgedAnew(credential, now: WallClock.now)
  }

  func rights(of principal: Principal) -> Rights {
    let (rules, version) = state.withLock { ($0.files.rules, $0.version) }
    return Rights(of: principal, by: rules, version: version, memberships)
  }

  /// Whether a principal may call what is for operators.
  package func isOperator(_ principal: Principal) -> Bool {
    state.withLock { $0.files.rules }.isOperator(principal)
  }

  // MARK: - Changes

  /// The files that are looked at.
  var paths: [String] { state.withLock { [$0.files.file.path] + $0.files.file.otherPaths } }

  /// Looks at the files; what one says that cannot be used stays as it was. Waits for the disk, while
  /// nobody waits for it; one call at a time.
  package func reload(_ contents: FileContents) -> AccessState.Reload {
    var (files, catalog) = state.withLock { ($0.files, $0.catalog) }
    let outcome = files.reload(contents, catalog: catalog)
    state.withLock { state in
      // The schema may have changed meanwhile.
      if state.catalog.generation != catalog.generation { files.adapt(to: state.catalog) }
      state.files = files
      if outcome.isChanged { state.version += 1 }
    }
    return outcome
  }

  /// Takes the rules for another schema, before anybody is served by that.
  ///
  /// - Returns: Rules that do not fit it: their tables are refused.
  func adapt(to catalog: Catalog) -> [AccessFault] {
    state.withLock { state in
      guard catalog.generation > state.catalog.generation else { return [] }
      state.catalog = catalog
      state.files.adapt(to: catalog)
      state.version += 1
      return state.files.rules.faults
    }
  }
}
