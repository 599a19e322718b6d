import DatasyncAccess
import DatasyncModel
import DatasyncStorage

/// Judges the writes of one request by its caller's memberships, as the request's transaction has them.
/// Confined to the request.
final class MembershipJudge: WriteJudge {
  private let rights: Rights
  private let rows: any RowSource
  /// The tables whose rows make up sets.
  private let tables: Set<Int>
  /// By table; good until a row of ``tables`` changes.
  private var known: [Int: Rights.TableRightsAtHand] = [:]

  init(_ rights: Rights, _ rows: any RowSource) {
    self.rights = rights
    self.rows = rows
    tables = rights.rules.membershipTables
  }

  func prepare(for table: Table) throws(DatasyncError) {
    _ = try bound(table)
  }

  func rowsChanged(in tableID: Int) {
    if tables.contains(tableID) { known.removeAll() }
  }

  private func bound(_ table: Table) throws(DatasyncError) -> BoundRights {
    if let rights = known[table.id] { return rights.bound }
    let rights = try self.rights.bound(table, in: rows)
    known[table.id] = rights
    return rights.bound
  }

  func mayRead(_ row: RowImage, in table: Table) throws(DatasyncError) -> Bool {
    try bound(table).holds(\.read, of: row)
  }

  func mayCreate(_ row: RowImage, in table: Table) throws(DatasyncError) -> Bool {
    try bound(table).holds(\.create, of: row)
  }

  func mayUpdate(_ row: RowImage, in table: Table) throws(DatasyncError) -> Bool {
    try bound(table).holds(\.before, of: row)
  }

  func mayUpdate(
    _ row: RowImage, to after: RowImage, in table: Table
  ) throws(DatasyncError) -> Bool {
    try bound(table).holds(\.after, of: after, old: row)
  }

  func mayDelete(_ row: RowImage, in table: Table) throws(DatasyncError) -> Bool {
    try bound(table).holds(\.delete, of: row)
  }

  func valuesSet(in table: Table) -> [Int: Value] { rights.valuesSet(in: table) }
  func columnsKept(in table: Table) -> Set<Int> { rights.columnsKept(in: table) }
}
