import DatasyncAccess
import DatasyncModel
import Testing

@Suite struct AccessFileTests {
  @Test func `a whole file is read`() throws {
    let file = try Shop.file()
    #expect(file.issuers.map(\.issuer) == ["https://id.example.com", "https://other.example.com"])
    #expect(file.issuers[0].algorithms == [.rs256, .es256, .edDSA])
    #expect(file.issuers[0].leeway == 30_000_000)
    #expect(file.issuers[1].leeway == 500_000)
    #expect(file.issuers[1].idClaim == "user")
    #expect(file.certificates == .sanURI)
    // YAML takes a plain no for false; here it is a role.
    #expect(file.anonymous?.roles == ["guest", "no"])
    #expect(file.memberships.map(\.name) == ["teams", "lists"])
    #expect(file.tables.keys.sorted() == ["notes", "todo_items"])
    #expect(file.otherTables?.read?.text == "true")
    #expect(file.operators == "admin")
    #expect(
      file.otherPaths == ["/etc/shop/keys.json", "/etc/shop/secret", "/etc/shop/tokens.txt"])
  }

  private static let tables = "tables: { todo_items: { read: 'true' } }\n"

  private static func jwt(_ fields: String) -> String {
    "credentials:\n  jwt:\n    - {\(fields)}\n" + tables
  }

  private static let issuer = "issuer: a, audience: b, keys: k, algorithms: [RS256]"

  /// A file, the place that is named, its line where it is known, and a part of the reason.
  @Test(
    arguments: [
      ("", "", nil, "it is empty"),
      ("a: [", "", 2, "no YAML"),
      ("tables:\n\t- x", "", 2, "no YAML"),
      ("--- {}\n--- {}", "", 2, "no YAML"),
      ("- tables", "", 1, "found a list; expected a map"),
      ("tabels: {}", "tabels", 1, "did you mean 'tables'?"),
      ("roles: {}", "tables", nil, "it is missing"),
      (tables + "tables: {}", "", 1, "'tables' stands there more than once"),
      ("tables: { a: &x { read: 'true' } }", "tables.a", 1, "anchors"),
      ("tables: { a: &x { read: 'true' }, b: *x }", "tables.a", 1, "anchors"),
      ("tables: { a: { read: !!str 'true' }, <<: {} }", "tables.<<", 1, "merging"),
      ("tables: !map {}", "tables", 1, "tags"),
      (tables + "credentials: { jwts: [] }", "credentials.jwts", 2, "did you mean 'jwt'?"),
      (tables + "credentials: { jwt: {} }", "credentials.jwt", 2, "found a map; expected a list"),
      (
        jwt("audience: b, keys: k, algorithms: [RS256]"), "credentials.jwt[0]", 3,
        "issuer is missing"
      ),
      (
        jwt("issuer: a, keys: k, algorithms: [RS256]"), "credentials.jwt[0]", 3,
        "audience is missing"
      ),
      (
        jwt("issuer: a, audience: b, algorithms: [RS256]"), "credentials.jwt[0]", 3,
        "keys is missing"
      ),
      (jwt("issuer: a, audience: b, keys: k"), "credentials.jwt[0]", 3, "algorithms is missing"),
      (jwt("\(issuer), secret: s"), "credentials.jwt[0].secret", 3, "exclude each other"),
      (
        jwt("issuer: a, audience: b, keys: k, algorithms: [none]"),
        "credentials.jwt[0].algorithms[0]", 3, "expected one of RS256, ES256, EdDSA, HS256"
      ),
      (
        jwt("issuer: a, audience: b, keys: k, algorithms: [HS256]"),
        "credentials.jwt[0].algorithms[0]", 3, "HS256 needs secret"
      ),
      (
        jwt("issuer: a, audience: b, secret: k, algorithms: [HS256, RS256]"),
        "credentials.jwt[0].algorithms[1]", 3, "RS256 needs keys"
      ),
      (
        jwt("issuer: a, audience: b, keys: k, algorithms: []"), "credentials.jwt[0].algorithms", 3,
        "it names no algorithm"
      ),
      (
        jwt("issuer: a, audience: b, keys: k, algorithms: [ES256, ES256]"),
        "credentials.jwt[0].algorithms[1]", 3, "stands there twice"
      ),
      (
        jwt("issuer: a, audience: b, keys: k, algorithms: RS256"), "credentials.jwt[0].algorithms",
        3, "expected a list"
      ),
      (jwt("\(issuer), leeway: 30"), "credentials.jwt[0].leeway", 3, "expected a time such as 30s"),
      (jwt("\(issuer), leeway: 2000m"), "credentials.jwt[0].leeway", 3, "more than an hour"),
      (jwt("\(issuer), id: [sub]"), "credentials.jwt[0].id", 3, "expected a text"),
      (jwt("\(issuer), id: ''"), "credentials.jwt[0].id", 3, "expected a text"),
      (jwt("\(issuer), prefix: \"\\x01\""), "credentials.jwt[0]", 3, "control characters"),
      (
        "credentials:\n  jwt:\n    - {\(issuer)}\n    - {\(issuer)}\n" + tables,
        "credentials.jwt[1]", 4, "the same issuer and audience"
      ),
      (
        tables + "credentials: { certificates: san }", "credentials.certificates", 2,
        "san-uri, san-dns"
      ),
      (tables + "roles: { admin: alice }", "roles.admin", 2, "found 'alice'; expected a list"),
      (tables + "roles: { admin: [alice, alice] }", "roles.admin[1]", 2, "stands there twice"),
      (tables + "roles: { admin: [~] }", "roles.admin[0]", 2, "found nothing; expected a text"),
      (tables + "anonymous: { role: [x] }", "anonymous.role", 2, "did you mean 'roles'?"),
      (tables + "claims: { tenant: text }", "claims.tenant", 2, "expected one of string, int64"),
      (tables + "claims: { 'a b': string }", "claims.a b", 2, "letters, digits and _"),
      (tables + "memberships: { id: {} }", "memberships.id", 2, "has a meaning already"),
      (
        tables + "memberships: { m: { table: t, value: v } }", "memberships.m", 2,
        "where is missing"
      ),
      ("tables: { t: { reed: 'true' } }", "t.reed", 1, "did you mean 'read'?"),
      ("tables: { t: { read: } }", "t.read", 1, "found nothing; expected a text"),
      ("tables: { t: { read: [a] } }", "t.read", 1, "found a list; expected a text"),
      (
        "tables: { t: { update: { before: 'true' } } }", "t.update", 1,
        "needs both before and after"
      ),
      (
        "tables: { t: { update: { befor: 'true' } } }", "t.update.befor", 1,
        "did you mean 'before'?"
      ),
      ("tables: { t: { set: owner } }", "t.set", 1, "found 'owner'; expected a map"),
      ("tables: { t: {}, 't': {} }", "", 1, "more than once"),
      ("tables: { 1: {}, '1': {} }", "tables.1", 1, "more than once"),
      (tables + "operators: [admin]", "operators", 2, "expected a text"),
    ] as [(String, String, Int?, String)])
  func `a wrong file is refused with place and reason`(
    _ text: String, _ place: String, _ line: Int?, _ reason: String
  ) throws {
    let fault = #expect(throws: AccessFault.self, "\(text)") { try Shop.file(text) }
    guard let fault else { return }
    #expect(fault.file == "/etc/shop/access.yml")
    #expect(fault.place == place, "\(fault)")
    #expect(fault.line == line, "\(fault)")
    #expect(fault.reason.contains(reason), "\(fault)")
  }

  @Test(arguments: [
    ("x alice", 1, "no SHA-256"),
    ("# fine\n\n" + String(repeating: "a", count: 64), 3, "a line has a hash"),
    (String(repeating: "a", count: 64) + " alice r,,s", 1, "one comma between"),
    (String(repeating: "a", count: 64) + " alice - - -", 1, "a line has a hash"),
    (
      "\(String(repeating: "a", count: 64)) alice\n\(String(repeating: "A", count: 64)) bob", 2,
      "stands there twice"
    ),
  ])
  func `a wrong token file is refused with the line`(
    _ text: String, _ line: Int, _ reason: String
  ) throws {
    let fault = #expect(throws: AccessFault.self) { try TokenFile(parsing: text, path: "tokens") }
    #expect(fault?.line == line)
    #expect(fault?.reason.contains(reason) == true, "\(String(describing: fault))")
  }

  @Test func `the line of a token is read as it was meant`() throws {
    let token = AccessToken.make()
    #expect(token != AccessToken.make())
    let hash = AccessToken.hash(of: token)
    #expect(
      AccessToken.hash(of: "abc")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    for (roles, groups) in [([], []), (["r"], []), ([], ["g", "h"]), (["r", "s"], ["g"])] {
      let line = TokenFile.line(hash: hash, id: "alice", roles: roles, groups: groups)
      let file = try TokenFile(parsing: "# tokens\n\(line)\n", path: "tokens")
      #expect(
        file.principal(hash: hash)
          == Principal(id: "alice", roles: Set(roles), groups: Set(groups)))
    }
  }
}
