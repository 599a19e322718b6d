package import DatasyncFilter
package import DatasyncModel

/// The access file as it is written: credentials, roles, rules; checked against no table yet. A value.
///
/// Source: the example in the documentation, "Access".
package struct AccessFile: Sendable {
  /// A rule's text, and where it stands.
  package struct RuleText: Hashable, Sendable {
    package let text: String
    let place: String
    let line: Int?
  }

  /// Whose tokens are taken.
  package struct Issuer: Hashable, Sendable {
    package var issuer: String
    package var audience: String
    /// Relative paths are from the access file's folder.
    package var keys: KeySource
    package var algorithms: Set<SigningAlgorithm>
    /// The claim that names the principal.
    package var idClaim = "sub"
    /// Stands before every id.
    package var prefix = ""
    package var rolesClaim = "roles"
    package var groupsClaim = "groups"
    /// For nbf and iat, in microseconds.
    package var leeway: Int64 = 30_000_000
    let place: String
    let line: Int?
  }

  package enum KeySource: Hashable, Sendable {
    case publicKeys(String)
    case secret(String)

    package var path: String {
      switch self {
      case .publicKeys(let path), .secret(let path): path
      }
    }
  }

  /// Which name of a client's certificate is the principal's id.
  package enum CertificateName: String, CaseIterable, Sendable {
    case sanURI = "san-uri"
    case sanDNS = "san-dns"
    case sanEmail = "san-email"
    case commonName = "common-name"
  }

  package struct Membership: Hashable, Sendable {
    package let name: String
    package let table: String
    package let value: String
    package let rule: RuleText
    let place: String
    let line: Int?
  }

  package struct TableEntry: Sendable {
    package var read: RuleText?
    package var create: RuleText?
    package var before: RuleText?
    package var after: RuleText?
    package var delete: RuleText?
    package var set: [(column: String, value: RuleText)] = []
    package var hide: [(column: String, rule: RuleText)] = []
    let place: String
    let line: Int?
  }

  /// As it was given.
  package let path: String
  package internal(set) var issuers: [Issuer] = []
  /// The token file.
  package internal(set) var tokens: String?
  package internal(set) var certificates: CertificateName?
  /// Roles by the bytes of the ids that have them, however those are shown.
  var rolesByID: [[UInt8]: Set<String>] = [:]
  /// Who asks without credentials; nil: nobody may.
  package internal(set) var anonymous: Principal?
  /// By name: `.string`, `.int64`, `.double` or `.bool`.
  package internal(set) var claims: [String: ExpressionType] = [:]
  /// In the file's order: a later one may use those before it.
  package internal(set) var memberships: [Membership] = []
  package internal(set) var tables: [String: TableEntry] = [:]
  /// Of tables that are not named.
  package internal(set) var otherTables: TableEntry?
  /// The role of those who may call operators' services; nil: nobody.
  package internal(set) var operators: String?

  /// Whether nobody can ask anything, with credentials or without.
  package var admitsNobody: Bool {
    issuers.isEmpty && tokens == nil && certificates == nil && anonymous == nil
  }

  /// The files that it names, as ``FileContents`` is asked for them.
  package var otherPaths: [String] {
    (issuers.map(\.keys.path) + (tokens.map { [$0] } ?? [])).map { path(of: $0) }
  }

  /// The principal with the roles that the file gives to its id.
  package func withRoles(_ principal: Principal) -> Principal {
    guard let id = principal.id, let roles = rolesByID[Array(id.utf8)] else { return principal }
    var principal = principal
    principal.roles.formUnion(roles)
    return principal
  }

  /// A path that the file names, from its own folder.
  func path(of name: String) -> String {
    guard !name.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return name }
    return String(path[...slash]) + name
  }

  /// Larger ones are refused unread.
  package static let maxBytes = 1 << 20
}
