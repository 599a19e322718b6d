import DatasyncFilterSQLite
import DatasyncModel
import DatasyncStorage

/// A served table with what only the store needs to know of it. Immutable.
final class StoredTable: Sendable {
  let table: Table
  let raw: RawTable
  let placement: Placement
  /// Positions in ``Table/columns`` of the columns that the owner's table has; ascending.
  let storedPositions: [Int]
  /// For each of ``Table/columns``.
  let plans: [FieldPlan]
  /// How values are stored, of columns of which more is known than their declarations say.
  let storages: [ColumnStorage?]
  /// Whether a value of another program may tell the form of a column, or be the first in another.
  let watchesForms: Bool
  /// Whether a column has no value yet that would tell its form.
  let hasOpenForms: Bool
  let affinities: [Affinity]
  /// Of the keys that the server makes.
  let keyForm: KeyForm
  let defaults: [Default]
  /// What SQLite would store of literal defaults, by position, where we would write them otherwise.
  let storedDefaults: [Int: StoredValue]
  /// Whether the owner has triggers on it: what is stored need not be what was written.
  let hasOwnTriggers: Bool
  /// Whether a write here may change other rows: triggers of the owner, or foreign keys that cascade.
  let hasSideEffects: Bool
  /// Whether foreign keys of other tables change those tables with it.
  let isParentWithActions: Bool
  /// Whether a foreign key from or to it is checked only when a transaction ends.
  let isInDeferredKey: Bool
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

  /// - Parameter marksDeleted: Of a table beside: whether a column of the owner's marks deleted rows.
  init(
    table: Table, raw: RawTable, placement: Placement, marksDeleted: Bool, affinities: [Affinity],
    storages: [ColumnStorage?], defaults: [Default], storedDefaults: [Int: StoredValue] = [:],
    keyForm: KeyForm = KeyForm(), isParentWithActions: Bool,
    isInDeferredKey: Bool
  ) {
    self.table = table
    self.raw = raw
    self.placement = placement
    storedPositions =
      switch placement {
      case .within: Array(table.columns.indices)
      case .beside:
        table.columns.indices.filter { index in
          index == SystemColumn.key.rawValue || index >= SystemColumn.count
            || (marksDeleted && index == SystemColumn.deleted.rawValue)
        }
      }
    self.storages = storages
    plans = zip(table.columns, storages).map { FieldPlan($0, storage: $1) }
    watchesForms = storages.contains { $0.map { !$0.isMixed && $0.form != .declared } ?? false }
    hasOpenForms = storedPositions.contains { storages[$0]?.isOpen == true }
    self.affinities = affinities
    self.keyForm = keyForm
    self.isParentWithActions = isParentWithActions
    self.isInDeferredKey = isInDeferredKey
    self.defaults = defaults
    self.storedDefaults = storedDefaults
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

  var quotedName: String { raw.name.quotedIdentifier }
  var quotedKey: String { table.key.storedName.quotedIdentifier }
  /// As the owner's table calls them, one for each of ``Table/columns``.
  var quotedColumns: [String] { table.columns.map(\.storedName.quotedIdentifier) }
  /// Those that the owner's table has, for a SELECT.
  var storedColumnList: String {
    storedPositions.map { table.columns[$0].storedName.quotedIdentifier }.joined(separator: ", ")
  }
  /// The field's name of one of the owner's columns; SQLite tells names apart without regard to case.
  func field(ofColumn name: String) -> String? {
    let name = name.asciiLowercased
    return storedPositions.lazy.map { self.table.columns[$0] }
      .first { $0.storedName.asciiLowercased == name }?.name
  }

  /// Whether SQL sees a column's values in the form in which a table of ours would store them.
  func isStoredAsRead(_ position: Int) -> Bool {
    if let storage = storages[position] {
      return storage.isAsInOurTables && storage.type == table.columns[position].type
        && (storage.form != .declared || storage.type == .bytes)
    }
    // In any other column SQLite keeps numbers as such, which a table of ours would have as text.
    return table.columns[position].type != .string || affinities[position] == .text
  }
  /// Whether rows may have NULL for a key: SQLite lets them where the key is neither the rowid nor
  /// declared NOT NULL.
  var mayLackKeys: Bool {
    !raw.isWithoutRowID && !raw.hasRowIDKey && !(raw.keyColumns.first?.isNotNull ?? true)
  }
  var marksDeleted: Bool { storedPositions.contains(SystemColumn.deleted.rawValue) }
}

/// Everything that is served, as the store sees it. Immutable.
final class Schema: Sendable {
  let catalog: Catalog
  let tables: [Int: StoredTable]
  /// Tables that are not served, and why.
  let unserved: [UnservedTable]
  /// Whether any served table's writes may change other rows, or fire the owner's triggers.
  let hasSideEffects: Bool
  let hasDeferredKeys: Bool
  /// `PRAGMA schema_version` that it was read at.
  let version: Int64
  /// What it was read from, for the next load.
  let source: RawSchema
  /// Tables by name to which nothing was left to do.
  let settled: [String: SchemaLoader.Settled]
  /// Tables by name that were looked at while the schema might be altered, and why they are not served.
  let left: [String: String]

  init(
    catalog: Catalog, tables: [StoredTable], unserved: [UnservedTable], hasDeferredKeys: Bool,
    version: Int64, source: RawSchema, settled: [String: SchemaLoader.Settled],
    left: [String: String]
  ) {
    self.catalog = catalog
    self.tables = Dictionary(uniqueKeysWithValues: tables.map { ($0.table.id, $0) })
    self.unserved = unserved
    hasSideEffects = tables.contains(where: \.hasSideEffects)
    self.hasDeferredKeys = hasDeferredKeys
    self.version = version
    self.source = source
    self.settled = settled
    self.left = left
  }

  func stored(_ table: Table) -> StoredTable? { tables[table.id] }
}
