import Crypto
import CryptoExtras
import DatasyncAccess
import DatasyncModel
import Testing

@Suite struct CredentialTests {
  private let issuer = TestIssuer.shared
  private let now = TestIssuer.now

  private func kind(
    _ authorization: [String], _ certificate: CertificateNames? = nil,
    _ verifier: CredentialVerifier
  ) -> CredentialFault.Kind? {
    do throws(CredentialFault) {
      _ = try verifier.credential(
        authorization: authorization, certificate: certificate, now: now)
      return nil
    } catch {
      return error.kind
    }
  }

  @Test func `a token of the file is looked for first`() throws {
    let verifier = try issuer.verifier()
    for scheme in ["Bearer", "bearer", "BEARER "] {
      let credential = try verifier.credential(
        authorization: ["\(scheme) \(TestIssuer.token)"], certificate: nil, now: now)
      #expect(
        credential.principal
          == Principal(id: "alice", roles: ["staff", "admin"], groups: ["team"]))
      #expect(credential.expiresAt == nil)
      let gone = try issuer.verifier(files: try issuer.files(tokens: "# none"))
      let fault = #expect(throws: CredentialFault.self) {
        try gone.judgedAnew(credential, now: now)
      }
      #expect(fault?.kind == .revoked)
    }
  }

  @Test func `what is there and unusable is never passed over`() throws {
    let verifier = try issuer.verifier()
    let certificate = CertificateNames(uris: ["spiffe://shop/ops"])
    let good = "Bearer \(TestIssuer.token)"
    for wrong in [
      ["Basic YTpi"], [""], ["Bearer"], ["Bearer "], ["Bearer x"], [good, good], [good, "Basic x"],
      ["\(good),\(good)"], ["Bearer\t\(TestIssuer.token)"],
    ] {
      #expect(kind(wrong, certificate, verifier) == .invalid, "\(wrong)")
      #expect(kind(wrong, nil, verifier) == .invalid, "\(wrong)")
    }
    for wrong in [
      CertificateNames(), CertificateNames(uris: ["a", "b"]), CertificateNames(uris: [""]),
      CertificateNames(uris: ["a\u{7}"]), CertificateNames(dnsNames: ["a"]),
    ] {
      #expect(kind([], wrong, verifier) == .invalid)
      #expect(kind([good], wrong, verifier) == nil, "the bearer comes first")
    }
  }

  @Test func `a certificate names the principal until its end`() throws {
    let verifier = try issuer.verifier()
    var names = CertificateNames(uris: ["spiffe://shop/ops"], expiresAt: now + 1)
    let credential = try verifier.credential(authorization: [], certificate: names, now: now)
    #expect(credential.principal == Principal(id: "spiffe://shop/ops", roles: ["admin"]))
    #expect(credential.expiresAt == now + 1)
    names.expiresAt = now
    #expect(kind([], names, verifier) == .expired)
    let other = try issuer.verifier(
      Shop.text.replacing("certificates: san-uri", with: "certificates: common-name"))
    names = CertificateNames(uris: ["x"], commonNames: ["device 7"])
    #expect(
      try other.credential(authorization: [], certificate: names, now: now).principal.id
        == "device 7")
    let none = try issuer.verifier(Shop.text.replacing("  certificates: san-uri\n", with: ""))
    #expect(
      try none.credential(authorization: [], certificate: names, now: now).principal.id == nil)
    let fault = #expect(throws: CredentialFault.self) {
      try none.judgedAnew(credential, now: now)
    }
    #expect(fault?.kind == .revoked)
  }

  @Test func `nobody is served without credentials but where the file says so`() throws {
    let verifier = try issuer.verifier()
    let anonymous = try verifier.credential(authorization: [], certificate: nil, now: now)
    #expect(anonymous.principal == Principal(roles: ["guest", "no"]))
    let closed = try issuer.verifier(
      Shop.text.replacing("anonymous: { roles: [guest, no] }\n", with: ""))
    #expect(kind([], nil, closed) == .required)
    let fault = #expect(throws: CredentialFault.self) {
      try closed.judgedAnew(anonymous, now: now)
    }
    #expect(fault?.kind == .revoked)
  }

  @Test func `changed files are taken whole or not at all`() throws {
    var files = try issuer.files()
    var state = try AccessState(
      path: "/etc/shop/access.yml", contents: Shop.contents(files), catalog: Shop.catalog)
    func look() -> String {
      let reload = state.reload(Shop.contents(files), catalog: Shop.catalog)
      return
        (reload.faults.map(\.description)
        + (reload.isChanged ? ["reloaded"] : reload.faults.isEmpty ? ["unchanged"] : []))
        .joined(separator: "; ")
    }
    #expect(look() == "unchanged")
    files["/etc/shop/keys.json"] = Array("{".utf8)
    #expect(look().hasPrefix("/etc/shop/keys.json: found neither"))
    #expect(look() == "unchanged")
    let token = try issuer.token(header: #"{"alg":"ES256"}"#, claims: TestIssuer.claims(), .es256)
    #expect(
      try state.verifier.credential(bearer: token, now: now).principal.id == "b:alice",
      "the old keys stay")
    files["/etc/shop/keys.json"] = Array(try issuer.jwks(es256: false).utf8)
    #expect(look() == "reloaded")
    #expect(throws: CredentialFault.self) {
      try state.verifier.credential(bearer: token, now: now)
    }
    files["/etc/shop/access.yml"] = Array(Shop.text.replacing("@old.owner", with: "@old.x").utf8)
    #expect(look().contains("todo_items.update.after: at "))
    #expect(state.file.operators == "admin")
    files["/etc/shop/access.yml"] = Array(Shop.text.replacing("operators: admin", with: "").utf8)
    #expect(look() == "reloaded")
    #expect(state.file.operators == nil)
    files["/etc/shop/tokens.txt"] = nil
    #expect(look() == "/etc/shop/tokens.txt: there is no such file")
    #expect(try state.verifier.credential(bearer: TestIssuer.token, now: now).principal.id != nil)
    // A slip in one file keeps no token of another alive.
    files["/etc/shop/access.yml"] = Array("tabels: {}".utf8)
    files["/etc/shop/tokens.txt"] = Array("# none".utf8)
    let both = look()
    #expect(both.contains("did you mean 'tables'?") && both.hasSuffix("; reloaded"), "\(both)")
    #expect(throws: CredentialFault.self) {
      try state.verifier.credential(bearer: TestIssuer.token, now: now)
    }
  }

  /// Neither the new access file nor the new keys are of use without the other.
  @Test func `files that change together fit together`() throws {
    var files = try issuer.files()
    files["/etc/shop/keys.json"] = Array(issuer.rsa.publicKey.pemRepresentation.utf8)
    files["/etc/shop/access.yml"] = Array(
      Shop.text.replacing("[RS256, ES256, EdDSA]", with: "[RS256]").utf8)
    var state = try AccessState(
      path: "/etc/shop/access.yml", contents: Shop.contents(files), catalog: Shop.catalog)
    files["/etc/shop/new.pem"] = Array(issuer.p256.publicKey.pemRepresentation.utf8)
    files["/etc/shop/access.yml"] = Array(
      Shop.text.replacing("[RS256, ES256, EdDSA]", with: "[ES256]")
        .replacing("keys.json", with: "new.pem").utf8)
    let reload = state.reload(Shop.contents(files), catalog: Shop.catalog)
    #expect(reload.isChanged && reload.faults.isEmpty, "\(reload.faults)")
  }
}
