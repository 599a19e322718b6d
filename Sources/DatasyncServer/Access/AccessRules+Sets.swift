package import DatasyncAccess
package import DatasyncFilter
package import DatasyncModel
package import DatasyncStorage

extension AccessRules {
  /// The sets that belong to a principal, and what they are made of.
  ///
  /// - Parameters:
  ///   - names: Of memberships.
  ///   - maxValues: Of one set.
  /// - Throws: RESOURCE_EXHAUSTED, reason MAX_MEMBERSHIP_VALUES; what reading the rows throws.
  package func sets(
    _ names: Set<String>, of principal: Principal, in rows: any RowSource, maxValues: Int = 100_000
  ) throws(DatasyncError) -> [String: OperandSet] {
    try MembershipReader(
      principal: principal, names: names, memberships: memberships(for: names),
      maxValues: maxValues
    ).sets(in: rows).values
  }
}
