package import DatasyncFilter
package import DatasyncModel

/// What an operator should know of rules that are in order. A value.
package struct AccessReport: Sendable {
  /// For people, one remark each.
  package let lines: [String]

  package init(rules: AccessRules, catalog: Catalog) {
    var lines: [String] = []
    var used: Set<String> = []
    var claims: Set<String> = []
    for table in catalog.tables {
      guard let rule = rules.rules(of: table) else {
        if rules.fault(of: table) == nil {
          lines.append("\(table.name): no rules; it exists for nobody")
        }
        continue
      }
      let all = rule.all
      for part in all {
        used.formUnion(part.use.memberships)
        claims.formUnion(part.use.claims)
      }
      for (_, value) in rule.set { claims.formUnion(value.use.claims) }
      let missing = rule.missing
      if missing.count == 4 {
        lines.append("\(table.name): no rules; it exists for nobody")
      } else if !missing.isEmpty {
        lines.append(
          "\(table.name): no rule for \(missing.joined(separator: ", ")); nobody may do that")
      }
    }
    if rules.file.admitsNobody {
      lines.append("no credentials, and no anonymous callers: nobody is admitted")
    }
    let needed = rules.memberships(for: used)
    for set in needed { claims.formUnion(set.rule.use.claims) }
    for entry in rules.file.memberships where !needed.contains(where: { $0.name == entry.name }) {
      lines.append("memberships.\(entry.name): no rule uses it")
    }
    for name in rules.file.claims.keys.sorted() where !claims.contains(name) {
      lines.append("claims.\(name): no rule uses it")
    }
    self.lines = lines
  }
}

extension TableRules {
  /// Those that are conditions.
  package var all: [Rule] {
    [read, create, before, after, delete].compactMap { $0 } + hide.map(\.rule)
  }

  /// The operations that nobody may do.
  fileprivate var missing: [String] {
    [
      read == nil ? "read" : nil, create == nil ? "create" : nil, before == nil ? "update" : nil,
      delete == nil ? "delete" : nil,
    ].compactMap { $0 }
  }
}
