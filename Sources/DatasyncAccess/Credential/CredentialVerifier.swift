import DatasyncFilter
import DatasyncModel

/// Says who a caller is by what it shows. A value: made of the access file and of the files that it
/// names, as they were at one moment; another one is made when they change.
///
/// Cost: a hash, and for a JWT one or more signatures, some hundred microseconds each; on whatever
/// thread asks.
package struct CredentialVerifier: Sendable {
  private struct Issuer: Sendable {
    let issuer: AccessFile.Issuer
    let keys: KeySet
  }

  package let file: AccessFile
  private let issuers: [Issuer]
  private let tokens: TokenFile

  /// - Throws: The first fault of a file that the access file names.
  package init(file: AccessFile, contents: FileContents) throws(AccessFault) {
    self.file = file
    var issuers: [Issuer] = []
    for issuer in file.issuers {
      let path = file.path(of: issuer.keys.path)
      let keys: KeySet
      switch issuer.keys {
      case .secret:
        let bytes = try contents.bytes(of: path, place: "")
        keys = try KeySet(secret: bytes, path: path)
      case .publicKeys:
        keys = try KeySet(parsing: try contents.text(of: path, place: ""), path: path)
      }
      guard
        issuer.algorithms.contains(where: { algorithm in
          keys.keys.contains { $0.algorithm == algorithm }
        })
      else {
        throw AccessFault(
          file: file.path, place: issuer.place, line: issuer.line,
          "\(issuer.keys.path) has no key for any of its algorithms")
      }
      issuers.append(Issuer(issuer: issuer, keys: keys))
    }
    self.issuers = issuers
    if let path = file.tokens.map(file.path(of:)) {
      tokens = try TokenFile(parsing: try contents.text(of: path, place: ""), path: path)
    } else {
      tokens = TokenFile()
    }
  }

  // MARK: - Showing

  /// Who calls: by the bearer of the call, else by the client certificate, else nobody by name. What is
  /// there and unusable is refused, whatever comes after it.
  ///
  /// - Parameters:
  ///   - authorization: The values of the header `authorization`, as they came.
  ///   - certificate: nil: the client showed none.
  ///   - now: Microseconds since 1970.
  /// - Throws: ``CredentialFault`` `required`, `invalid` or `expired`.
  package func credential(
    authorization: [String], certificate: CertificateNames?, now: Int64
  ) throws(CredentialFault) -> Credential {
    guard let value = authorization.first else {
      return try credential(certificate: certificate, now: now)
    }
    guard authorization.count == 1 else { throw .invalid("authorization stands there twice") }
    let words = value.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard words[0].lowercased() == "bearer" else {
      throw .invalid("authorization has another scheme than Bearer")
    }
    guard words.count == 2 else { throw .invalid("authorization has no token") }
    return try credential(bearer: String(words[1].drop { $0 == " " }), now: now)
  }

  /// By the token alone, as `authenticate` shows it; an empty one is refused here.
  package func credential(bearer: String, now: Int64) throws(CredentialFault) -> Credential {
    guard !bearer.isEmpty else { throw .invalid("the token is empty") }
    guard bearer.utf8.count <= JWT.maxBytes else {
      throw .invalid("the token has more than \(JWT.maxBytes) bytes")
    }
    let hash = AccessToken.hash(of: bearer)
    if let principal = tokens.principal(hash: hash) {
      return Credential(
        principal: file.withRoles(principal), expiresAt: nil, evidence: .token(hash: hash))
    }
    return try jwt(bearer, now: now)
  }

  /// By the certificate, or where there is none, or none is asked for, anonymously.
  package func credential(
    certificate: CertificateNames?, now: Int64
  ) throws(CredentialFault) -> Credential {
    guard let kind = file.certificates, let certificate else {
      guard let anonymous = file.anonymous else {
        throw CredentialFault(.required, "no credentials were shown")
      }
      return Credential(principal: anonymous, expiresAt: nil, evidence: .none)
    }
    let names = certificate.names(kind)
    guard names.count == 1 else {
      throw .invalid("the certificate has \(names.count) names of the kind \(kind.rawValue)")
    }
    try CredentialVerifier.checkID(names[0])
    try CredentialVerifier.checkExpiry(certificate.expiresAt, now: now)
    return Credential(
      principal: file.withRoles(Principal(id: names[0])), expiresAt: certificate.expiresAt,
      evidence: .certificate(certificate))
  }

  /// Credentials in use, judged by the files as they are now.
  ///
  /// - Throws: `expired`; `revoked` where they would not be taken any more.
  package func judgedAnew(
    _ credential: Credential, now: Int64
  ) throws(CredentialFault) -> Credential {
    do throws(CredentialFault) {
      switch credential.evidence {
      case .none: return try self.credential(certificate: nil, now: now)
      case .certificate(let names):
        guard file.certificates != nil else { throw .invalid("certificates are not asked for") }
        return try self.credential(certificate: names, now: now)
      case .jwt(let text): return try jwt(text, now: now)
      case .token(let hash):
        guard let principal = tokens.principal(hash: hash) else {
          throw .invalid("the token's line is gone")
        }
        return Credential(
          principal: file.withRoles(principal), expiresAt: nil, evidence: credential.evidence)
      }
    } catch {
      guard error.kind == .invalid || error.kind == .required else { throw error }
      throw CredentialFault(.revoked, error.cause)
    }
  }

  // MARK: - JWT

  private func jwt(_ text: String, now: Int64) throws(CredentialFault) -> Credential {
    guard !issuers.isEmpty else { throw .invalid("the token is unknown") }
    let token = try JWT(parsing: text)
    guard let name = try token.text("iss") else { throw .invalid("iss is missing") }
    let known = issuers.filter { $0.issuer.issuer.isSame(as: name) }
    guard !known.isEmpty else { throw .invalid("the issuer is unknown") }
    var fitting: Issuer?
    for candidate in known where fitting == nil {
      if try token.isFor(candidate.issuer.audience) { fitting = candidate }
    }
    guard let fitting else { throw .invalid("the token is for another audience") }
    let issuer = fitting.issuer
    guard issuer.algorithms.contains(token.algorithm) else {
      throw .invalid("the issuer does not sign with \(token.algorithm.rawValue)")
    }
    let keys = fitting.keys.candidates(id: token.keyID, algorithm: token.algorithm)
    guard !keys.isEmpty else { throw .invalid("no key of the issuer fits the token's kid and alg") }
    guard keys.contains(where: { $0.isValid(token.signature, of: token.message) }) else {
      throw .invalid("the signature is wrong")
    }
    let principal = try principal(of: token, issuer)
    let expiry = try times(of: token, leeway: issuer.leeway, now: now)
    return Credential(
      principal: file.withRoles(principal), expiresAt: expiry, evidence: .jwt(text))
  }

  private func principal(
    of token: JWT, _ issuer: AccessFile.Issuer
  ) throws(CredentialFault) -> Principal {
    guard let id = try token.text(issuer.idClaim), !id.isEmpty else {
      throw .invalid("\(issuer.idClaim.shortened) is missing or empty")
    }
    // What names the principal may be another claim; `sub` is a text all the same.
    _ = try token.text("sub")
    try CredentialVerifier.checkID(issuer.prefix + id)
    var principal = Principal(id: issuer.prefix + id)
    principal.roles = try token.names(issuer.rolesClaim)
    principal.groups = try token.names(issuer.groupsClaim)
    for (name, type) in file.claims {
      guard let value = token.claims[name] else { continue }
      guard let value = value.value(as: type) else {
        throw .invalid("\(name) is of another type than the access file says")
      }
      principal.claims[name] = value
    }
    return principal
  }

  /// - Returns: When it expires.
  private func times(
    of token: JWT, leeway: Int64, now: Int64
  ) throws(CredentialFault) -> Int64 {
    let (expiry, start, issued) = (
      try token.moment("exp"), try token.moment("nbf"), try token.moment("iat")
    )
    guard let expiry else { throw .invalid("exp is missing") }
    if let start, start > now + leeway { throw .invalid("the token is not valid yet") }
    if let issued, issued > now + leeway { throw .invalid("the token is issued in the future") }
    try CredentialVerifier.checkExpiry(expiry, now: now)
    return expiry
  }

  private static func checkExpiry(_ expiry: Int64?, now: Int64) throws(CredentialFault) {
    if let expiry, expiry <= now { throw CredentialFault(.expired, "they have expired") }
  }

  private static func checkID(_ id: String) throws(CredentialFault) {
    if let fault = KeyText.fault(in: id) {
      throw .invalid("the principal's id: \(fault.replacingKey(by: "an id"))")
    }
  }
}

extension JSONValue {
  /// nil where it is of another type.
  fileprivate func value(as type: ExpressionType) -> Value? {
    switch (self, type) {
    case (.string(let text), .string): text.utf8.contains(0) ? nil : .string(text)
    case (.bool(let value), .bool): .bool(value)
    case (.number(let text), .int64): Int64(text).map { .int64($0) }
    case (.number(let text), .double):
      Double(text).flatMap { $0.isFinite ? .double($0) : nil }
    default: nil
    }
  }
}
