import DatasyncModel

/// A table as SQLite describes it, before anyone asks whether it can be served. A value.
struct RawTable: Sendable {
  struct Column: Sendable {
    let name: String
    let declaredType: String
    let isNotNull: Bool
    /// The default's SQL.
    let defaultSQL: String?
    /// Position in the primary key from 1; 0: not in it.
    let keyPosition: Int
    let isGenerated: Bool
  }

  /// A UNIQUE constraint or index on plain columns.
  struct UniqueKey: Hashable, Sendable {
    let columns: [String]
    let collations: [String]
  }

  struct ForeignKey: Hashable, Sendable {
    let parent: String
    let columns: [String]
    /// Empty: the parent's primary key.
    let parentColumns: [String]
    let onUpdate: String
    let onDelete: String

    /// Whether SQLite changes the child's rows when the parent's change.
    var hasAction: Bool {
      ![onUpdate, onDelete].allSatisfy { ["NO ACTION", "RESTRICT"].contains($0.uppercased()) }
    }
  }

  struct Trigger: Hashable, Sendable {
    let name: String
    let sql: String

    /// Whether it is one of the capture triggers, by its name and by what it writes to.
    var isOurs: Bool {
      CaptureTriggers.tableID(ofTrigger: name) != nil && sql.contains("datasync_")
    }
  }

  let name: String
  let sql: String
  let isWithoutRowID: Bool
  let isStrict: Bool
  let columns: [Column]
  let uniqueKeys: [UniqueKey]
  let hasKeyIndex: Bool
  let foreignKeys: [ForeignKey]
  var triggers: [Trigger]
  /// Whether a REPLACE may remove rows of other keys: by a unique index besides the key's, or by a
  /// rowid that is not the key.
  let hasHiddenConflicts: Bool
  let replaceConflicts: ReplaceConflicts
  let keyCollation: String
  let text: CreateTableText
  /// Whether Swift takes its name for that of a table before it.
  var isNamedAlike = false

  var keyColumns: [Column] {
    columns.filter { $0.keyPosition > 0 }.sorted { $0.keyPosition < $1.keyPosition }
  }

  /// Whether an UPDATE may write columns as they are, and nobody notices: neither the owner's triggers,
  /// nor foreign keys that rows have broken while they were not checked.
  var mayUpdateUnchanged: Bool {
    foreignKeys.isEmpty && triggers.allSatisfy(\.isOurs)
  }

  func column(_ name: String) -> Column? {
    let name = name.asciiLowercased
    return columns.first { $0.name.asciiLowercased == name }
  }

  /// Whether the key is SQLite's rowid under another name.
  var hasRowIDKey: Bool {
    guard !isWithoutRowID, !hasKeyIndex, let key = keyColumns.first else { return false }
    return key.declaredType.asciiLowercased == "integer"
  }

  /// A name by which SQL reaches the rowid of a table whose key is another; nil: there is none.
  var hiddenRowID: String? {
    guard !isWithoutRowID, !hasRowIDKey else { return nil }
    return ["rowid", "oid", "_rowid_"].first { column($0) == nil }
  }

  /// Why the table cannot be served, system columns aside; nil: it can.
  var obstacle: String? {
    if isNamedAlike {
      return "another table has the same name, with its letters composed otherwise: rename one"
    }
    if let column = columnNamedAlike {
      return
        "two of its columns are named \(column), with its letters composed otherwise: rename one"
    }
    guard !keyColumns.isEmpty else {
      return "it has no primary key: declare one column TEXT or INTEGER PRIMARY KEY"
    }
    guard keyColumns.count == 1, let key = keyColumns.first else {
      let names = keyColumns.map(\.name).joined(separator: ", ")
      return "its primary key has \(keyColumns.count) columns (\(names)): one column is served"
    }
    switch DeclaredType(parsing: key.declaredType, enumeration: nil).type {
    case .int64, .string, .uuid: break
    default:
      return
        "its key \(key.name) is declared \(key.declaredType.isEmpty ? "without a type" : key.declaredType): "
        + "TEXT or INTEGER is served"
    }
    guard keyCollation.asciiLowercased == "binary" else {
      return "its key \(key.name) compares \(keyCollation): only BINARY keys are served"
    }
    return nil
  }

  private var columnNamedAlike: String? {
    var names: Set<String> = []
    return columns.first { !names.insert($0.name).inserted }?.name
  }

  /// Why the system fields cannot be kept in columns of the table: columns of their names, where the
  /// owner has them, must be able to hold what the system writes.
  ///
  /// - Parameter isOurs: Whether they have been ours. A tool that rebuilds the table may have written
  ///   their types as affinities; of the owner's own, only what is declared as we declare it is taken.
  func systemColumnObstacle(isOurs: Bool) -> String? {
    for system in SystemColumn.allCases where system != .key {
      let name = SystemColumn.names[system.rawValue]
      guard let column = column(name) else { continue }
      guard column.keyPosition == 0 else { return "its key is named \(column.name)" }
      guard !column.isGenerated else { return "its column \(column.name) is generated" }
      let affinity = DeclaredType(parsing: column.declaredType, enumeration: nil).affinity
      guard isOurs || column.name == name else {
        return
          "its column \(column.name) is the owner's: only \(name), in small letters, is the system's"
      }
      let declaration = SystemColumnDeclaration.declared(system, isStrict: false)
      guard affinity != .text, isOurs || affinity != .real else {
        return "its column \(column.name) is declared \(column.declaredType), but the system keeps "
          + "an integer there: declare it \(declaration), or name it otherwise"
      }
      guard isOurs || SystemColumnDeclaration.isOurs(column, system) else {
        return "its column \(column.name) is not declared as the system's is, \(declaration): "
          + "name it otherwise, or keep the system fields beside the table"
      }
    }
    return nil
  }

  /// Why rows could go from the table without being seen if its system fields were within.
  var withinObstacle: String? {
    replaceConflicts.obstacle.map {
      "\($0), so that a table within would not learn that they are gone: keep the system fields "
        + "beside it (`datasync attach --beside`), or make the index otherwise"
    }
  }

  /// Whether the triggers of ours on a table within find the rows that a REPLACE removes; not by an
  /// index that has come since.
  var findsReplaceConflicts: Bool {
    let found = triggers.filter(\.isOurs).map(\.sql).joined()
    return replaceConflicts.conditions.allSatisfy { found.contains(ImageCapture.sought(by: $0)) }
  }

  /// The system columns that are not there yet.
  var missingSystemColumns: [SystemColumn] {
    SystemColumn.allCases.filter {
      $0 != .key && column(SystemColumn.names[$0.rawValue]) == nil
    }
  }
}

/// How `attach` declares the columns that it adds.
enum SystemColumnDeclaration {
  /// ALTER TABLE ADD COLUMN takes constant defaults only, so times begin as NULL.
  static func declared(_ column: SystemColumn, isStrict: Bool) -> String {
    switch column {
    case .key: "TEXT PRIMARY KEY"
    case .createdAt, .updatedAt: isStrict ? "INTEGER" : "TIMESTAMP"
    case .version: "INTEGER"
    case .deleted: isStrict ? "INTEGER NOT NULL DEFAULT 0" : "BOOLEAN NOT NULL DEFAULT 0"
    }
  }

  /// Whether a column is declared as one that the system keeps: an integer that nobody else fills.
  static func isOurs(_ column: RawTable.Column, _ system: SystemColumn) -> Bool {
    let type = column.declaredType.asciiLowercased
    switch system {
    case .key: return false
    case .createdAt, .updatedAt:
      return ["timestamp", "integer"].contains(type) && column.defaultSQL == nil
        && !column.isNotNull
    case .version: return type == "integer" && column.defaultSQL == nil && !column.isNotNull
    case .deleted:
      return ["boolean", "integer"].contains(type)
        && [nil, "0", "false"].contains(column.defaultSQL?.asciiLowercased)
    }
  }
}
