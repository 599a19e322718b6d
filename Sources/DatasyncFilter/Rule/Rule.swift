package import DatasyncModel

/// A condition of the access file on a row and who asks: parsed and checked once against a table, then
/// folded for each principal. A value.
///
/// The language is that of ``Filter``, with `@principal.id`, `@principal.claims.NAME`,
/// `x in @principal.roles`, `.groups`, `.NAME` (a membership) and, where the scope has it,
/// `@old.column`; without `now()`. What is absent of a principal makes every comparison null, never
/// true, also under `not`; only `… eq null` asks for it.
package struct Rule: Sendable {
  /// As it stands in the file.
  package let text: String
  package let table: Table
  /// The positions of the columns that it reads of the row that is judged.
  package let columns: Set<Int>
  /// Those that it reads of the row as it was.
  package let oldColumns: Set<Int>
  /// What it reads of the principal.
  package let use: PrincipalUse

  private let tree: Expression
  private let names: RuleNames

  /// - Throws: ``ParseFault``; its position is from 1, in Unicode scalars of the text.
  package init(
    parsing text: String, table: Table, scope: RuleScope, limits: FilterLimits = .default
  ) throws(ParseFault) {
    let names = RuleNames(table: table, scope: scope)
    let syntax = try Parser.parse(text, limits: limits, isRule: true)
    let checker = Checker(table: names.wideTable, names: names)
    tree = try checker.condition(syntax)
    try checker.checkOperands(of: tree)
    self.text = text
    self.table = table
    self.names = names
    let read = tree.columns
    columns = read.filter { $0 < table.columns.count }
    oldColumns = Set(
      read.filter { names.isOfOldRow($0) }.map { $0 - table.columns.count })
    use = PrincipalUse(of: tree, names)
  }

  /// What it says for one principal, as far as that can be known without rows.
  ///
  /// - Complexity: O(n) in the rule's size.
  package func folded(for principal: Principal) -> FoldedRule {
    let folder = RuleFolder(names: names, principal: principal)
    return FoldedRule(folder.condition(tree), of: self, names)
  }
}

/// What rules read of a principal; where none of it changes, nor does what the rules say. A value.
package struct PrincipalUse: Hashable, Sendable {
  package var id = false
  package var roles = false
  package var groups = false
  package var claims: Set<String> = []
  package var memberships: Set<String> = []

  package init() {}

  init(of tree: Expression, _ names: RuleNames) {
    var use = PrincipalUse()
    tree.forEach { expression in
      switch expression.kind {
      case .column(let column) where names.isOfPrincipal(column):
        if let claim = names.claim(at: column) { use.claims.insert(claim) } else { use.id = true }
      case .memberOf(_, let set, _):
        switch set.name {
        case RuleNames.roles: use.roles = true
        case RuleNames.groups: use.groups = true
        default: use.memberships.insert(set.name)
        }
      default: break
      }
    }
    self = use
  }

  package mutating func formUnion(_ other: PrincipalUse) {
    id = id || other.id
    roles = roles || other.roles
    groups = groups || other.groups
    claims.formUnion(other.claims)
    memberships.formUnion(other.memberships)
  }
}

/// A rule for one principal. A value.
package enum FoldedRule: Sendable {
  /// True of every row.
  case always
  /// False or null of every row: as if the rule were left out.
  case never
  /// It depends on the row, on the principal's memberships, or on both.
  case condition(RuleCondition)

  init(_ tree: Expression, of rule: Rule, _ names: RuleNames) {
    switch tree.literal {
    case .bool(true): self = .always
    case .some: self = .never
    case nil: self = .condition(RuleCondition(tree, of: rule, names))
    }
  }
}

/// What is left of a rule when all is known of the principal but its memberships. A value.
package struct RuleCondition: Sendable {
  /// Of the rule, for messages.
  package let text: String
  /// The memberships whose values it needs.
  package let memberships: Set<String>
  /// Whether it reads the row as it was; then it is for ``BoundRule/holds(for:old:memo:)`` alone.
  package let readsOldRow: Bool

  let tree: Expression
  let rule: Rule
  private let names: RuleNames

  fileprivate init(_ tree: Expression, of rule: Rule, _ names: RuleNames) {
    text = rule.text
    self.tree = tree
    self.rule = rule
    self.names = names
    memberships = PrincipalUse(of: tree, names).memberships
    readsOldRow = tree.columns.contains { names.isOfOldRow($0) }
  }

  /// Puts in the values of the memberships.
  ///
  /// - Parameters:
  ///   - sets: By name, of the types that the scope said; one that is missing is empty.
  ///   - terms: Those of the filters that are judged together with it.
  package func binding(_ sets: [String: OperandSet], terms: TextTerms? = nil) -> BoundRule {
    let bound =
      memberships.isEmpty
      ? tree : RuleFolder(names: names, principal: nil, sets: sets).condition(tree)
    switch bound.literal {
    case .bool(true): return .always
    case .some: return .never
    case nil: break
    }
    let readsOldRow = bound.columns.contains { names.isOfOldRow($0) }
    let table = readsOldRow ? names.wideTable : rule.table
    let filter = Filter(
      text: text, tree: bound,
      fields: bound.columns.sorted().map { (table.columns[$0].name, $0) }, table: table,
      terms: terms)
    return readsOldRow ? .pair(RowPairFilter(filter: filter)) : .filter(filter)
  }
}

/// A rule for one principal at one moment. A value.
package enum BoundRule: Sendable {
  case always
  case never
  /// For rows, SQL and subscriptions alike.
  case filter(Filter)
  /// It reads the row as it was too.
  case pair(RowPairFilter)

  /// Whether a row fulfils it.
  ///
  /// - Parameters:
  ///   - values: One for each of ``Table/columns``.
  ///   - old: The row as it was, likewise; nil: there was none, and what a rule reads of it is null.
  /// - Throws: Where text functions would take more than they may.
  package func holds(
    for values: [Value], old: [Value]? = nil, memo: TextMemo? = nil
  ) throws(FilterFault) -> Bool {
    switch self {
    case .always: true
    case .never: false
    case .filter(let filter): try filter.matches(values, now: 0, memo: memo)
    case .pair(let pair): try pair.matches(values, old: old, memo: memo)
    }
  }
}

/// A condition on a row and what it was before. A value.
package struct RowPairFilter: Sendable {
  fileprivate let filter: Filter

  /// What it may cost for a row; see ``FilterCost``.
  package var cost: FilterCost { filter.cost }

  fileprivate func matches(
    _ values: [Value], old: [Value]?, memo: TextMemo?
  ) throws(FilterFault) -> Bool {
    let old = old ?? [Value](repeating: .null, count: values.count)
    return try filter.matches(values + old, now: 0, memo: memo)
  }
}
