package import DatasyncFilter
package import DatasyncModel

/// What a principal may do with one row, and why, for the operator. A value.
package struct AccessExplanation: Sendable {
  /// One an operation, and more on what else a caller would meet.
  package private(set) var lines: [String] = []

  private let row: [Value]?
  private let rules: TableRules
  private let rights: TableRights
  private let sets: [String: OperandSet]

  /// - Parameters:
  ///   - row: One value for each of ``Table/columns``; nil: there is no such row, and only what holds of every
  ///     row is said.
  ///   - sets: That belong to the principal, of all memberships that the table's rules need.
  /// - Throws: Where a rule of the table cannot be checked, or takes more than it may.
  package init(
    of principal: Principal, on table: Table, row: [Value]?, sets: [String: OperandSet] = [:],
    by rules: AccessRules
  ) throws(DatasyncError) {
    self.row = row
    self.sets = sets
    rights = try rules.rights(of: principal, on: table)
    self.rules = rules.rules(of: table) ?? TableRules(table: table)
    guard !rights.allowed.isEmpty else {
      lines.append("\(table.name) does not exist for this principal: no rule allows it anything")
      return
    }
    do throws(FilterFault) {
      try explain()
    } catch {
      throw error.error
    }
  }

  private mutating func explain() throws(FilterFault) {
    let read = try verdict(rights.read, rules.read)
    lines.append("read: \(read.text)")
    lines.append("create of such a row: \(try verdict(rights.create, rules.create).text)")
    try add("update of the row as it is", rights.before, rules.before, isSeen: read.holds)
    try add("update to the row as it is", rights.after, rules.after, isSeen: read.holds)
    try add("delete", rights.delete, rules.delete, isSeen: read.holds)
    for column in rights.hidden.sorted() {
      lines.append("hidden: \(rights.table.columns[column].name)")
    }
  }

  private mutating func add(
    _ name: String, _ folded: FoldedRule, _ rule: Rule?, isSeen: Bool?
  ) throws(FilterFault) {
    let verdict = try verdict(folded, rule)
    let isHidden = isSeen == false && verdict.holds == true
    lines.append(
      isHidden
        ? "\(name): no: the row does not exist for who may not read it" : "\(name): \(verdict.text)"
    )
  }

  /// - Returns: nil: that hangs on what is not known here.
  private func verdict(
    _ folded: FoldedRule, _ rule: Rule?
  ) throws(FilterFault) -> (holds: Bool?, text: String) {
    guard let rule else { return (false, "no: there is no rule") }
    switch folded {
    case .always: return (true, "yes: whatever the row, by '\(rule.text)'")
    case .never: return (false, "no: whatever the row, by '\(rule.text)'")
    case .condition(let condition):
      guard let row else { return (nil, "that depends on the row, by '\(rule.text)'") }
      let holds = try condition.binding(sets).holds(for: row, old: row)
      let answer = holds ? "yes: the row fulfils" : "no: the row does not fulfil"
      return (holds, "\(answer) '\(rule.text)'\(members(condition.memberships))")
    }
  }
  /// How many values the sets have that a rule needs.
  private func members(_ names: Set<String>) -> String {
    names.sorted().map { name in
      let count = sets[name]?.count ?? 0
      return "; @principal.\(name) has \(count) value\(count == 1 ? "" : "s")"
    }.joined()
  }
}
