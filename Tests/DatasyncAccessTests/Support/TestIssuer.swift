import Crypto
import CryptoExtras
import DatasyncAccess
import DatasyncModel

/// Signs tokens as the issuers of ``Shop/text`` do, and as nobody should.
struct TestIssuer {
  static let now: Int64 = 1_800_000_000_000_000
  static let shared = TestIssuer()

  let rsa: _RSA.Signing.PrivateKey
  let p256 = P256.Signing.PrivateKey()
  let ed25519 = Curve25519.Signing.PrivateKey()
  let secret = Array("0123456789abcdef0123456789abcdef".utf8)
  static let token = "datasync_for-tests"

  private init() {
    guard let key = try? _RSA.Signing.PrivateKey(keySize: .bits2048) else {
      preconditionFailure("no RSA key could be made")
    }
    rsa = key
  }

  enum Signing { case rs256, es256, edDSA, hs256, none, hmacWithPublicKey, other }

  func sign(_ message: String, _ signing: Signing) throws -> [UInt8] {
    let bytes = Array(message.utf8)
    switch signing {
    case .rs256:
      return Array(
        try rsa.signature(for: SHA256.hash(data: bytes), padding: .insecurePKCS1v1_5)
          .rawRepresentation)
    case .es256: return Array(try p256.signature(for: SHA256.hash(data: bytes)).rawRepresentation)
    case .edDSA: return Array(try ed25519.signature(for: bytes))
    case .hs256:
      return Array(
        HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: secret)))
    case .none: return []
    case .hmacWithPublicKey:
      let key = SymmetricKey(data: Array(rsa.publicKey.pemRepresentation.utf8))
      return Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
    case .other:
      return Array(
        try P256.Signing.PrivateKey().signature(for: SHA256.hash(data: bytes)).rawRepresentation)
    }
  }

  func token(header: String, claims: String, _ signing: Signing) throws -> String {
    let message =
      Base64.urlText(of: Array(header.utf8)) + "." + Base64.urlText(of: Array(claims.utf8))
    return message + "." + Base64.urlText(of: Array(try sign(message, signing)))
  }

  /// The claims that the first issuer's tokens have, with others after them.
  static func claims(_ more: String = "", exp: String = "1800000060") -> String {
    #"{"iss":"https://id.example.com","aud":"shop","sub":"alice","exp":\#(exp)\#(more)}"#
  }

  // MARK: - Keys

  func jwks(es256: Bool = true, more: String = "") throws -> String {
    let parts = try rsa.publicKey.getKeyPrimitives()
    let point = Array(p256.publicKey.rawRepresentation)
    var keys = [
      #"{"kty":"RSA","kid":"r1","use":"sig","n":"\#(Base64.urlText(of: Array(parts.modulus)))","#
        + #""e":"\#(Base64.urlText(of: Array(parts.publicExponent)))"}"#,
      #"{"kty":"OKP","crv":"Ed25519","kid":"d1","x":"\#(Base64.urlText(of: Array(ed25519.publicKey.rawRepresentation)))"}"#,
      #"{"kty":"oct","kid":"o1","k":"c2VjcmV0"}"#,
      #"{"kty":"EC","crv":"P-521","kid":"p5","x":"AA","y":"AA"}"#,
      #"{"kty":"future","kid":7.5e0,"x":{}}"#.replacing(#""kid":7.5e0,"#, with: ""),
    ]
    if es256 {
      keys.append(
        #"{"kty":"EC","crv":"P-256","kid":"e1","alg":"ES256","#
          + #""x":"\#(Base64.urlText(of: Array(point.prefix(32))))","#
          + #""y":"\#(Base64.urlText(of: Array(point.suffix(32))))"}"#)
    }
    return #"{"keys":[\#(keys.joined(separator: ","))\#(more)]}"#
  }

  func files(es256: Bool = true, tokens: String? = nil) throws -> [String: [UInt8]] {
    let line = "\(AccessToken.hash(of: TestIssuer.token)) alice staff team"
    return [
      "/etc/shop/access.yml": Array(Shop.text.utf8),
      "/etc/shop/keys.json": Array(try jwks(es256: es256).utf8),
      "/etc/shop/secret": secret,
      "/etc/shop/tokens.txt": Array((tokens ?? line).utf8),
    ]
  }

  func verifier(
    _ text: String = Shop.text, files: [String: [UInt8]]? = nil
  ) throws -> CredentialVerifier {
    try CredentialVerifier(
      file: try Shop.file(text), contents: Shop.contents(try files ?? self.files()))
  }
}
