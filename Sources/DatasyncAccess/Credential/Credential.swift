package import DatasyncModel

/// Who a caller has shown itself to be, until when, and by what. A value.
package struct Credential: Sendable {
  package let principal: Principal
  /// Microseconds since 1970: from then on it is expired; nil: it does not expire.
  package let expiresAt: Int64?
  let evidence: Evidence

  /// What was shown: enough to judge it anew after a file has changed.
  enum Evidence: Sendable {
    case none
    /// A token of the token file, by its hash.
    case token(hash: String)
    case jwt(String)
    case certificate(CertificateNames)
  }
}

extension Credential: CustomStringConvertible {
  /// For logs: without what was shown.
  package var description: String {
    let source =
      switch evidence {
      case .none: "anonymous"
      case .token: "token"
      case .jwt: "jwt"
      case .certificate: "certificate"
      }
    return principal.id.map { "\(source) \($0.shortened)" } ?? source
  }
}

/// The names in a client certificate that TLS has verified. A value.
package struct CertificateNames: Hashable, Sendable {
  package var uris: [String]
  package var dnsNames: [String]
  package var emails: [String]
  package var commonNames: [String]
  /// Its end, microseconds since 1970.
  package var expiresAt: Int64?

  package init(
    uris: [String] = [], dnsNames: [String] = [], emails: [String] = [],
    commonNames: [String] = [], expiresAt: Int64? = nil
  ) {
    self.uris = uris
    self.dnsNames = dnsNames
    self.emails = emails
    self.commonNames = commonNames
    self.expiresAt = expiresAt
  }

  func names(_ kind: AccessFile.CertificateName) -> [String] {
    switch kind {
    case .sanURI: uris
    case .sanDNS: dnsNames
    case .sanEmail: emails
    case .commonName: commonNames
    }
  }
}

/// Why credentials are not taken. A value.
package struct CredentialFault: Error, Hashable {
  package enum Kind: String, Sendable {
    /// None were shown, and nobody is served without.
    case required = "CREDENTIALS_REQUIRED"
    case invalid = "CREDENTIALS_INVALID"
    case expired = "CREDENTIALS_EXPIRED"
    /// They were in order, and their key, token or issuer is gone.
    case revoked = "CREDENTIALS_REVOKED"
  }

  package let kind: Kind
  /// For the log alone; holds nothing of what was shown.
  package let cause: String

  package init(_ kind: Kind, _ cause: String) {
    self.kind = kind
    self.cause = cause
  }

  static func invalid(_ cause: String) -> CredentialFault { CredentialFault(.invalid, cause) }

  /// As the caller gets it: UNAUTHENTICATED, with one message for all that is invalid.
  package var error: DatasyncError {
    let message =
      switch kind {
      case .required: "credentials are required"
      case .invalid: "the credentials are not valid"
      case .expired: "the credentials have expired"
      case .revoked: "the credentials have been revoked"
      }
    return DatasyncError(.unauthenticated, reason: kind.rawValue, message)
  }
}
