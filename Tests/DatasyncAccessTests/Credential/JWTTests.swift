import Crypto
import CryptoExtras
import DatasyncAccess
import DatasyncModel
import Testing

@Suite struct JWTTests {
  private let issuer = TestIssuer.shared

  private func shown(
    _ token: String, _ verifier: CredentialVerifier? = nil
  ) throws -> Credential {
    try (verifier ?? issuer.verifier()).credential(
      authorization: ["Bearer \(token)"], certificate: nil, now: TestIssuer.now)
  }

  private func fault(
    _ token: String, _ verifier: CredentialVerifier? = nil,
    at location: SourceLocation = #_sourceLocation
  ) throws -> CredentialFault? {
    let fault = #expect(throws: CredentialFault.self, sourceLocation: location) {
      try shown(token, verifier)
    }
    if let fault, fault.kind == .invalid {
      #expect(fault.error.message == "the credentials are not valid")
      #expect(fault.error.reason == "CREDENTIALS_INVALID")
      #expect(fault.error.code == .unauthenticated)
    }
    return fault
  }

  @Test(arguments: [
    (#"{"alg":"RS256","kid":"r1"}"#, TestIssuer.Signing.rs256),
    (#"{"alg":"ES256","kid":"e1"}"#, .es256), (#"{"alg":"EdDSA","kid":"d1"}"#, .edDSA),
    (#"{"alg":"RS256","typ":"JWT"}"#, .rs256), (#"{"alg":"ES256"}"#, .es256),
  ])
  func `tokens of every algorithm are taken`(
    _ header: String, _ signing: TestIssuer.Signing
  ) throws {
    let credential = try shown(
      try issuer.token(
        header: header,
        claims: TestIssuer.claims(
          #","roles":["r","s"],"groups":"g h","tenant":"t1","level":5,"share":0.5,"vip":true,"#
            + #""other":{"a":[1]}"#),
        signing))
    #expect(
      credential.principal
        == Principal(
          id: "b:alice", roles: ["r", "s"], groups: ["g", "h"],
          claims: [
            "tenant": .string("t1"), "level": .int64(5), "share": .double(0.5), "vip": .bool(true),
          ]))
    #expect(credential.expiresAt == 1_800_000_060_000_000)
    #expect(!credential.description.contains("ey"))
  }

  @Test func `a secret signs where the file says so`() throws {
    let claims =
      #"{"iss":"https://other.example.com","aud":["x","shop"],"user":"bob","scope":"a b","#
      + #""exp":1800000000.5,"nbf":1800000000.25,"iat":1800000000}"#
    let token = try issuer.token(header: #"{"alg":"HS256","kid":"any"}"#, claims: claims, .hs256)
    let credential = try shown(token)
    #expect(credential.principal == Principal(id: "bob", roles: ["a", "b"]))
    #expect(credential.expiresAt == 1_800_000_000_500_000)
  }

  @Test func `roles of the file are added by id`() throws {
    let claims = TestIssuer.claims().replacing("alice", with: "carol")
    let token = try issuer.token(header: #"{"alg":"ES256"}"#, claims: claims, .es256)
    #expect(try shown(token).principal.roles == ["admin"])
  }

  /// A header, how it is signed, and what the log says.
  @Test(arguments: [
    (#"{"alg":"none"}"#, TestIssuer.Signing.none, "alg is missing"),
    (#"{"alg":"None"}"#, .none, "alg is missing"),
    (#"{"typ":"JWT"}"#, .es256, "alg is missing"),
    (#"{"alg":["ES256"]}"#, .es256, "alg is missing"),
    (#"{"alg":"HS256"}"#, .hmacWithPublicKey, "does not sign with HS256"),
    (#"{"alg":"HS256","kid":"r1"}"#, .hmacWithPublicKey, "does not sign with HS256"),
    (#"{"alg":"RS256","kid":"r1"}"#, .hmacWithPublicKey, "the signature is wrong"),
    (#"{"alg":"ES256","kid":"e1"}"#, .other, "the signature is wrong"),
    (#"{"alg":"ES256"}"#, .none, "the signature is wrong"),
    (#"{"alg":"ES256","kid":"r1"}"#, .es256, "no key of the issuer fits"),
    (#"{"alg":"ES256","kid":"e2"}"#, .es256, "no key of the issuer fits"),
    (#"{"alg":"ES256","kid":1}"#, .es256, "kid is no text"),
    (#"{"alg":"ES256","crit":["exp"],"exp":1}"#, .es256, "the token has crit"),
    (#"{"alg":"ES256","crit":[]}"#, .es256, "the token has crit"),
    (#"{"alg":"ES256","alg":"ES256"}"#, .es256, "a name twice"),
    (#"{"alg":"ES256"} "#, .rs256, "the signature is wrong"),
    (#"["ES256"]"#, .es256, "no object"),
    (#"{"alg":"ES256""#, .es256, "no comma"),
  ])
  func `headers that are not in order are refused`(
    _ header: String, _ signing: TestIssuer.Signing, _ cause: String
  ) throws {
    let token = try issuer.token(header: header, claims: TestIssuer.claims(), signing)
    let fault = try fault(token)
    #expect(fault?.kind == .invalid)
    #expect(fault?.cause.contains(cause) == true, "\(String(describing: fault))")
  }

  /// Claims, and what the log says; `expired` is a kind of its own.
  @Test(arguments: [
    (TestIssuer.claims(exp: "1800000000"), "have expired"),
    (TestIssuer.claims(exp: "1799999999.999"), "have expired"),
    (TestIssuer.claims(exp: "-1"), "have expired"),
    (TestIssuer.claims(exp: "\"1800000060\""), "exp is no number"),
    (TestIssuer.claims(exp: "null"), "exp is missing"),
    (TestIssuer.claims(exp: "253402300800"), "years 1 to 9999"),
    (TestIssuer.claims(exp: "1e300"), "years 1 to 9999"),
    (TestIssuer.claims(exp: "1e999"), "exp is no number"),
    (#"{"iss":"https://id.example.com","aud":"shop","sub":"alice"}"#, "exp is missing"),
    (TestIssuer.claims(#","nbf":1800000031"#), "not valid yet"),
    (TestIssuer.claims(#","nbf":"1800000000""#), "nbf is no number"),
    (TestIssuer.claims(#","iat":1800000031"#), "in the future"),
    (TestIssuer.claims(#","iat":true"#), "iat is no number"),
    (TestIssuer.claims(#","exp":1900000000"#), "a name twice"),
    (TestIssuer.claims(#","\u0065xp":1900000000"#), "a name twice"),
    (TestIssuer.claims(#","roles":[1]"#), "roles holds what is no text"),
    (TestIssuer.claims(#","roles":{}"#), "roles is neither"),
    (TestIssuer.claims(#","groups":5"#), "groups is neither"),
    (TestIssuer.claims(#","tenant":5"#), "tenant is of another type"),
    (TestIssuer.claims(#","level":5.5"#), "level is of another type"),
    (TestIssuer.claims(#","level":"5""#), "level is of another type"),
    (TestIssuer.claims(#","vip":1"#), "vip is of another type"),
    (TestIssuer.claims().replacing(#""aud":"shop""#, with: #""aud":"shops""#), "another audience"),
    (TestIssuer.claims().replacing(#""aud":"shop","#, with: ""), "another audience"),
    (TestIssuer.claims().replacing(#""aud":"shop""#, with: #""aud":["shop",1]"#), "aud holds"),
    (TestIssuer.claims().replacing(#""aud":"shop""#, with: #""aud":{}"#), "aud is neither"),
    (TestIssuer.claims().replacing("id.example", with: "ID.example"), "issuer is unknown"),
    (TestIssuer.claims().replacing("id.example", with: "other.example"), "does not sign with"),
    (TestIssuer.claims().replacing(#""iss":"#, with: #""isr":"#), "iss is missing"),
    (TestIssuer.claims().replacing(#""alice""#, with: "5"), "sub is no text"),
    (TestIssuer.claims().replacing(#""alice""#, with: #""""#), "sub is missing or empty"),
    (TestIssuer.claims().replacing("alice", with: #"a\nb"#), "no control characters"),
    (TestIssuer.claims().replacing("alice", with: String(repeating: "a", count: 254)), "255 bytes"),
    (TestIssuer.claims() + "x", "more after the value"),
  ])
  func `claims that are not in order are refused`(_ claims: String, _ cause: String) throws {
    let token = try issuer.token(header: #"{"alg":"ES256"}"#, claims: claims, .es256)
    let fault = try fault(token)
    #expect(fault?.kind == (cause == "have expired" ? .expired : .invalid))
    #expect(fault?.cause.contains(cause) == true, "\(String(describing: fault))")
  }

  @Test func `the last moments are the file's, to the microsecond`() throws {
    let leeway = try issuer.token(
      header: #"{"alg":"ES256"}"#,
      claims: TestIssuer.claims(
        #","nbf":1800000030,"iat":1800000030"#, exp: "1800000000.000001"), .es256)
    #expect(try shown(leeway).expiresAt == TestIssuer.now + 1)
    let end = try issuer.token(
      header: #"{"alg":"ES256"}"#, claims: TestIssuer.claims(exp: "253402300799"), .es256)
    #expect(try shown(end).expiresAt == 253_402_300_799_000_000)
  }

  @Test func `what is malformed or huge is refused`() throws {
    let token = try issuer.token(
      header: #"{"alg":"ES256"}"#, claims: TestIssuer.claims(), .es256)
    let parts = token.split(separator: ".").map(String.init)
    for wrong in [
      "\(parts[0]).\(parts[1])", "\(token).x", token + "=", token + " ", " ",
      "\(parts[0])=.\(parts[1]).\(parts[2])", "..", "x.y.z", String(token.dropLast()),
      "\(parts[0]).\(parts[1]).\(parts[2])\(parts[2])", token + "," + token,
    ] {
      #expect(try fault(wrong)?.kind == .invalid, "\(wrong)")
    }
    let huge = try issuer.token(
      header: #"{"alg":"ES256"}"#,
      claims: TestIssuer.claims(#","x":"\#(String(repeating: "x", count: 12_400))""#), .es256)
    #expect(huge.utf8.count > 16 << 10)
    #expect(try fault(huge)?.cause.contains("16384 bytes") == true)
    #expect(try fault(String(repeating: "[", count: 16_000))?.kind == .invalid)
    let deep = String(repeating: "[", count: 4000) + String(repeating: "]", count: 4000)
    let nested = try issuer.token(
      header: #"{"alg":"ES256"}"#, claims: TestIssuer.claims(#","x":\#(deep)"#), .es256)
    #expect(try fault(nested)?.cause.contains("levels") == true)
  }

  @Test func `a key that is withdrawn revokes what it signed`() throws {
    let token = try issuer.token(header: #"{"alg":"ES256"}"#, claims: TestIssuer.claims(), .es256)
    let credential = try shown(token)
    let same = try issuer.verifier().judgedAnew(credential, now: TestIssuer.now + 1)
    #expect(same.principal == credential.principal)
    let without = try issuer.verifier(files: try issuer.files(es256: false))
    var fault = #expect(throws: CredentialFault.self) {
      try without.judgedAnew(credential, now: TestIssuer.now)
    }
    #expect(fault?.kind == .revoked)
    #expect(fault?.error.reason == "CREDENTIALS_REVOKED")
    fault = #expect(throws: CredentialFault.self) {
      try issuer.verifier().judgedAnew(credential, now: TestIssuer.now + 60_000_000)
    }
    #expect(fault?.kind == .expired)
  }

  @Test func `one PEM key is taken, whatever a token calls it`() throws {
    var files = try issuer.files()
    files["/etc/shop/keys.json"] = Array(issuer.p256.publicKey.pemRepresentation.utf8)
    let token = try issuer.token(
      header: #"{"alg":"ES256","kid":"e1"}"#, claims: TestIssuer.claims(), .es256)
    #expect(try shown(token, try issuer.verifier(files: files)).principal.id == "b:alice")
    files["/etc/shop/keys.json"] = Array(issuer.rsa.publicKey.pemRepresentation.utf8)
    let other = try issuer.verifier(files: files)
    #expect(try fault(token, other)?.cause.contains("no key") == true)
    files["/etc/shop/keys.json"] = Array(issuer.p256.pemRepresentation.utf8)
    #expect(throws: AccessFault.self) { try issuer.verifier(files: files) }
  }

  @Test(arguments: [
    ("{", "neither PEM nor JSON"), ("{}", "a list of keys"), (#"{"keys":[]}"#, "none is of a kind"),
    (#"{"keys":[{"kty":"oct","k":"AA"}]}"#, "none is of a kind"),
    (#"{"keys":[{"kid":"x"}]}"#, "kty is missing"),
    (#"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#, "no EC key"),
    (#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#, "2048 bits"),
    (#"{"keys":[1]}"#, "a key is an object"), (#"{"keys":[],"keys":[]}"#, "a name twice"),
  ])
  func `a wrong key file is refused`(_ text: String, _ reason: String) throws {
    var files = try issuer.files()
    files["/etc/shop/keys.json"] = Array(text.utf8)
    let fault = #expect(throws: AccessFault.self) { try issuer.verifier(files: files) }
    #expect(fault?.file == "/etc/shop/keys.json")
    #expect(fault?.reason.contains(reason) == true, "\(String(describing: fault))")
  }

  /// The key that signed is the last of some that have no names.
  @Test(arguments: [(1, true), (16, true), (17, false)])
  func `a token that names no key is held against sixteen`(_ count: Int, _ isTaken: Bool) throws {
    let others = (1..<count).map { _ in P256.Signing.PrivateKey().publicKey }
    let keys = (others + [issuer.p256.publicKey]).map { key in
      let point = Array(key.rawRepresentation)
      return #"{"kty":"EC","crv":"P-256","x":"\#(Base64.urlText(of: Array(point.prefix(32))))","#
        + #""y":"\#(Base64.urlText(of: Array(point.suffix(32))))"}"#
    }
    var files = try issuer.files()
    files["/etc/shop/keys.json"] = Array(#"{"keys":[\#(keys.joined(separator: ","))]}"#.utf8)
    let verifier = try issuer.verifier(files: files)
    let unnamed = try issuer.token(
      header: #"{"alg":"ES256"}"#, claims: TestIssuer.claims(), .es256)
    if isTaken {
      #expect(try shown(unnamed, verifier).principal.id == "b:alice")
    } else {
      #expect(try fault(unnamed, verifier)?.cause == "the signature is wrong")
    }
    let named = try issuer.token(
      header: #"{"alg":"ES256","kid":"e1"}"#, claims: TestIssuer.claims(), .es256)
    #expect(try fault(named, verifier)?.cause.contains("no key of the issuer") == true)
  }

  @Test func `a secret is long enough, and every file is there`() throws {
    var files = try issuer.files()
    files["/etc/shop/secret"] = Array("short".utf8)
    var fault = #expect(throws: AccessFault.self) { try issuer.verifier(files: files) }
    #expect(fault?.description.contains("/etc/shop/secret: a secret has 32 bytes") == true)
    files["/etc/shop/tokens.txt"] = nil
    files["/etc/shop/secret"] = issuer.secret
    fault = #expect(throws: AccessFault.self) { try issuer.verifier(files: files) }
    #expect(fault?.description == "/etc/shop/tokens.txt: there is no such file")
  }
}
