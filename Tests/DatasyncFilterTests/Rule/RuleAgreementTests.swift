import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

/// A rule as the generator makes it and as the naive interpreter reads it. A value.
private indirect enum RuleNode {
  enum Term {
    case column(String), old(String), literal(String), id, claim(String)

    var text: String {
      switch self {
      case .column(let name): name
      case .old(let name): "@old.\(name)"
      case .literal(let value): "'\(value)'"
      case .id: "@principal.id"
      case .claim(let name): "@principal.claims.\(name)"
      }
    }

    var isOfPrincipal: Bool {
      switch self {
      case .id, .claim: true
      case .column, .old, .literal: false
      }
    }
  }

  /// As operands are, with a function around them or not.
  case compare(String, Term, Term, lowered: Bool)
  case asksNull(Term)
  case isIn(Term, set: String)
  case flag(String)
  case both([RuleNode])
  case either([RuleNode])
  case not(RuleNode)

  var text: String {
    switch self {
    case .compare(let name, let left, let right, let lowered):
      lowered
        ? "tolower(\(left.text)) \(name) \(right.text)" : "\(left.text) \(name) \(right.text)"
    case .asksNull(let term): "\(term.text) eq null"
    case .isIn(let term, let set): "\(term.text) in @principal.\(set)"
    case .flag(let name): name
    case .both(let terms): "(" + terms.map(\.text).joined(separator: " and ") + ")"
    case .either(let terms): "(" + terms.map(\.text).joined(separator: " or ") + ")"
    case .not(let operand): "not (\(operand.text))"
    }
  }
}

/// Says what a rule means, from the contract, row by row and without folding anything.
private struct NaiveRules {
  let principal: Principal
  let sets: [String: Set<String>]
  let row: [String: String?]
  let old: [String: String?]
  let flag: Bool?

  private enum Found { case absent, null, text(String) }

  private func value(_ term: RuleNode.Term) -> Found {
    func found(_ text: String??) -> Found { (text ?? nil).map { .text($0) } ?? .null }
    switch term {
    case .column(let name): return found(row[name])
    case .old(let name): return found(old[name])
    case .literal(let text): return .text(text)
    case .id: return principal.id.map { .text($0) } ?? .absent
    case .claim(let name):
      guard case .string(let text)? = principal.claims[name] else { return .absent }
      return .text(text)
    }
  }

  func truth(_ node: RuleNode) -> Bool? {
    switch node {
    case .compare(let name, let left, let right, let lowered):
      var left = value(left)
      if lowered, case .text(let text) = left { left = .text(text.lowercased()) }
      return compare(name, left, value(right))
    case .asksNull(let term):
      if case .text = value(term) { return false }
      return true
    case .isIn(let term, let set):
      switch value(term) {
      case .absent: return nil
      case .null: return false
      case .text(let text): return members(of: set).contains(text)
      }
    case .flag: return flag
    case .both(let terms):
      let values = terms.map { truth($0) }
      return values.contains(false) ? false : values.contains(nil) ? nil : true
    case .either(let terms):
      let values = terms.map { truth($0) }
      return values.contains(true) ? true : values.contains(nil) ? nil : false
    case .not(let operand): return truth(operand).map { !$0 }
    }
  }

  private func members(of set: String) -> Set<String> {
    switch set {
    case "roles": principal.roles
    case "groups": principal.groups
    default: sets[set] ?? []
    }
  }

  private func compare(_ name: String, _ left: Found, _ right: Found) -> Bool? {
    switch (left, right) {
    case (.absent, _), (_, .absent): return nil
    case (.null, .null): return ["eq", "ge", "le"].contains(name)
    case (.null, .text), (.text, .null): return name == "ne"
    case (.text(let left), .text(let right)):
      switch name {
      case "eq": return left == right
      case "ne": return left != right
      case "gt": return left > right
      case "ge": return left >= right
      case "lt": return left < right
      default: return left <= right
      }
    }
  }
}

@Suite struct RuleAgreementTests {
  private static let words = ["a", "b", "C", "d"]
  private static let table = Table(
    id: 1, name: "t", messageName: "tables.T",
    columns: Sample.systemColumns(key: "id")
      + Sample.columns([("x", .string), ("y", .string), ("done", .bool)]))
  private static let scope = RuleScope(
    claims: ["c": .string, "e": .string], memberships: ["m": .string, "n": .string],
    hasOldRow: true)

  private func term(_ random: inout RandomSource, hasOld: Bool) -> RuleNode.Term {
    switch random.below(hasOld ? 7 : 6) {
    case 0, 1: .column(random.pick(["x", "y"]))
    case 2: .literal(random.pick(Self.words))
    case 3: .id
    case 4, 5: .claim(random.pick(["c", "e"]))
    default: .old(random.pick(["x", "y"]))
    }
  }

  private func node(_ random: inout RandomSource, depth: Int, hasOld: Bool) -> RuleNode {
    guard depth > 0 else {
      switch random.below(8) {
      case 0: return .flag("done")
      case 1: return .asksNull(term(&random, hasOld: hasOld))
      case 2, 3:
        return .isIn(
          term(&random, hasOld: hasOld), set: random.pick(["roles", "groups", "m", "n", "m"]))
      default:
        return .compare(
          random.pick(["eq", "eq", "ne", "gt", "ge", "lt", "le"]), term(&random, hasOld: hasOld),
          term(&random, hasOld: hasOld), lowered: random.chance(4))
      }
    }
    switch random.below(4) {
    case 0: return .not(node(&random, depth: depth - 1, hasOld: hasOld))
    case 1:
      return .both(
        (0..<(2 + random.below(2))).map { _ in node(&random, depth: depth - 1, hasOld: hasOld) })
    case 2:
      return .either(
        (0..<(2 + random.below(2))).map { _ in node(&random, depth: depth - 1, hasOld: hasOld) })
    default: return node(&random, depth: 0, hasOld: hasOld)
    }
  }

  private func words(_ random: inout RandomSource) -> Set<String> {
    Set(Self.words.filter { _ in random.chance(3) })
  }

  private func principal(_ random: inout RandomSource) -> Principal {
    var claims: [String: Value] = [:]
    for name in ["c", "e"] where random.chance(2) {
      claims[name] = .string(random.pick(Self.words))
    }
    return Principal(
      id: random.chance(3) ? nil : random.pick(Self.words), roles: words(&random),
      groups: words(&random), claims: claims)
  }

  private func row(_ random: inout RandomSource) -> [String: String?] {
    var row: [String: String?] = [:]
    for name in ["x", "y"] {
      row.updateValue(random.chance(4) ? nil : random.pick(Self.words), forKey: name)
    }
    return row
  }

  private func values(_ row: [String: String?], done: Bool?) -> [Value] {
    func value(_ name: String) -> Value { (row[name] ?? nil).map { .string($0) } ?? .null }
    return [
      .string("k"), .timestamp(0), .timestamp(0), .int64(1), .bool(false), value("x"), value("y"),
      done.map { .bool($0) } ?? .null,
    ]
  }

  @Test func `folded rules, SQL and a naive interpreter agree`() throws {
    let seed = AgreementTests.seed()
    print("rules: DATASYNC_SEED=\(seed)")
    var random = RandomSource(seed: seed)
    let database = try TestDatabase()
    try database.execute(Sample.declaration(of: Self.table))
    var (pairs, kept) = (0, 0)
    for _ in 0..<4000 {
      let hasOld = random.chance(3)
      let node = node(&random, depth: 1 + random.below(3), hasOld: hasOld)
      let rule = try Rule(parsing: node.text, table: Self.table, scope: Self.scope)
      for _ in 0..<4 {
        let principal = principal(&random)
        let sets = ["m": words(&random), "n": words(&random)]
        let bound: BoundRule =
          switch rule.folded(for: principal) {
          case .always: .always
          case .never: .never
          case .condition(let condition):
            condition.binding(sets.mapValues { OperandSet($0.map { .string($0) }) })
          }
        for _ in 0..<3 {
          let (row, old) = (row(&random), row(&random))
          let done: Bool? = random.chance(3) ? nil : random.chance(2)
          let expected =
            NaiveRules(principal: principal, sets: sets, row: row, old: old, flag: done)
            .truth(node) == true
          let values = values(row, done: done)
          let holds = try bound.holds(for: values, old: self.values(old, done: nil))
          var inSQL = holds
          if case .filter(let filter) = bound, random.chance(4) {
            try database.execute("DELETE FROM t")
            let places = values.map { _ in "?" }.joined(separator: ", ")
            try database.run("INSERT INTO t VALUES (\(places))", values)
            let sql = filter.sql
            inSQL =
              try !database.run("SELECT 1 FROM t WHERE \(sql.text)", sql.bindings).isEmpty
          }
          pairs += 1
          if expected { kept += 1 }
          guard holds == expected, inSQL == expected else {
            Issue.record(
              """
              seed \(seed): expected \(expected), folded \(holds), SQL \(inSQL)
              rule: \(node.text)
              principal: \(principal), sets: \(sets), row: \(row), old: \(old), done: \
              \(String(describing: done))
              """)
            return
          }
        }
      }
    }
    print("rules: \(pairs) pairs, \(kept) kept")
    #expect(kept > pairs / 10 && kept < pairs * 9 / 10, "the rules must tell rows apart")
  }
}
