import DatasyncAccess
import DatasyncFilter
import DatasyncModel
import Testing

@Suite struct AccessRulesTests {
  private let rules: AccessRules
  private let alice = Principal(id: "alice", claims: ["tenant": .string("t1")])
  private let staff = Principal(id: "sam", roles: ["staff", "admin"])

  init() throws {
    rules = AccessRules(file: try Shop.file(), catalog: Shop.catalog)
  }

  private func row(_ values: [String: Value]) throws -> [Value] {
    var row = [Value](repeating: .null, count: Shop.items.columns.count)
    for (name, value) in values { row[try #require(Shop.items.index(ofColumn: name))] = value }
    return row
  }

  /// A replacement in the file, the place, and a part of the reason.
  @Test(arguments: [
    (
      "read: list_id in", "read: list in", "todo_items.read",
      "at 1: found 'list', which is no field"
    ),
    ("delete: owner eq", "delete: cost eq", "todo_items.delete", "at 6: found values of types"),
    (
      "create: list_id in", "create: now() gt 1 and list_id in", "todo_items.create",
      "at 1: found now()"
    ),
    ("create: list_id", "create: \"@old.owner eq 'x' and list_id", "", "no YAML"),
    (
      "delete: owner eq @principal.id", "delete: owner eq @old.owner", "todo_items.delete",
      "only in `after`"
    ),
    (
      "before: list_id in", "before: owner eq @old.owner and list_id in",
      "todo_items.update.before", "only in `after`"
    ),
    ("todo_items:\n", "todo_item:\n", "todo_item", "no table 'todo_item' is served; did you mean"),
    (
      "set: { owner: '@principal.id'", "set: { ownr: '@principal.id'", "todo_items.set.ownr",
      "did you mean 'owner'?"
    ),
    (
      "set: { owner: '@principal.id'", "set: { version: '1'", "todo_items.set.version",
      "nobody writes"
    ),
    (
      "set: { owner: '@principal.id'", "set: { owner: title", "todo_items.set.owner",
      "no column of a row"
    ),
    (
      "set: { owner: '@principal.id'", "set: { cost: '@principal.id'", "todo_items.set.cost",
      "cost needs Edm.Int64"
    ),
    ("hide: { cost", "hide: { deleted", "todo_items.hide.deleted", "cannot be hidden"),
    (
      "hide: { cost: \"not ('staff' in @principal.roles)\"", "hide: { cost: \"owner eq 'x'\"",
      "todo_items.hide.cost", "no column of a row"
    ),
    (
      "hide: { cost: \"not ('staff' in @principal.roles)\"",
      "hide: { cost: \"'x' in @principal.lists\"", "todo_items.hide.cost",
      "says nothing of a principal"
    ),
    (
      "table: team_members", "table: team_member", "memberships.teams.table",
      "did you mean 'team_members'?"
    ),
    ("value: team_id", "value: team", "memberships.teams.value", "no field of team_members"),
    (
      "where: \"user_id eq @principal.id\"", "where: \"user_id in @principal.lists\"",
      "memberships.teams.where", "says nothing of a principal"
    ),
    ("read: 'true'", "read: owner eq 'x'", "*.read", "for team_lists"),
  ])
  func `a rule that does not fit the schema is refused with its place`(
    _ old: String, _ new: String, _ place: String, _ reason: String
  ) throws {
    let text = Shop.text.replacing(old, with: new, maxReplacements: 1)
    #expect(text != Shop.text)
    let faults: [AccessFault]
    do throws(AccessFault) {
      faults = AccessRules(file: try Shop.file(text), catalog: Shop.catalog).faults
    } catch {
      faults = [error]
    }
    let fault = try #require(faults.first)
    #expect(fault.place == place, "\(fault)")
    #expect(fault.reason.contains(reason), "\(fault)")
    #expect(fault.line != nil)
  }

  @Test func `rights are those of the file`() throws {
    #expect(rules.faults.isEmpty)
    let rights = try rules.rights(of: alice, on: Shop.items)
    #expect(rights.allowed == [.read, .create, .update, .delete])
    #expect(rights.hidden == [try #require(Shop.items.index(ofColumn: "cost"))])
    #expect(rights.values.map(\.value) == [.string("alice"), .string("t1")])
    #expect(rights.memberships == ["lists"])
    #expect(rules.memberships(for: rights.memberships).map(\.name) == ["teams", "lists"])
    #expect(rights.viewUse.roles && rights.viewUse.memberships == ["lists"])
    let mine = ["lists": OperandSet([.string("l1")])]
    let bound = rights.binding(mine)
    let own = try row(["list_id": .string("l1"), "owner": .string("alice")])
    let other = try row(["list_id": .string("l2"), "owner": .string("bob")])
    #expect(try bound.read.holds(for: own))
    #expect(try !bound.read.holds(for: other))
    #expect(try bound.delete.holds(for: own))
    #expect(try !bound.delete.holds(for: other))
    #expect(try bound.after.holds(for: own, old: own))
    #expect(
      try !bound.after.holds(for: own, old: row(["owner": .string("bob")])),
      "the owner stays")
    guard case .never = rights.binding([:]).read else {
      Issue.record("without a list nothing is read")
      return
    }
    let all = try rules.rights(of: staff, on: Shop.items)
    #expect(all.hidden.isEmpty)
    guard case .always = all.read else {
      Issue.record("an admin reads all")
      return
    }
    #expect(rules.isOperator(staff) && !rules.isOperator(alice))
  }

  @Test func `tables without rules exist for nobody`() throws {
    #expect(try rules.rights(of: staff, on: Shop.notes).allowed.isEmpty)
    #expect(try rules.rights(of: Principal(), on: Shop.members).allowed == [.read])
    let anonymous = try rules.rights(of: Principal(), on: Shop.items)
    #expect(!anonymous.allows(.delete), "without an id there is no owner")
    #expect(anonymous.values.map(\.value) == [.null, .null])
  }

  @Test func `one rule for both sides of an update has no old row`() throws {
    let text = """
      tables: { todo_items: { update: "owner eq @principal.id" } }
      """
    let rules = AccessRules(file: try Shop.file(text), catalog: Shop.catalog)
    #expect(rules.faults.isEmpty)
    #expect(try rules.rights(of: alice, on: Shop.items).allowed == [.update])
    #expect(try rules.rights(of: Principal(), on: Shop.items).allowed.isEmpty)
    #expect(try rules.rights(of: alice, on: Shop.notes).allowed.isEmpty)
  }

  @Test func `a table whose rules no longer fit is refused alone`() throws {
    let other = Shop.table(1, "todo_items", [("list_id", .string), ("title", .string)])
    let catalog = Catalog(tables: [other, Shop.members, Shop.lists], generation: 2)
    let rules = AccessRules(file: try Shop.file(), catalog: catalog)
    let error = #expect(throws: DatasyncError.self) {
      try rules.rights(of: alice, on: other)
    }
    #expect(error?.reason == "RULE_BROKEN")
    #expect(error?.code == .permissionDenied)
    #expect(rules.fault(of: other)?.place == "todo_items.update.after")
    #expect(try rules.rights(of: alice, on: Shop.members).allowed == [.read])
  }

  /// The example of the documentation, in YAML's shorter form.
  @Test func `maps may stand in one line`() throws {
    let text = """
      roles: { admin: [alice, 'spiffe://shop/ops'] }
      anonymous: { roles: [guest] }
      memberships:
        teams: { table: team_members, value: team_id, where: "user_id eq @principal.id" }
        lists: { table: team_lists, value: list_id, where: "team_id in @principal.teams" }
      tables:
        todo_items:
          read:   list_id in @principal.lists or 'admin' in @principal.roles
          create: list_id in @principal.lists
          update: { before: list_id in @principal.lists, after: list_id in @principal.lists and owner eq @old.owner }
          delete: owner eq @principal.id
          set:    { owner: '@principal.id' }
          hide:   { cost: "not ('staff' in @principal.roles)" }
        '*': { read: 'true' }
      operators: admin
      """
    let rules = AccessRules(file: try Shop.file(text), catalog: Shop.catalog)
    #expect(rules.faults.isEmpty, "\(rules.faults)")
    let report = AccessReport(rules: rules, catalog: Shop.catalog)
    #expect(report.lines.count == 3, "\(report.lines)")
    #expect(report.lines.first == "notes: no rule for create, update, delete; nobody may do that")
  }
}
