import DatasyncModel

/// Makes the served table from what SQLite says of it and what is remembered of it.
struct StoredTableBuilder {
  let connection: Connection
  let options: StoreOptions
  let previous: Schema?
  private let parentsWithActions: Set<String>
  private let inDeferredKeys: Set<String>

  /// - Parameter all: The tables that are not served, too: their keys may point at those that are.
  init(connection: Connection, options: StoreOptions, previous: Schema?, all: [RawTable]) {
    self.connection = connection
    self.options = options
    self.previous = previous
    var parentsWithActions: Set<String> = []
    var inDeferredKeys: Set<String> = []
    for raw in all {
      for key in raw.foreignKeys {
        if key.hasAction { parentsWithActions.insert(key.parent.asciiLowercased) }
        if raw.text.hasDeferredKey {
          inDeferredKeys.insert(key.parent.asciiLowercased)
          inDeferredKeys.insert(raw.name.asciiLowercased)
        }
      }
    }
    self.parentsWithActions = parentsWithActions
    self.inDeferredKeys = inDeferredKeys
  }

  /// Whether the other tables have the same part in a table as when it was built.
  func isSameAmongOthers(_ stored: StoredTable) -> Bool {
    let name = stored.raw.name.asciiLowercased
    return stored.isParentWithActions == parentsWithActions.contains(name)
      && stored.isInDeferredKey == inDeferredKeys.contains(name)
  }

  private struct Part {
    var column: Column
    var affinity: Affinity
    var defaultSQL: String?
    var storage: ColumnStorage?
  }

  func build(_ raw: RawTable, _ entry: TableEntry) throws(SQLiteFailure) -> StoredTable {
    let parts = self.parts(raw, entry)
    let table = Table(
      id: entry.id, name: raw.name,
      messageName: options.messagePackage.isEmpty
        ? entry.message : "\(options.messagePackage).\(entry.message)",
      columns: parts.map(\.column), softDelete: entry.softDelete,
      generation: (previous?.catalog.generation ?? 0) + 1, comment: raw.text.comment,
      columnComments: comments(raw, parts))
    var defaults: [StoredTable.Default] = []
    for part in parts {
      defaults.append(
        try DefaultReader(connection: connection).value(
          of: part.defaultSQL, column: part.column, affinity: part.affinity,
          form: part.storage?.form))
    }
    var storedDefaults: [Int: StoredValue] = [:]
    for (index, part) in parts.enumerated() {
      guard case .literal(let value) = defaults[index], let sql = part.defaultSQL,
        let storage = part.storage, storage.form != .declared
      else { continue }
      let found = try DefaultReader(connection: connection).stored(sql, affinity: part.affinity)
      let written = try? FormWriter.stored(
        value, type: storage.type, form: storage.form, isNumeric: part.affinity == .numeric)
      if written != found { storedDefaults[index] = found }
    }
    let name = raw.name.asciiLowercased
    return StoredTable(
      table: kept(table) ?? table, raw: raw, placement: entry.placement,
      marksDeleted: entry.column(of: .deleted, in: raw) != nil,
      affinities: parts.map(\.affinity), storages: parts.map(\.storage), defaults: defaults,
      storedDefaults: storedDefaults, keyForm: try KeyForm(of: raw, on: connection),
      isParentWithActions: parentsWithActions.contains(name),
      isInDeferredKey: inDeferredKeys.contains(name))
  }

  /// The columns in order of number; of a table beside, with the system fields that it does not have.
  private func parts(_ raw: RawTable, _ entry: TableEntry) -> [Part] {
    let names = fieldNames(raw, entry)
    var parts: [Part] = []
    for column in raw.columns {
      let number = entry.numbers[column.name] ?? 0
      let declared = raw.declaredType(of: column)
      let storage = entry.storage(of: column, in: raw)
      let type =
        switch number {
        case 1:
          declared.type == .int64 ? ColumnType.int64 : declared.type == .uuid ? .uuid : .string
        case 2, 3: ColumnType.timestamp
        case 4: ColumnType.int64
        case 5: ColumnType.bool
        default: storage?.type ?? declared.type
        }
      parts.append(
        Part(
          column: Column(
            name: names[number] ?? column.name, storedName: column.name, type: type,
            number: number, isNullable: number > SystemColumn.count && !column.isNotNull,
            hasDefault: column.defaultSQL != nil, isSystem: number <= SystemColumn.count,
            isGenerated: column.isGenerated),
          affinity: declared.affinity, defaultSQL: column.defaultSQL, storage: storage))
    }
    for system in SystemColumn.allCases
    where !parts.contains(where: { $0.column.number == system.rawValue + 1 }) {
      let type: ColumnType =
        switch system {
        case .key: .string
        case .createdAt, .updatedAt: .timestamp
        case .version: .int64
        case .deleted: .bool
        }
      parts.append(
        Part(
          column: Column(
            name: names[system], type: type,
            number: system.rawValue + 1, isNullable: false, isSystem: true),
          affinity: .integer, defaultSQL: nil))
    }
    return parts.sorted { $0.column.number < $1.column.number }
  }

  private func fieldNames(_ raw: RawTable, _ entry: TableEntry) -> FieldNames {
    let columns = raw.columns.map { column in
      FieldNames.OwnColumn(name: column.name, number: entry.numbers[column.name] ?? 0)
    }
    // Of a table within, the system's own columns are called as they are.
    let isOurs: (Int) -> Bool = { entry.placement == .within && (2...SystemColumn.count) ~= $0 }
    return FieldNames(
      columns.filter { !isOurs($0.number) }.sorted { $0.number < $1.number })
  }

  private func comments(_ raw: RawTable, _ parts: [Part]) -> [String: String] {
    var comments: [String: String] = [:]
    for part in parts {
      let column = part.column
      var comment = raw.text.columnComments[column.storedName.asciiLowercased]
      if column.storedName != column.name {
        let name = "The column \"\(column.storedName)\"."
        comment = comment.map { "\(name)\n\($0)" } ?? name
      }
      comments[column.name] = comment
    }
    return comments
  }

  /// The table of the last catalog, where nothing about it has changed.
  private func kept(_ table: Table) -> Table? {
    guard let old = previous?.catalog.table(id: table.id) else { return nil }
    let isSame =
      old.name == table.name && old.messageName == table.messageName && old.columns == table.columns
      && old.softDelete == table.softDelete && old.comment == table.comment
      && old.columnComments == table.columnComments
    return isSame ? old : nil
  }
}
