import DatasyncAccess
import DatasyncFilter
import DatasyncModel

extension Rights {
  /// Whether others read the same of some tables: the same rules, and the same of what those use of the
  /// principal. Sets that belong to it count as other.
  func readSame(as other: Rights, of tables: [Table]) -> Bool {
    tables.allSatisfy { table in
      switch (try? of(table).folded, try? other.of(table).folded) {
      case (nil, nil): return true
      case (nil, _), (_, nil): return false
      case (let own?, let others?):
        return own.viewTexts == others.viewTexts
          && principal.isSame(as: other.principal, in: own.viewUse)
      }
    }
  }
}

extension Principal {
  fileprivate func isSame(as other: Principal, in use: PrincipalUse) -> Bool {
    guard use.memberships.isEmpty else { return false }
    return (!use.id || id == other.id) && (!use.roles || roles == other.roles)
      && (!use.groups || groups == other.groups)
      && use.claims.allSatisfy { claims[$0] == other.claims[$0] }
  }
}
