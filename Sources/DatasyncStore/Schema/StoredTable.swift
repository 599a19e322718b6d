import DatasyncModel

/// A served table with what only the store needs to know of it. Immutable.
final class StoredTable: Sendable {
  let table: Table
  let raw: RawTable
  /// For each of ``Table/columns``.
  let affinities: [Affinity]
  let defaults: [Default]
  /// Whether the owner has triggers on it: what is stored need not be what was written.
  let hasOwnTriggers: Bool
  /// Whether a write here may change other rows: triggers of the owner, or foreign keys that cascade.
  let hasSideEffects: Bool
  /// Whether a write can leave something behind that fails only later.
  let needsSavepoint: Bool
  /// Whether what is stored follows from what was written, so that it need not be read again.
  let isPredictable: Bool

  /// What a column becomes where nothing is written. A value.
  enum Default: Hashable, Sendable {
    case null
    /// The same every time.
    case literal(Value)
    /// SQL to be asked each time.
    case expression(String)
  }

  init(
    table: Table, raw: RawTable, affinities: [Affinity], defaults: [Default],
    isParentWithActions: Bool, isInDeferredKey: Bool
  ) {
    self.table = table
    self.raw = raw
    self.affinities = affinities
    self.defaults = defaults
    hasOwnTriggers = raw.triggers.contains { !$0.isOurs }
    hasSideEffects = hasOwnTriggers || isParentWithActions
    isPredictable =
      !hasOwnTriggers
      && !zip(table.columns, affinities).contains { StoredTable.isConverted($0, $1) }
    needsSavepoint = hasSideEffects || isInDeferredKey || !isPredictable
  }

  /// Whether SQLite may make something else of a column's value.
  private static func isConverted(_ column: Column, _ affinity: Affinity) -> Bool {
    switch column.type {
    case .json(asWritten: false): true
    case .enumeration: affinity == .numeric
    default: column.isGenerated
    }
  }

  var quotedName: String { table.name.quotedIdentifier }
  var quotedKey: String { table.key.name.quotedIdentifier }
  var quotedColumns: [String] { table.columns.map(\.name.quotedIdentifier) }
}

/// Everything that is served, as the store sees it. Immutable.
final class Schema: Sendable {
  let catalog: Catalog
  let tables: [Int: StoredTable]
  /// Tables that are not served, and why.
  let unserved: [(name: String, reason: String)]
  /// Whether any served table's writes may change other rows, or fire the owner's triggers.
  let hasSideEffects: Bool
  let hasDeferredKeys: Bool
  /// `PRAGMA schema_version` that it was read at.
  let version: Int64

  init(
    catalog: Catalog, tables: [Int: StoredTable], unserved: [(name: String, reason: String)],
    hasDeferredKeys: Bool, version: Int64
  ) {
    self.catalog = catalog
    self.tables = tables
    self.unserved = unserved
    hasSideEffects = tables.values.contains(where: \.hasSideEffects)
    self.hasDeferredKeys = hasDeferredKeys
    self.version = version
  }

  func stored(_ table: Table) -> StoredTable? { tables[table.id] }
}
