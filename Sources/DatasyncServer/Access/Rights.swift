import DatasyncAccess
import DatasyncFilter
import DatasyncMessages
import DatasyncModel
import DatasyncStorage
import Synchronization

/// What one caller may see and do, by the rules as they were when it was made. Sendable: what it knows of a
/// table is made when it is first asked for, under a lock.
final class Rights: Sendable {
  let principal: Principal
  /// Of the rules: rises when they, or the schema, change.
  let version: Int
  /// Names the principal, and all that rules can say of it: views of callers with the same one are the same.
  let key: String
  let rules: AccessRules
  private let memberships: MembershipCache
  private let known = Mutex<[Int: TableRightsAtHand]>([:])

  /// ``TableRights`` that can be asked. A value.
  struct TableRightsAtHand: Sendable {
    let folded: TableRights
    /// Of no use where the rules need memberships.
    let bound: BoundRights
    /// Without the names of columns that the caller must not know of.
    let shown: Table
  }

  init(
    of principal: Principal, by rules: AccessRules, version: Int, _ memberships: MembershipCache
  ) {
    self.memberships = memberships
    self.principal = principal
    self.rules = rules
    self.version = version
    key = Rights.key(of: principal)
  }

  // MARK: - Tables

  /// Whether the table has rules of its own in the access file.
  func names(_ table: Table) -> Bool { rules.file.tables[table.name] != nil }

  /// - Throws: PERMISSION_DENIED, reason RULE_BROKEN.
  func of(_ table: Table) throws(DatasyncError) -> TableRightsAtHand {
    if let rights = known.withLock({ $0[table.id] }) { return rights }
    let folded = try rules.rights(of: principal, on: table)
    let rights = TableRightsAtHand(
      folded: folded, bound: folded.binding([:]), shown: folded.table.hiding(folded.hidden))
    known.withLock { $0[table.id] = rights }
    return rights
  }

  /// Whether the table exists for the caller; also where a rule of it is broken, which it is told of.
  func knows(_ table: Table) -> Bool {
    do throws(DatasyncError) {
      return try !of(table).folded.allowed.isEmpty
    } catch {
      return true
    }
  }

  /// The table as the caller sees it.
  ///
  /// - Throws: PERMISSION_DENIED, reason OPERATION_NOT_ALLOWED or RULE_BROKEN.
  func table(_ table: Table, for operation: TableRights.Operation) throws(DatasyncError) -> Table {
    let rights = try of(table)
    guard rights.folded.allows(operation) else {
      throw DatasyncError(
        .permissionDenied, reason: "OPERATION_NOT_ALLOWED",
        "you may not \(operation) rows of \(table.name)", metadata: ["table": table.name])
    }
    return rights.shown
  }

  /// Those of which the caller may read rows, as it sees them.
  ///
  /// - Throws: PERMISSION_DENIED, where there are none.
  func readable(_ catalog: Catalog) throws(DatasyncError) -> [Table] {
    let tables = catalog.tables.compactMap { try? self.table($0, for: .read) }
    guard tables.isEmpty else { return tables }
    throw DatasyncError(
      .permissionDenied, reason: "OPERATION_NOT_ALLOWED", "you may read rows of no table")
  }

  /// What of a table's rows is read, by sets that belong to the principal.
  ///
  /// - Parameters:
  ///   - sets: Those of ``memberships(for:in:)``; one that is missing is empty.
  ///   - terms: Of the filters that are judged together with the rule.
  /// - Throws: PERMISSION_DENIED, where no row may be read.
  func reading(
    _ table: Table, by sets: MembershipSets = .none, terms: TextTerms? = nil
  ) throws(DatasyncError) -> Reading {
    _ = try self.table(table, for: .read)
    let rights = try of(table)
    guard rights.folded.read.memberships.isEmpty else {
      return reading(rights, rights.folded.read.binding(sets.values, terms: terms), by: sets)
    }
    return reading(
      rights,
      terms == nil ? rights.bound.read : rights.folded.binding([:], terms: terms).read)
  }

  /// The same by the sets that rows make up; then ``tablesRead(for:)`` are among the rows that are read.
  func reading(
    _ table: Table, in rows: any RowSource
  ) throws(DatasyncError) -> (Reading, MembershipSets) {
    _ = try self.table(table, for: .read)
    let rights = try of(table)
    let sets = try self.sets(rights.folded.read.memberships, in: rows)
    return (reading(rights, rights.folded.read.binding(sets.values), by: sets), sets)
  }

  private func reading(
    _ rights: TableRightsAtHand, _ rule: BoundRule, by sets: MembershipSets = .none
  ) -> Reading {
    let hidden = rights.folded.hidden.sorted().map(String.init).joined(separator: ",")
    let reader = "\(key)\(sets.digestText)"
    switch rule {
    case .always: return Reading(rule: nil, key: hidden)
    case .filter(let filter):
      return Reading(rule: filter, key: "\(hidden)\0\(filter.text)\0\(reader)")
    // A rule for reading knows of no row before.
    case .never, .pair: return Reading(rule: nil, isEmpty: true, key: "\(hidden)\0\0\(reader)")
    }
  }

  // MARK: - Memberships

  /// Whether the other's are the same: of the same principal, by the same rules.
  func isSame(as other: Rights) -> Bool { version == other.version && key == other.key }

  /// The memberships on which it depends what the caller may read.
  ///
  /// - Parameter table: nil: of all tables.
  func memberships(for table: Table?, in catalog: Catalog) -> Set<String> {
    guard !rules.membershipTables.isEmpty else { return [] }
    let tables = table.map { [$0] } ?? catalog.tables
    return tables.reduce(into: []) { names, table in
      guard let rights = try? of(table) else { return }
      names.formUnion(rights.folded.read.memberships)
    }
  }

  /// - Throws: RESOURCE_EXHAUSTED, reason MAX_MEMBERSHIP_VALUES; what reading the rows throws.
  func sets(
    _ names: Set<String>, in rows: any RowSource
  ) throws(DatasyncError) -> MembershipSets {
    try memberships.sets(names, of: self, in: rows)
  }

  /// The rows of a table that may be read by some sets and not by others.
  func difference(
    in table: Table, from old: MembershipSets, to new: MembershipSets
  ) -> RuleDifference {
    guard case .condition(let rule)? = try? of(table).folded.read else { return .none }
    return rule.difference(from: old.values, to: new.values)
  }

  /// The tables, by id, by whose rows it is judged what the caller may read of one; empty: none.
  func tablesRead(for table: Table) -> Set<Int> {
    guard let needed = try? of(table).folded.read.memberships, !needed.isEmpty else { return [] }
    return Set(rules.memberships(for: needed).map(\.table.id))
  }

  /// The rules of a table with the sets that rows make up.
  func bound(_ table: Table, in rows: any RowSource) throws(DatasyncError) -> TableRightsAtHand {
    let rights = try of(table)
    guard !rights.folded.memberships.isEmpty else { return rights }
    let sets = try self.sets(rights.folded.memberships, in: rows)
    return TableRightsAtHand(
      folded: rights.folded, bound: rights.folded.binding(sets.values), shown: rights.shown)
  }

  /// A row that the caller may read, without the columns that it must not know of; nil: nothing of it.
  func withoutHidden(_ image: RowImage, of table: Table) -> RowImage? {
    guard let rights = try? of(table) else { return nil }
    guard !rights.folded.hidden.isEmpty else { return image }
    let numbers = rights.folded.table.columns.indices.filter {
      !rights.folded.hidden.contains($0)
    }.map { rights.folded.table.columns[$0].number }
    return RowDecoder.image(image, keepingNumbers: Set(numbers))
  }

  /// What the database has against a row, without the names of columns that the caller must not know of.
  func withoutHidden(_ error: DatasyncError, in catalog: Catalog) -> DatasyncError {
    guard error.reason == "CONSTRAINT_VIOLATION" else { return error }
    let named = error.metadata["table"].flatMap { catalog.table(named: $0) }
    let hidden = (named.map { [$0] } ?? catalog.tables).flatMap { table -> [String] in
      guard let rights = try? of(table).folded else { return [] }
      return rights.hidden.map { rights.table.columns[$0].name }
    }
    // A CHECK is told by its text.
    guard hidden.contains(where: { error.message.contains($0) }) else { return error }
    let shown = error.violations.filter { violation in
      !hidden.contains { violation.field == $0 || violation.description.contains($0) }
    }
    let told = shown.map { "\($0.field): \($0.description)" }
    var metadata = error.metadata
    if metadata["column"].map({ hidden.contains($0) }) ?? false { metadata["column"] = nil }
    return DatasyncError(
      error.code, reason: error.reason,
      told.isEmpty
        ? "the row cannot be stored as it is, for a reason that is not yours to see"
        : told.joined(separator: "; "), metadata: metadata, violations: shown)
  }

  /// All that rules can say of a principal, so that no two have the same text.
  private static func key(of principal: Principal) -> String {
    var writer = WireWriter(reservingCapacity: 64)
    writer.append(field: 1, bool: principal.id != nil)
    writer.append(field: 2, string: principal.id ?? "")
    for role in principal.roles.sorted() { writer.append(field: 3, string: role) }
    for group in principal.groups.sorted() { writer.append(field: 4, string: group) }
    for (name, value) in principal.claims.sorted(by: { $0.key < $1.key }) {
      writer.append(field: 5, string: name)
      writer.append(field: 6, string: "\(value)")
    }
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

/// Which rows of a table a caller may read. Immutable: a reference, since plans of those who may read
/// everything have room for it, too.
final class Reading: Sendable {
  /// nil: all of them, or none.
  let rule: Filter?
  /// Whether no row fulfils it.
  let isEmpty: Bool
  /// Equal only where what is read is equal.
  let key: String

  init(rule: Filter?, isEmpty: Bool = false, key: String) {
    self.rule = rule
    self.isEmpty = isEmpty
    self.key = key
  }

  /// Whether a row is there for the caller; false where the rule needs a value that cannot be read.
  func shows(_ image: RowImage, faults: [RowFault]) -> Bool {
    guard !isEmpty else { return false }
    guard let rule else { return true }
    let needed = rule.columns.map { rule.table.columns[$0].number }
    guard !faults.contains(where: { needed.contains($0.number) }) else { return false }
    let values = RowDecoder.values(of: image, table: rule.table, columns: ColumnMask(rule.columns))
    return (try? rule.matches(values)) ?? false
  }
}

// Asked by the store, of rows of the schema that it has at that moment: columns keep their numbers.
extension Rights: WriteRules, WriteJudge {
  func judge(in rows: any RowSource) -> any WriteJudge {
    rules.membershipTables.isEmpty ? self : MembershipJudge(self, rows)
  }

  func mayRead(_ row: RowImage, in table: Table) -> Bool {
    holds(\.read, of: row, in: table)
  }

  func mayCreate(_ row: RowImage, in table: Table) -> Bool {
    holds(\.create, of: row, in: table)
  }

  func mayUpdate(_ row: RowImage, in table: Table) -> Bool {
    holds(\.before, of: row, in: table)
  }

  func mayUpdate(_ row: RowImage, to after: RowImage, in table: Table) -> Bool {
    holds(\.after, of: after, old: row, in: table)
  }

  func mayDelete(_ row: RowImage, in table: Table) -> Bool {
    holds(\.delete, of: row, in: table)
  }

  func valuesSet(in table: Table) -> [Int: Value] {
    guard let rights = try? of(table).folded else { return [:] }
    var values: [Int: Value] = [:]
    for (column, value) in rights.values where !value.isNull {
      if let column = table.index(ofNumber: rights.table.columns[column].number) {
        values[column] = value
      }
    }
    return values
  }

  func columnsKept(in table: Table) -> Set<Int> {
    guard let rights = try? of(table).folded else { return [] }
    let columns = rights.hidden.union(rights.values.map(\.column))
    return Set(columns.compactMap { table.index(ofNumber: rights.table.columns[$0].number) })
  }

  /// False where the rule cannot be asked.
  private func holds(
    _ rule: KeyPath<BoundRights, BoundRule>, of row: RowImage, old: RowImage? = nil,
    in table: Table
  ) -> Bool {
    guard let rights = try? of(table).bound else { return false }
    return rights.holds(rule, of: row, old: old)
  }
}

extension BoundRights {
  /// False where the rule cannot be asked.
  func holds(
    _ rule: KeyPath<BoundRights, BoundRule>, of row: RowImage, old: RowImage? = nil
  ) -> Bool {
    let values = RowDecoder.values(of: row, table: table)
    let old = old.map { RowDecoder.values(of: $0, table: table) }
    return (try? self[keyPath: rule].holds(for: values, old: old)) ?? false
  }
}
