import DatasyncAccess
import DatasyncFilter
import DatasyncModel

extension Rights {
  /// Whether others read the same of some tables: the same rules, and the same of what those use of the
  /// principal and of the rows that make up its sets.
  func readSame(as other: Rights, of tables: [Table]) -> Bool {
    tables.allSatisfy { table in
      switch (try? of(table).folded, try? other.of(table).folded) {
      case (nil, nil): return true
      case (nil, _), (_, nil): return false
      case (let own?, let others?):
        return own.viewTexts == others.viewTexts
          && principal.isSame(as: other.principal, in: own.viewUse)
          && hasSameSets(as: other, own.viewUse.memberships)
      }
    }
  }

  /// Whether sets are made up by the same rows.
  private func hasSameSets(as other: Rights, _ names: Set<String>) -> Bool {
    guard !names.isEmpty else { return true }
    let (own, others) = (rules.memberships(for: names), other.rules.memberships(for: names))
    return own.elementsEqual(others) { own, others in
      own.name == others.name && own.table.id == others.table.id && own.column == others.column
        && own.rule.text == others.rule.text
        && principal.isSame(as: other.principal, in: own.rule.use)
    }
  }
}

extension Principal {
  fileprivate func isSame(as other: Principal, in use: PrincipalUse) -> Bool {
    (!use.id || id == other.id) && (!use.roles || roles == other.roles)
      && (!use.groups || groups == other.groups)
      && use.claims.allSatisfy { claims[$0] == other.claims[$0] }
  }
}
