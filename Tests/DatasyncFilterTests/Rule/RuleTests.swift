import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

@Suite struct RuleTests {
  static let scope = RuleScope(
    claims: ["tenant": .string, "level": .int64, "share": .double, "admin": .bool],
    memberships: ["lists": .string, "counts": .int64, "owners": .uuid], hasOldRow: true)
  static let alice = Principal(
    id: "alice", roles: ["staff"], groups: ["g1"],
    claims: ["tenant": .string("t1"), "level": .int64(5), "admin": .bool(true)])
  static let anonymous = Principal()

  static func rule(_ text: String, scope: RuleScope = scope) throws -> Rule {
    try Rule(parsing: text, table: Sample.table, scope: scope)
  }

  /// What a rule says for a principal and a row.
  static func judge(
    _ text: String, _ principal: Principal, _ row: [String: Value] = [:],
    old: [String: Value]? = nil, sets: [String: OperandSet] = [:]
  ) throws -> Bool {
    switch try rule(text).folded(for: principal) {
    case .always: true
    case .never: false
    case .condition(let condition):
      try condition.binding(sets).holds(
        for: Sample.row(row), old: old.map { Sample.row($0) })
    }
  }

  @Test(arguments: [
    ("note eq @principal.i", 9, "says nothing of a principal; did you mean '@principal.id'?"),
    ("@principal.roles eq 'x'", 1, "is a set; write … in @principal.roles"),
    ("'x' in @principal.rolls", 8, "did you mean '@principal.roles'?"),
    ("count in @principal.lists", 7, "types Edm.Int64 and Edm.String; in needs both of one type"),
    ("owner eq @principal.id", 7, "Edm.Guid and Edm.String"),
    ("due lt now()", 8, "found now()"),
    ("@old.titel eq title", 1, "did you mean 'title'?"),
    ("@principal.claims.level eq 'x'", 25, "Edm.Int64 and Edm.String"),
    ("(note eq @principal.id) eq true", 7, "a condition about the principal as an operand"),
    ("'x' in @principal.owners", 1, "expected a constant of type Edm.Guid"),
    ("@principal", 1, "says nothing of a principal"),
    ("note eq @", 9, "found @, which has no meaning"),
    ("title", 1, "expected a condition"),
    ("note eq 'x' @principal.id", 13, "found @principal.id; expected an operator"),
    ("note in ('x', @principal.id)", 15, "a list after in holds constants"),
  ])
  func `what is wrong with a rule is said, and where`(
    _ text: String, _ position: Int, _ message: String
  ) throws {
    let fault = #expect(throws: ParseFault.self) { try RuleTests.rule(text) }
    #expect(fault?.position == position, "\(String(describing: fault))")
    #expect(fault?.description.contains(message) == true, "\(String(describing: fault))")
  }

  @Test(arguments: ["note eq @principal.id", "'x' in @principal.roles", "@old.note eq note", "@"])
  func `a client's filter names no principal`(_ text: String) throws {
    let error = #expect(throws: DatasyncError.self) {
      try Filter(parsing: text, table: Sample.table)
    }
    #expect(error?.reason == "BAD_FILTER")
    #expect(error?.message.contains("@") == true)
  }

  @Test func `the old row and columns are named only where there are any`() throws {
    var scope = RuleTests.scope
    scope.hasOldRow = false
    var fault = #expect(throws: ParseFault.self) {
      try RuleTests.rule("@old.note eq note", scope: scope)
    }
    #expect(fault?.description.contains("only in `after` of an update") == true)
    scope.hasColumns = false
    fault = #expect(throws: ParseFault.self) { try RuleTests.rule("note eq 'x'", scope: scope) }
    #expect(fault?.description.contains("no column of a row has a place here") == true)
  }

  /// A rule, and whether it holds for an anonymous caller and a row whose note is null; likewise for its
  /// opposite.
  @Test(arguments: [
    ("note eq @principal.id", false, false), ("note ne @principal.id", false, false),
    ("@principal.id in @principal.lists", false, false),
    ("@principal.claims.tenant eq null", true, false),
    ("@principal.claims.tenant ne null", false, false),
    ("tolower(@principal.id) eq note", false, false),
    ("concat(note, @principal.id) eq note", false, false),
    ("owner eq cast(@principal.id, Edm.Guid)", false, false),
    ("@principal.claims.admin", false, false),
    ("@principal.claims.admin eq false", false, false),
    ("@principal.claims.level add 1 gt count", false, false),
    ("'staff' in @principal.roles", false, true),
    ("note eq @principal.id or note eq null", true, false),
    ("@principal.id in ('a', null)", false, false),
  ])
  func `what is absent makes comparisons null`(
    _ text: String, _ holds: Bool, _ oppositeHolds: Bool
  ) throws {
    #expect(try RuleTests.judge(text, RuleTests.anonymous) == holds)
    #expect(try RuleTests.judge("not (\(text))", RuleTests.anonymous) == oppositeHolds)
  }

  /// A name that is no UUID is no row's owner, nor is it that of rows without one.
  @Test func `what a cast cannot make of the principal is absent`() throws {
    #expect(
      try !RuleTests.judge("owner eq cast(@principal.id, Edm.Guid)", RuleTests.alice))
    #expect(
      try !RuleTests.judge("not (owner eq cast(@principal.id, Edm.Guid))", RuleTests.alice))
    let uuid = "123e4567-e89b-12d3-a456-426614174000"
    #expect(
      try RuleTests.judge(
        "owner eq cast(@principal.id, Edm.Guid)", Principal(id: uuid.uppercased()),
        ["owner": .string(uuid)]))
  }

  @Test func `rules fold to always, never or a filter`() throws {
    func folded(_ text: String) throws -> String {
      switch try RuleTests.rule(text).folded(for: RuleTests.alice) {
      case .always: return "always"
      case .never: return "never"
      case .condition(let condition):
        guard condition.memberships.isEmpty, case .filter(let filter) = condition.binding([:])
        else { return "condition of \(condition.memberships.sorted())" }
        return filter.sql.text
      }
    }
    #expect(try folded("'staff' in @principal.roles or note eq 'x'") == "always")
    #expect(try folded("'admin' in @principal.roles and note eq 'x'") == "never")
    #expect(try folded("@principal.claims.level ge 5 and note eq @principal.id").contains("note"))
    #expect(try folded("'x' in @principal.lists or note eq 'x'") == "condition of [\"lists\"]")
    #expect(try folded("@principal.claims.share gt 1 or false") == "never")
    let rule = try RuleTests.rule("note eq @principal.id and 'admin' in @principal.roles")
    guard case .never = rule.folded(for: RuleTests.alice) else {
      Issue.record("not never")
      return
    }
    let admin = Principal(id: "alice", roles: ["admin"])
    guard case .condition(let condition) = rule.folded(for: admin),
      case .filter(let filter) = condition.binding([:])
    else {
      Issue.record("no filter")
      return
    }
    #expect(filter.soleEquality?.value == .string("alice"))
  }

  /// Indexes over many filters find those that a row may match by these.
  @Test(arguments: [
    ("title in @principal.lists", ["title=2"]),
    ("title in @principal.lists or note eq @principal.id", ["title=2", "note=1"]),
    ("title in @principal.lists and note eq 'x'", ["note=1"]),
    ("title in ('a', 'b') and done or count in (1, 2, 3)", ["done=1", "count=3"]),
    ("title in @principal.lists or count gt 5", []),
    ("not (title in @principal.lists)", []), ("amount in (1, 2)", []),
    ("title in ('a', null)", []),
  ])
  func `what every matching row has is told`(_ text: String, _ expected: [String]) throws {
    guard case .condition(let condition) = try RuleTests.rule(text).folded(for: RuleTests.alice),
      case .filter(let filter) = condition.binding([
        "lists": OperandSet([.string("a"), .string("b"), .string("a")])
      ])
    else {
      Issue.record("no filter")
      return
    }
    let found = (filter.alternatives ?? []).map {
      "\(Sample.table.columns[$0.column].name)=\($0.values.count)"
    }
    #expect(found == expected)
  }

  /// The rows that have to be looked at when sets change: of all rows with a few titles and counts, at least those
  /// of which the rule says something else.
  @Test(arguments: [
    ("title in @principal.lists", ["b", "c"]),
    ("title in @principal.lists or note eq @principal.id", ["b", "c"]),
    ("title in @principal.lists and count in @principal.counts", ["b", "c"]),
    ("not (title in @principal.lists)", ["b", "c"]),
    ("count in @principal.counts", []),
    ("note eq @principal.id", []),
  ])
  func `what other sets change is told`(_ text: String, _ expected: [String]) throws {
    let sets = { (lists: [String]) in
      [
        "lists": OperandSet(lists.map { .string($0) }),
        "counts": OperandSet([.int64(1)]),
      ]
    }
    guard case .condition(let rule) = try RuleTests.rule(text).folded(for: RuleTests.alice) else {
      Issue.record("no condition")
      return
    }
    let rows = ["a", "b", "c", "d"].map { Sample.row(["title": .string($0), "count": .int64(1)]) }
    let titles = rows.filter { row in
      switch rule.difference(from: sets(["a", "b"]), to: sets(["a", "c"])) {
      case .none: false
      case .all: true
      case .rows(let filter): (try? filter.matches(row)) == true
      }
    }.map { $0[Sample.table.index(ofColumn: "title") ?? 0] }
    #expect(titles == expected.map { .string($0) })
  }

  @Test func `a rule tells what it reads`() throws {
    let rule = try RuleTests.rule(
      "note eq @principal.id and @old.count eq count or title in @principal.lists "
        + "or @principal.claims.level gt 1 or 'x' in @principal.groups")
    #expect(rule.use.id && rule.use.groups && !rule.use.roles)
    #expect(rule.use.claims == ["level"])
    #expect(rule.use.memberships == ["lists"])
    #expect(rule.oldColumns == [Sample.table.index(ofColumn: "count") ?? -1])
    #expect(rule.columns.count == 3)
  }

  @Test func `the old row is compared with the new one`() throws {
    let text = "note eq @old.note and @old.id eq key and title in @principal.lists"
    let sets = ["lists": OperandSet([.string("l1")])]
    let row: [String: Value] = ["note": .string("n"), "title": .string("l1")]
    #expect(try RuleTests.judge(text, RuleTests.alice, row, old: row, sets: sets))
    #expect(
      try !RuleTests.judge(
        text, RuleTests.alice, row, old: ["note": .string("m")], sets: sets))
    #expect(try !RuleTests.judge(text, RuleTests.alice, row, old: row))
  }

  @Test func `what set fills in is made of the principal`() throws {
    func value(_ text: String, _ column: String, _ principal: Principal = RuleTests.alice) throws
      -> Value
    {
      let index = try #require(Sample.table.index(ofColumn: column))
      return try RuleValue(
        parsing: text, column: index, of: Sample.table, scope: RuleTests.scope
      ).value(for: principal)
    }
    #expect(try value("@principal.id", "note") == .string("alice"))
    #expect(try value("@principal.id", "note", RuleTests.anonymous) == .null)
    #expect(try value("concat('u:', @principal.id)", "title") == .string("u:alice"))
    #expect(try value("@principal.claims.level", "price") == .double(5))
    #expect(try value("@principal.claims.level", "amount") == .string("5"))
    #expect(try value("'1994-10-14'", "born") == .string("1994-10-14"))
    #expect(try value("'staff' in @principal.roles", "done") == .bool(true))
    #expect(throws: ParseFault.self) { try value("@principal.id", "owner") }
    #expect(throws: ParseFault.self) { try value("title", "note") }
    #expect(throws: ParseFault.self) { try value("'maybe'", "rating") }
  }

  /// 100,000 values of every type that a set may have, in both back ends.
  @Test func `large sets are found in SQL and in rows`() throws {
    let database = try TestDatabase()
    try database.execute(Sample.declaration(of: Sample.table))
    try database.execute("CREATE INDEX by_title ON samples (title)")
    let uuid = "123e4567-e89b-12d3-a456-426614174000"
    let hit = Sample.row([
      "title": .string("t\u{1}\"\\5"), "count": .int64(7), "owner": .string(uuid),
      "data": .bytes([0, 7]), "amount": .string("7.50"), "due": .timestamp(7),
    ])
    let places = hit.map { _ in "?" }.joined(separator: ", ")
    for (key, row) in [("a", hit), ("b", Sample.row())] {
      var row = row
      row[0] = .string(key)
      try database.run("INSERT INTO samples VALUES (\(places))", row)
    }
    let count = 100_000
    let sets: [(String, ExpressionType, [Operand])] = [
      ("title", .string, [.string("t\u{1}\"\\5")] + (0..<count).map { .string("x\($0)") }),
      ("count", .int64, (0..<Int64(count)).map { .int64($0) }),
      ("owner", .uuid, [.string(uuid)] + (0..<count).map { .string("y\($0)") }),
      ("data", .bytes, (0..<300).map { .bytes([UInt8($0 / 256), UInt8($0 % 256)]) }),
      (
        "amount", .decimal,
        (0..<900).compactMap { Decimal("\($0 / 2).\($0 % 2 * 5)") }.map {
          .decimal($0)
        }
      ),
      ("due", .timestamp, (0..<Int64(count)).map { .timestamp($0) }),
    ]
    for (column, type, values) in sets {
      let rule = try RuleTests.rule(
        "\(column) in @principal.many", scope: RuleScope(memberships: ["many": type]))
      guard case .condition(let condition) = rule.folded(for: RuleTests.alice),
        case .filter(let filter) = condition.binding(["many": OperandSet(values)])
      else {
        Issue.record("no filter of \(column)")
        continue
      }
      #expect(try filter.matches(hit), "\(column)")
      #expect(try !filter.matches(Sample.row()), "\(column)")
      let sql = filter.sql
      let found = try database.run("SELECT key FROM samples WHERE \(sql.text)", sql.bindings)
      #expect(found == [[.string("a")]], "\(sql.text)")
      if column == "title" {
        let plan = try database.plan("SELECT * FROM samples WHERE \(sql.text)", sql.bindings)
        #expect(plan.contains("by_title"), "\(plan)")
      }
    }
  }
}
