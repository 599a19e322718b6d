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
    var begins: Set<String> = []
    for name in memberships {
      let (old, new) = (old[name] ?? OperandSet([]), new[name] ?? OperandSet([]))
      let values = old.difference(from: new)
      guard !values.isEmpty else { continue }
      changed[name] = values
      if old.isEmpty || new.isEmpty { begins.insert(name) }
    }
    guard !changed.isEmpty else { return .none }
    return difference(in: changed, begins)
  }

  /// - Parameter begins: Sets that were empty, or are: what is in none is false, and what is null in some other
  ///   set is null, which is not the same under `not`.
  private func difference(in changed: [String: OperandSet], _ begins: Set<String>) -> RuleDifference
  {
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
      case .not(let operand):
        operand.forEach { inner in
          if case .memberOf(_, let set, _) = inner.kind, begins.contains(set.name) { isAll = true }
        }
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
