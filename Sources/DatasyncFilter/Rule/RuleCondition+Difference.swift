import DatasyncModel

/// For which rows a rule may say something else than it did. A value.
package enum RuleDifference: Sendable {
  case none
  /// Those that fulfil the filter, and no other.
  case rows(Filter)
  /// Any of them.
  case all
}

extension RuleCondition {
  /// The rows of which it may say something else once sets have other values: those that have one of the values
  /// that came or went.
  ///
  /// - Parameters:
  ///   - old: By name, as for ``binding(_:terms:)``.
  ///   - new: Likewise.
  package func difference(
    from old: [String: OperandSet], to new: [String: OperandSet]
  ) -> RuleDifference {
    var changed: [String: OperandSet] = [:]
    for name in memberships {
      let values = (old[name] ?? OperandSet([])).difference(from: new[name] ?? OperandSet([]))
      if !values.isEmpty { changed[name] = values }
    }
    guard !changed.isEmpty else { return .none }
    var terms: [Expression] = []
    var isAll = false
    tree.forEach { expression in
      switch expression.kind {
      case .memberOf(let operand, let set, let domain):
        guard let values = changed[set.name] else { return }
        // What no column decides is the same for every row.
        guard !operand.columns.isEmpty else { return isAll = true }
        terms.append(
          Expression(
            kind: .memberOf(operand, MemberSet(name: set.name, values: values), domain),
            type: .bool, position: expression.position))
      default: break
      }
    }
    guard !isAll, !terms.isEmpty, !readsOldRow else { return .all }
    let tree = terms.count == 1 ? terms[0] : Expression(kind: .or(terms), type: .bool, position: 1)
    return .rows(
      Filter(
        text: text, tree: tree,
        fields: tree.columns.sorted().map { (rule.table.columns[$0].name, $0) },
        table: rule.table))
  }
}

extension OperandSet {
  /// The values that are in one of the two alone.
  package func difference(from other: OperandSet) -> OperandSet {
    OperandSet(
      elements.filter { !other.contains($0) } + other.elements.filter { !contains($0) })
  }
}
