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
  private let rules: AccessRules
  private let known = Mutex<[Int: TableRightsAtHand]>([:])

  /// ``TableRights`` that can be asked. A value.
  struct TableRightsAtHand: Sendable {
    let folded: TableRights
    let bound: BoundRights
    /// Without the names of columns that the caller must not know of.
    let shown: Table
  }

  init(of principal: Principal, by rules: AccessRules, version: Int) {
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

  /// What of a table's rows is read.
  ///
  /// - Parameter terms: Of the filters that are judged together with the rule.
  /// - Throws: PERMISSION_DENIED, where no row may be read.
  func reading(_ table: Table, terms: TextTerms? = nil) throws(DatasyncError) -> Reading {
    _ = try self.table(table, for: .read)
    let rights = try of(table)
    let rule =
      terms == nil ? rights.bound.read : rights.folded.binding([:], terms: terms).read
    let hidden = rights.folded.hidden.sorted().map(String.init).joined(separator: ",")
    guard case .filter(let filter) = rule else { return Reading(rule: nil, key: hidden) }
    return Reading(rule: filter, key: "\(hidden)\0\(filter.text)\0\(key)")
  }

  /// What the caller may read of a stored row; nil: nothing of it.
  func shown(_ image: RowImage, of table: Table) -> RowImage? {
    guard let reading = try? reading(table), let rights = try? of(table),
      reading.shows(image, faults: [], in: table)
    else { return nil }
    guard !rights.folded.hidden.isEmpty else { return image }
    let numbers = rights.folded.table.columns.indices.filter {
      !rights.folded.hidden.contains($0)
    }.map { rights.folded.table.columns[$0].number }
    return RowDecoder.image(image, keepingNumbers: Set(numbers))
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

/// Which rows of a table a caller may read. A value.
struct Reading: Sendable {
  /// nil: all of them.
  let rule: Filter?
  /// Equal only where what is read is equal.
  let key: String

  /// Whether a row is there for the caller; false where the rule needs a value that cannot be read.
  func shows(_ image: RowImage, faults: [RowFault], in table: Table) -> Bool {
    guard let rule else { return true }
    let needed = rule.columns.map { rule.table.columns[$0].number }
    guard !faults.contains(where: { needed.contains($0.number) }) else { return false }
    let values = RowDecoder.values(of: image, table: rule.table, columns: ColumnMask(rule.columns))
    return (try? rule.matches(values)) ?? false
  }
}

// Asked by the store, of rows of the schema that it has at that moment: columns keep their numbers.
extension Rights: WriteRules {
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
    let values = RowDecoder.values(of: row, table: rights.table)
    let old = old.map { RowDecoder.values(of: $0, table: rights.table) }
    return (try? rights[keyPath: rule].holds(for: values, old: old)) ?? false
  }
}
