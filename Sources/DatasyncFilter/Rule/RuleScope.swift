import DatasyncModel

/// What a rule may name. A value.
package struct RuleScope: Sendable {
  /// Of `@principal.claims.NAME`: `.string`, `.int64`, `.double` or `.bool`.
  package var claims: [String: ExpressionType]
  /// Of the values of `@principal.NAME`.
  package var memberships: [String: ExpressionType]
  /// Whether the row that is judged may be named.
  package var hasColumns: Bool
  /// Whether `@old.column` may be: the row as it was.
  package var hasOldRow: Bool

  package init(
    claims: [String: ExpressionType] = [:], memberships: [String: ExpressionType] = [:],
    hasColumns: Bool = true, hasOldRow: Bool = false
  ) {
    self.claims = claims
    self.memberships = memberships
    self.hasColumns = hasColumns
    self.hasOldRow = hasOldRow
  }
}

/// The names of a rule, and where its values lie: as one wide row of the row that is judged, the row
/// as it was, and what is known of the principal. A value.
struct RuleNames: Sendable {
  static let id = "@principal.id"
  static let roles = "@principal.roles"
  static let groups = "@principal.groups"
  private static let claim = "@principal.claims."
  private static let principal = "@principal."
  private static let old = "@old."

  let table: Table
  let scope: RuleScope
  /// In the order in which they lie.
  let claims: [String]
  /// Of the wide row.
  let wideTable: Table

  init(table: Table, scope: RuleScope) {
    self.table = table
    self.scope = scope
    claims = scope.claims.keys.sorted()
    var columns = table.columns
    var number = columns.map(\.number).max() ?? 0
    func add(_ name: String, _ type: ColumnType) {
      number += 1
      columns.append(Column(name: name, type: type, number: number, isNullable: true))
    }
    for column in table.columns { add(RuleNames.old + column.name, column.type) }
    add(RuleNames.id, .string)
    for name in claims {
      add(RuleNames.claim + name, scope.claims[name]?.columnType ?? .string)
    }
    wideTable = Table(
      id: table.id, name: table.name, messageName: table.messageName, columns: columns)
  }

  /// Of the first column of the row as it was.
  private var oldStart: Int { table.columns.count }
  private var principalStart: Int { 2 * table.columns.count }

  func isOfOldRow(_ position: Int) -> Bool { (oldStart..<principalStart).contains(position) }
  func isOfPrincipal(_ position: Int) -> Bool { position >= principalStart }

  /// The principal's value at a place of the wide row; nil: it is absent.
  func value(at position: Int, of principal: Principal) -> Operand? {
    let index = position - principalStart
    let value =
      index == 0 ? principal.id.map { Value.string($0) } : principal.claims[claims[index - 1]]
    guard let value, !value.isNull else { return nil }
    let operand = ExpressionType(wideTable.columns[position].type).operandKind.read(value)
    return operand.isNull ? nil : operand
  }

  /// The claim at a place of the wide row; nil: it is the id.
  func claim(at position: Int) -> String? {
    let index = position - principalStart
    return index > 0 ? claims[index - 1] : nil
  }

  // MARK: - Names

  /// The place in the wide row.
  func position(of name: String, at position: Int) throws(ParseFault) -> Int {
    guard name.hasPrefix("@") else {
      guard scope.hasColumns else {
        throw ParseFault(
          at: position,
          "found '\(name.shortened)'; no column of a row has a place here, only the principal")
      }
      return try table.position(ofField: name, at: position)
    }
    if name.hasPrefix(RuleNames.old) { return try oldPosition(of: name, at: position) }
    if name == RuleNames.roles || name == RuleNames.groups || set(named: name) != nil {
      throw ParseFault(at: position, "found \(name), which is a set; write … in \(name)")
    }
    let names = [RuleNames.id] + claims.map { RuleNames.claim + $0 }
    guard let index = names.firstIndex(where: { TextOrder.areEqual($0, name) }) else {
      throw unknown(name, at: position, among: names)
    }
    return principalStart + index
  }

  private func oldPosition(of name: String, at position: Int) throws(ParseFault) -> Int {
    guard scope.hasOldRow else {
      throw ParseFault(
        at: position,
        "found \(name.shortened); the row as it was has a place only in `after` of an update")
    }
    let column = String(name.dropFirst(RuleNames.old.count))
    return oldStart + (try table.position(ofField: column, at: position))
  }

  /// The set of that name, and the type of its values.
  func set(_ name: String, at position: Int) throws(ParseFault) -> (name: String, ExpressionType) {
    if name == RuleNames.roles || name == RuleNames.groups { return (name, .string) }
    if let set = set(named: name) { return set }
    let names =
      [RuleNames.roles, RuleNames.groups]
      + scope.memberships.keys.sorted().map { RuleNames.principal + $0 }
    throw unknown(name, at: position, among: names)
  }

  private func set(named name: String) -> (name: String, ExpressionType)? {
    guard name.hasPrefix(RuleNames.principal) else { return nil }
    let membership = String(name.dropFirst(RuleNames.principal.count))
    return scope.memberships[membership].map { (membership, $0) }
  }

  private func unknown(_ name: String, at position: Int, among names: [String]) -> ParseFault {
    ParseFault(
      at: position,
      "found '\(name.shortened)', which says nothing of a principal"
        + NameSuggestion.clauseOrList(for: name, among: names, kind: "names"))
  }
}

extension ExpressionType {
  /// Of a claim.
  fileprivate var columnType: ColumnType? {
    switch self {
    case .string: .string
    case .int64: .int64
    case .double: .double
    case .bool: .bool
    case .null, .decimal, .bytes, .timestamp, .date, .timeOfDay, .uuid, .enumeration: nil
    }
  }
}
