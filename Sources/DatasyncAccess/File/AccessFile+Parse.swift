import DatasyncFilter
import DatasyncModel

extension AccessFile {
  /// - Parameters:
  ///   - text: What stands in the file.
  ///   - path: Stands in faults; paths in the file are relative to its folder.
  package init(parsing text: String, path: String) throws(AccessFault) {
    guard text.utf8.count <= AccessFile.maxBytes else {
      throw AccessFault(file: path, "it has more than \(AccessFile.maxBytes) bytes")
    }
    self.path = path
    let root = try YAMLReader.root(of: text, file: path)
    let fields = try root.fields([
      "credentials", "roles", "anonymous", "claims", "memberships", "tables", "operators",
    ])
    if let credentials = fields["credentials"] { try readCredentials(credentials) }
    if let roles = fields["roles"] { try readRoles(roles) }
    if let anonymous = fields["anonymous"] { try readAnonymous(anonymous) }
    if let claims = fields["claims"] { try readClaims(claims) }
    if let memberships = fields["memberships"] { try readMemberships(memberships) }
    guard let tables = fields["tables"] else {
      throw AccessFault(file: path, place: "tables", "it is missing; without it no table exists")
    }
    try readTables(tables)
    operators = try fields["operators"]?.text()
  }

  /// What stands in a file.
  package init(reading path: String, contents: FileContents) throws(AccessFault) {
    try self.init(parsing: try contents.text(of: path, place: ""), path: path)
  }

  // MARK: - Credentials

  private mutating func readCredentials(_ reader: YAMLReader) throws(AccessFault) {
    let fields = try reader.fields(["jwt", "tokens", "certificates"])
    for entry in try fields["jwt"]?.list() ?? [] {
      let issuer = try AccessFile.issuer(entry)
      guard
        !issuers.contains(where: {
          $0.issuer == issuer.issuer && $0.audience == issuer.audience
        })
      else { throw entry.fault("the same issuer and audience stand there twice") }
      issuers.append(issuer)
    }
    tokens = try fields["tokens"]?.text()
    if let certificates = fields["certificates"] {
      let word = try certificates.text()
      guard let name = CertificateName(rawValue: word) else {
        let known = CertificateName.allCases.map(\.rawValue).joined(separator: ", ")
        throw certificates.fault("found '\(word.shortened)'; expected one of \(known)")
      }
      self.certificates = name
    }
  }

  private static func issuer(_ reader: YAMLReader) throws(AccessFault) -> Issuer {
    let fields = try reader.fields([
      "issuer", "audience", "keys", "secret", "algorithms", "id", "prefix", "roles", "groups",
      "leeway",
    ])
    func needed(_ key: String) throws(AccessFault) -> YAMLReader {
      guard let field = fields[key] else { throw reader.fault("\(key) is missing") }
      return field
    }
    let source: KeySource
    switch (fields["keys"], fields["secret"]) {
    case (let keys?, nil): source = .publicKeys(try keys.text())
    case (nil, let secret?): source = .secret(try secret.text())
    case (nil, nil): throw reader.fault("keys is missing, or secret for HS256")
    case (_?, let secret?): throw secret.fault("keys and secret exclude each other")
    }
    var issuer = Issuer(
      issuer: try needed("issuer").text(), audience: try needed("audience").text(), keys: source,
      algorithms: try algorithms(try needed("algorithms"), source), place: reader.place,
      line: reader.line)
    if let id = fields["id"] { issuer.idClaim = try id.text() }
    if let prefix = fields["prefix"] { issuer.prefix = try prefix.text() }
    if let roles = fields["roles"] { issuer.rolesClaim = try roles.text() }
    if let groups = fields["groups"] { issuer.groupsClaim = try groups.text() }
    if let leeway = fields["leeway"] { issuer.leeway = try seconds(leeway) }
    if KeyText.fault(in: issuer.prefix + "x") != nil {
      throw reader.fault("the prefix makes ids longer than 255 bytes, or has control characters")
    }
    return issuer
  }

  private static func algorithms(
    _ reader: YAMLReader, _ source: KeySource
  ) throws(AccessFault) -> Set<SigningAlgorithm> {
    var algorithms: Set<SigningAlgorithm> = []
    for element in try reader.list() {
      let word = try element.text()
      guard let algorithm = SigningAlgorithm(rawValue: word) else {
        let known = SigningAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
        throw element.fault("found '\(word.shortened)'; expected one of \(known)")
      }
      guard algorithms.insert(algorithm).inserted else {
        throw element.fault("\(word) stands there twice")
      }
      // A public key is no secret: whoever has it could sign with it.
      switch (algorithm, source) {
      case (.hs256, .publicKeys): throw element.fault("HS256 needs secret instead of keys")
      case (.rs256, .secret), (.es256, .secret), (.edDSA, .secret):
        throw element.fault("\(word) needs keys instead of secret")
      case (.hs256, .secret), (_, .publicKeys): break
      }
    }
    guard !algorithms.isEmpty else { throw reader.fault("it names no algorithm") }
    return algorithms
  }

  /// `30s`, `2m`, `500ms`, up to an hour; in microseconds.
  private static func seconds(_ reader: YAMLReader) throws(AccessFault) -> Int64 {
    let text = try reader.text()
    let units: [(String, Int64)] = [("ms", 1000), ("s", 1_000_000), ("m", 60_000_000)]
    for (unit, size) in units where text.hasSuffix(unit) {
      let digits = text.dropLast(unit.utf8.count)
      guard !digits.isEmpty, digits.utf8.count <= 7,
        digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int64(digits)
      else { continue }
      guard count * size <= 3_600_000_000 else { throw reader.fault("it is more than an hour") }
      return count * size
    }
    throw reader.fault("found '\(text.shortened)'; expected a time such as 30s")
  }

  // MARK: - Principals

  private mutating func readRoles(_ reader: YAMLReader) throws(AccessFault) {
    for (role, ids) in try reader.entries() {
      try AccessFile.checkName(role, ids)
      for element in try ids.list() {
        let id = try element.text()
        if let fault = KeyText.fault(in: id) {
          throw element.fault(fault.replacingKey(by: "an id"))
        }
        guard rolesByID[Array(id.utf8), default: []].insert(role).inserted else {
          throw element.fault("'\(id)' stands there twice")
        }
      }
    }
  }

  private mutating func readAnonymous(_ reader: YAMLReader) throws(AccessFault) {
    let fields = try reader.fields(["roles", "groups"])
    let roles = try fields["roles"]?.texts() ?? []
    let groups = try fields["groups"]?.texts() ?? []
    anonymous = Principal(roles: Set(roles), groups: Set(groups))
  }

  private mutating func readClaims(_ reader: YAMLReader) throws(AccessFault) {
    let types: [String: ExpressionType] = [
      "string": .string, "int64": .int64, "double": .double, "bool": .bool,
    ]
    for (name, value) in try reader.entries() {
      try AccessFile.checkWord(name, value)
      let word = try value.text()
      guard let type = types[word] else {
        throw value.fault(
          "found '\(word.shortened)'; expected one of string, int64, double, bool")
      }
      claims[name] = type
    }
  }

  private mutating func readMemberships(_ reader: YAMLReader) throws(AccessFault) {
    for (name, value) in try reader.entries() {
      try AccessFile.checkWord(name, value)
      guard !["id", "roles", "groups", "claims"].contains(name) else {
        throw value.fault("@principal.\(name) has a meaning already")
      }
      let fields = try value.fields(["table", "value", "where"])
      func needed(_ key: String) throws(AccessFault) -> YAMLReader {
        guard let field = fields[key] else { throw value.fault("\(key) is missing") }
        return field
      }
      memberships.append(
        Membership(
          name: name, table: try needed("table").text(), value: try needed("value").text(),
          rule: try AccessFile.rule(try needed("where")), place: value.place, line: value.line))
    }
  }

  /// One that rules can spell.
  private static func checkWord(_ name: String, _ reader: YAMLReader) throws(AccessFault) {
    guard FieldNames.isIdentifier(name), name.utf8.count <= 64 else {
      throw reader.fault("a name has 1 to 64 letters, digits and _, and begins with no digit")
    }
  }

  private static func checkName(_ name: String, _ reader: YAMLReader) throws(AccessFault) {
    if let fault = KeyText.fault(in: name) { throw reader.fault(fault.replacingKey(by: "a role")) }
  }

  // MARK: - Tables

  private mutating func readTables(_ reader: YAMLReader) throws(AccessFault) {
    for (name, value) in try reader.entries() {
      let entry = try AccessFile.table(value.called(name))
      if name == "*" { otherTables = entry } else { tables[name] = entry }
    }
  }

  private static func table(_ reader: YAMLReader) throws(AccessFault) -> TableEntry {
    let fields = try reader.fields(["read", "create", "update", "delete", "set", "hide"])
    var entry = TableEntry(place: reader.place, line: reader.line)
    entry.read = try ruleIfAny(fields["read"])
    entry.create = try ruleIfAny(fields["create"])
    entry.delete = try ruleIfAny(fields["delete"])
    if let update = fields["update"] {
      guard update.isMap else {
        entry.before = try rule(update)
        entry.after = entry.before
        return try entry.with(fields)
      }
      let both = try update.fields(["before", "after"])
      guard let before = both["before"], let after = both["after"] else {
        throw update.fault("it needs both before and after, or one rule for both")
      }
      entry.before = try rule(before)
      entry.after = try rule(after)
    }
    return try entry.with(fields)
  }

  private static func ruleIfAny(_ reader: YAMLReader?) throws(AccessFault) -> RuleText? {
    guard let reader else { return nil }
    return try rule(reader)
  }

  fileprivate static func rule(_ reader: YAMLReader) throws(AccessFault) -> RuleText {
    RuleText(text: try reader.text(), place: reader.place, line: reader.line)
  }
}

extension AccessFile.TableEntry {
  fileprivate func with(_ fields: [String: YAMLReader]) throws(AccessFault) -> Self {
    var entry = self
    for (column, value) in try fields["set"]?.entries() ?? [] {
      entry.set.append((column, try AccessFile.rule(value)))
    }
    for (column, value) in try fields["hide"]?.entries() ?? [] {
      entry.hide.append((column, try AccessFile.rule(value)))
    }
    return entry
  }
}

extension String {
  /// A fault of a key's text, told of something else that obeys the same rule.
  func replacingKey(by noun: String) -> String {
    hasPrefix("a key") ? noun + dropFirst(5) : self
  }
}
