package import DatasyncFilter
package import DatasyncModel

/// What one principal may see and do in one table: frozen, made once for a session and table. A value.
///
/// - A **Get, query or subscription** asks ``read`` (composed with the client's filter by
///   ``Filter/and(_:terms:)``) and leaves out ``hidden``.
/// - A **write** fills ``values`` into absent columns of a create, then asks ``create``, ``before`` and
///   ``after`` (with the old row), or ``delete``.
/// - Where ``memberships`` is not empty, ``binding(_:terms:)`` first puts in their values, read in the
///   same transaction or snapshot.
package struct TableRights: Sendable {
  /// What there may be a rule for.
  package enum Operation: Hashable, Sendable, CaseIterable {
    case read, create, update, delete
  }

  package let table: Table
  package let read: FoldedRule
  package let create: FoldedRule
  /// Of an update: on the row as it is.
  package let before: FoldedRule
  /// Of an update: on the row as it would become; may read the row as it is.
  package let after: FoldedRule
  package let delete: FoldedRule
  /// The positions of columns that do not exist for the caller.
  package let hidden: Set<Int>
  /// For columns that a create leaves out; null: the principal has no such value, and the column stays
  /// as it is left.
  package let values: [(column: Int, value: Value)]
  /// Those whose values the rules still need, by name; see ``AccessRules/memberships(for:)``.
  package let memberships: Set<String>
  /// The texts of the rules that the view depends on, in a fixed order: for the mark of resume tokens.
  package let viewTexts: [String]
  /// What those read of the principal.
  package let viewUse: PrincipalUse

  init(none table: Table) {
    self.init(of: Principal(), by: TableRules(table: table))
  }

  init(of principal: Principal, by rules: TableRules) {
    func folded(_ rule: Rule?) -> FoldedRule { rule?.folded(for: principal) ?? .never }
    table = rules.table
    read = folded(rules.read)
    create = folded(rules.create)
    before = folded(rules.before)
    after = folded(rules.after)
    delete = folded(rules.delete)
    hidden = Set(
      rules.hide.filter { $0.rule.folded(for: principal).isAlways }.map(\.column))
    values = rules.set.map { ($0.column, $0.value.value(for: principal)) }
    memberships = [read, create, before, after, delete].reduce(into: []) {
      $0.formUnion($1.memberships)
    }
    viewTexts =
      [rules.read?.text ?? ""]
      + rules.hide.map { "\(rules.table.columns[$0.column].number) \($0.rule.text)" }
    viewUse = (rules.hide.map(\.rule) + (rules.read.map { [$0] } ?? [])).reduce(
      into: PrincipalUse()
    ) { $0.formUnion($1.use) }
  }

  /// What the caller has rules for; empty: the table does not exist for it.
  package var allowed: Set<Operation> {
    Set(Operation.allCases.filter(allows))
  }

  /// Whether there is a rule for the operation that some row may fulfil.
  package func allows(_ operation: Operation) -> Bool {
    switch operation {
    case .read: !read.isNever
    case .create: !create.isNever
    case .update: !before.isNever && !after.isNever
    case .delete: !delete.isNever
    }
  }

  /// With the values of memberships.
  ///
  /// - Parameters:
  ///   - sets: By name, of the types that ``AccessRules/Membership/type`` says; one that is missing is
  ///     empty.
  ///   - terms: Of the filters that are judged together with ``BoundRights/read``.
  package func binding(_ sets: [String: OperandSet], terms: TextTerms? = nil) -> BoundRights {
    BoundRights(
      table: table, read: read.binding(sets, terms: terms), create: create.binding(sets),
      before: before.binding(sets), after: after.binding(sets), delete: delete.binding(sets),
      hidden: hidden, values: values)
  }
}

/// ``TableRights`` at one moment: its rules can be asked. A value.
package struct BoundRights: Sendable {
  package let table: Table
  package let read: BoundRule
  package let create: BoundRule
  package let before: BoundRule
  package let after: BoundRule
  package let delete: BoundRule
  package let hidden: Set<Int>
  package let values: [(column: Int, value: Value)]
}

extension FoldedRule {
  package var isAlways: Bool { if case .always = self { true } else { false } }
  package var isNever: Bool { if case .never = self { true } else { false } }

  /// Those whose values it still needs.
  package var memberships: Set<String> {
    if case .condition(let condition) = self { condition.memberships } else { [] }
  }

  /// See ``TableRights/binding(_:terms:)``.
  package func binding(_ sets: [String: OperandSet], terms: TextTerms? = nil) -> BoundRule {
    switch self {
    case .always: .always
    case .never: .never
    case .condition(let condition): condition.binding(sets, terms: terms)
    }
  }
}
