package import DatasyncFilter
package import DatasyncModel

/// The access file's rules, checked against one catalog. A value; another is made when either changes.
///
/// What a rule cannot be checked for breaks its table, and nothing else: at the start ``faults`` stop
/// the service, and while it runs such a table is refused.
package struct AccessRules: Sendable {
  /// A set that belongs to a principal: the values of a column in the rows that fulfil a rule.
  package struct Membership: Sendable {
    package let name: String
    package let table: Table
    /// The position of the column whose values are the set.
    package let column: Int
    package let type: ExpressionType
    /// Which rows; it may use memberships before this one.
    package let rule: Rule
  }

  package let file: AccessFile
  /// Sorted as memberships and tables stand in the file and the catalog.
  package let faults: [AccessFault]
  private let tables: [Int: TableRules]
  private let broken: [Int: AccessFault]
  private let sets: [Membership]

  package init(file: AccessFile, catalog: Catalog) {
    self.file = file
    var reader = RuleReader(file: file, catalog: catalog)
    reader.readMemberships()
    reader.readTables()
    faults = reader.faults
    tables = reader.tables
    broken = reader.broken
    sets = reader.sets
  }

  /// What a principal may see and do in a table; frozen, and good for as long as principal, rules and
  /// table are the same.
  ///
  /// - Throws: PERMISSION_DENIED, reason RULE_BROKEN, where a rule of the table cannot be checked.
  /// - Complexity: O(n) in the size of the table's rules.
  package func rights(of principal: Principal, on table: Table) throws(DatasyncError) -> TableRights
  {
    if broken[table.id] != nil {
      throw DatasyncError(
        .permissionDenied, reason: "RULE_BROKEN",
        "a rule of \(table.name) does not fit its schema; the server's log says which",
        metadata: ["table": table.name])
    }
    guard let rules = tables[table.id] else { return TableRights(none: table) }
    return TableRights(of: principal, by: rules)
  }

  /// The rules of a table that cannot be checked; nil: there are none.
  package func fault(of table: Table) -> AccessFault? { broken[table.id] }

  /// The rules of one table, unfolded: for tools that explain them.
  package func rules(of table: Table) -> TableRules? { tables[table.id] }

  /// Those memberships and all that they use, in the order in which they are to be read.
  package func memberships(for names: Set<String>) -> [Membership] {
    var needed = names
    for set in sets.reversed() where needed.contains(set.name) {
      needed.formUnion(set.rule.use.memberships)
    }
    return sets.filter { needed.contains($0.name) }
  }

  /// The tables, by id, whose rows make up sets.
  package var membershipTables: Set<Int> { Set(sets.map(\.table.id)) }

  /// The memberships whose sets rows of a table make up.
  package func memberships(in table: Table) -> [Membership] {
    sets.filter { $0.table.id == table.id }
  }

  /// Whether a principal may call what is for operators alone.
  package func isOperator(_ principal: Principal) -> Bool {
    file.operators.map { principal.roles.contains($0) } ?? false
  }
}

/// The rules of one table. A value.
package struct TableRules: Sendable {
  package let table: Table
  package internal(set) var read: Rule?
  package internal(set) var create: Rule?
  package internal(set) var before: Rule?
  package internal(set) var after: Rule?
  package internal(set) var delete: Rule?
  /// Columns that are filled in on create, by position.
  package internal(set) var set: [(column: Int, value: RuleValue)] = []
  /// Columns that are hidden, and from whom.
  package internal(set) var hide: [(column: Int, rule: Rule)] = []

  init(table: Table) {
    self.table = table
  }
}

/// Checks the rules of a file. Confined to one call.
private struct RuleReader {
  let file: AccessFile
  let catalog: Catalog
  private(set) var faults: [AccessFault] = []
  private(set) var tables: [Int: TableRules] = [:]
  private(set) var broken: [Int: AccessFault] = [:]
  private(set) var sets: [AccessRules.Membership] = []
  private var scope: RuleScope

  init(file: AccessFile, catalog: Catalog) {
    self.file = file
    self.catalog = catalog
    scope = RuleScope(claims: file.claims)
  }

  // MARK: - Memberships

  mutating func readMemberships() {
    for entry in file.memberships {
      do throws(AccessFault) {
        let set = try membership(entry)
        sets.append(set)
        scope.memberships[set.name] = set.type
      } catch {
        faults.append(error)
      }
    }
  }

  private func membership(
    _ entry: AccessFile.Membership
  ) throws(AccessFault) -> AccessRules.Membership {
    func fault(_ part: String, _ reason: String) -> AccessFault {
      AccessFault(file: file.path, place: "\(entry.place).\(part)", line: entry.line, reason)
    }
    guard let table = catalog.table(named: entry.table) else {
      throw fault("table", noTable(entry.table))
    }
    guard let column = table.index(ofColumn: entry.value) else {
      throw fault("value", "'\(entry.value.shortened)' \(table.noField(entry.value))")
    }
    if case .json = table.columns[column].type {
      throw fault("value", "a column of JSON makes no set")
    }
    return AccessRules.Membership(
      name: entry.name, table: table, column: column,
      type: ExpressionType(table.columns[column].type),
      rule: try rule(entry.rule, table, scope))
  }

  private func noTable(_ name: String) -> String {
    "no table '\(name.shortened)' is served"
      + NameSuggestion.clauseOrList(for: name, among: catalog.tables.map(\.name), kind: "tables")
  }

  // MARK: - Tables

  mutating func readTables() {
    for (name, entry) in file.tables.sorted(by: { $0.key < $1.key })
    where catalog.table(named: name) == nil {
      faults.append(
        AccessFault(file: file.path, place: entry.place, line: entry.line, noTable(name)))
    }
    for table in catalog.tables {
      guard let entry = file.tables[table.name] ?? file.otherTables else { continue }
      do throws(AccessFault) {
        tables[table.id] = try rules(entry, table)
      } catch {
        // The same rule of all other tables may fit one and not another.
        let fault =
          file.tables[table.name] == nil
          ? AccessFault(
            file: error.file, place: error.place, line: error.line,
            "\(error.reason), for \(table.name)") : error
        faults.append(fault)
        broken[table.id] = fault
      }
    }
  }

  private func rules(
    _ entry: AccessFile.TableEntry, _ table: Table
  ) throws(AccessFault) -> TableRules {
    var rules = TableRules(table: table)
    rules.read = try ruleIfAny(entry.read, table, scope)
    rules.create = try ruleIfAny(entry.create, table, scope)
    rules.before = try ruleIfAny(entry.before, table, scope)
    var after = scope
    after.hasOldRow = true
    // One rule for both has no old row: before the change there is none.
    rules.after = try ruleIfAny(entry.after, table, entry.after == entry.before ? scope : after)
    rules.delete = try ruleIfAny(entry.delete, table, scope)
    for (name, text) in entry.set {
      let column = try writable(name, text, table)
      do throws(ParseFault) {
        rules.set.append(
          (column, try RuleValue(parsing: text.text, column: column, of: table, scope: scope)))
      } catch {
        throw fault(text, error)
      }
    }
    var principalAlone = scope
    (principalAlone.hasColumns, principalAlone.memberships) = (false, [:])
    for (name, text) in entry.hide {
      let column = try hideable(name, text, table)
      rules.hide.append((column, try rule(text, table, principalAlone)))
    }
    return rules
  }

  private func column(
    _ name: String, _ text: AccessFile.RuleText, _ table: Table
  ) throws(AccessFault) -> Int {
    guard let column = table.index(ofColumn: name) else {
      throw AccessFault(
        file: file.path, place: text.place, line: text.line,
        "'\(name.shortened)' \(table.noField(name))")
    }
    return column
  }

  private func writable(
    _ name: String, _ text: AccessFile.RuleText, _ table: Table
  ) throws(AccessFault) -> Int {
    let column = try column(name, text, table)
    guard !table.columns[column].isSystem, !table.columns[column].isGenerated else {
      throw AccessFault(
        file: file.path, place: text.place, line: text.line, "it is a column that nobody writes")
    }
    return column
  }

  private func hideable(
    _ name: String, _ text: AccessFile.RuleText, _ table: Table
  ) throws(AccessFault) -> Int {
    let column = try column(name, text, table)
    let seen = [SystemColumn.key, .version, .deleted].map(\.rawValue)
    guard !seen.contains(column) else {
      throw AccessFault(
        file: file.path, place: text.place, line: text.line,
        "key, version and deleted cannot be hidden")
    }
    return column
  }

  private func ruleIfAny(
    _ text: AccessFile.RuleText?, _ table: Table, _ scope: RuleScope
  ) throws(AccessFault) -> Rule? {
    guard let text else { return nil }
    return try rule(text, table, scope)
  }

  private func rule(
    _ text: AccessFile.RuleText, _ table: Table, _ scope: RuleScope
  ) throws(AccessFault) -> Rule {
    do throws(ParseFault) {
      return try Rule(parsing: text.text, table: table, scope: scope)
    } catch {
      throw fault(text, error)
    }
  }

  private func fault(_ text: AccessFile.RuleText, _ fault: ParseFault) -> AccessFault {
    AccessFault(
      file: file.path, place: text.place, line: text.line,
      "at \(fault.position): \(fault.description)")
  }
}
