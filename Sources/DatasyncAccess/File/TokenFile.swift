package import DatasyncModel

/// The token file: lines of `SHA-256-in-hex principal [role,role] [group,group]`, `-` for none, and
/// comments that begin with `#`. A value.
package struct TokenFile: Sendable {
  /// By the hash, in small hexadecimal digits.
  private let principals: [String: Principal]

  package var count: Int { principals.count }

  package init() {
    principals = [:]
  }

  package init(parsing text: String, path: String) throws(AccessFault) {
    var principals: [String: Principal] = [:]
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let content = line.drop { $0 == " " || $0 == "\t" }
      guard !content.isEmpty, content.first != "#" else { continue }
      func fault(_ reason: String) -> AccessFault {
        AccessFault(file: path, line: index + 1, reason)
      }
      let fields = content.split { $0 == " " || $0 == "\t" }.map(String.init)
      guard (2...4).contains(fields.count) else {
        throw fault("a line has a hash, a principal, and where needed roles and groups")
      }
      let hash = fields[0].lowercased()
      guard hash.utf8.count == 64, hash.utf8.allSatisfy(TokenFile.isHexDigit) else {
        throw fault("the first field is no SHA-256 in 64 hexadecimal digits")
      }
      if let reason = KeyText.fault(in: fields[1]) {
        throw fault(reason.replacingKey(by: "an id"))
      }
      let principal = Principal(
        id: fields[1], roles: Set(try TokenFile.names(fields, 2, fault)),
        groups: Set(try TokenFile.names(fields, 3, fault)))
      guard principals.updateValue(principal, forKey: hash) == nil else {
        throw fault("the same hash stands there twice")
      }
    }
    self.principals = principals
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
  }

  private static func names(
    _ fields: [String], _ index: Int, _ fault: (String) -> AccessFault
  ) throws(AccessFault) -> [String] {
    guard index < fields.count, fields[index] != "-" else { return [] }
    let names = fields[index].split(separator: ",", omittingEmptySubsequences: false)
      .map(String.init)
    guard names.allSatisfy({ KeyText.fault(in: $0) == nil }) else {
      throw fault("names stand with one comma between, or - for none")
    }
    return names
  }

  /// Finds a token by its hash.
  ///
  /// Who asks cannot choose the hash, only the token: what the time of a look-up tells of a hash tells
  /// nothing of a token.
  package func principal(hash: String) -> Principal? { principals[hash] }

  /// The line for a token.
  package static func line(
    hash: String, id: String, roles: [String], groups: [String]
  ) -> String {
    var fields = [hash, id]
    if !roles.isEmpty || !groups.isEmpty {
      fields.append(roles.isEmpty ? "-" : roles.joined(separator: ","))
    }
    if !groups.isEmpty { fields.append(groups.joined(separator: ",")) }
    return fields.joined(separator: " ")
  }
}
