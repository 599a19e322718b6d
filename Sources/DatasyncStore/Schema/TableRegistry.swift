import DatasyncModel

/// A table's entry in `datasync_tables` and `datasync_columns`. A value.
struct TableEntry: Hashable, Sendable {
  let id: Int
  /// The name that its identity belongs to.
  var name: String
  /// What the table is called now.
  var presentName: String
  var placement: Placement
  var message: String
  var softDelete: Bool
  /// The owner's column that marks deleted rows, of a table beside.
  var deleteColumn: String?
  /// The sequence at which its history begins; 0: not yet.
  var attached: Int64
  var nextNumber: Int
  /// The system columns that `attach` added.
  var addedColumns: [String]
  var isPresent: Bool

  /// What ``nextNumber`` may be. Protobuf has more; a table that has had so many columns is damaged.
  static let numbers = SystemColumn.count + 1...1 << 20

  /// Numbers by column name, of columns that are there.
  var numbers: [String: Int] = [:]
  /// What the fields of those columns are, by name.
  var kinds: [String: FieldKind] = [:]
  /// How the values of those columns are stored, by name, where that is not as in a table of ours.
  var forms: [String: String] = [:]
}

extension TableEntry {
  /// Of a table that nobody knows yet.
  init(new name: String, id: Int) {
    self.init(
      id: id, name: name, presentName: name, placement: .beside,
      message: ProtobufName.messageName(of: name, id: id), softDelete: false, attached: 0,
      nextNumber: SystemColumn.count + 1, addedColumns: [], isPresent: true)
  }

  /// Whether the table is attached, and was there when somebody last looked.
  var isServed: Bool { isPresent && attached > 0 }

  /// Chooses where the system fields of a table that is attached now are kept: as the options say, but
  /// beside where rows could go from a table within unseen, unless somebody wants it within by name.
  mutating func place(_ raw: RawTable, _ options: StoreOptions, isMadeForUs: Bool = false) {
    let isWanted = isMadeForUs || options.isWithin(raw.name)
    let isPossible = raw.withinObstacle == nil || options.mustBeWithin(raw.name)
    placement = isWanted && isPossible ? .within : .beside
  }

  /// Takes over what the options say of a table.
  ///
  /// - Returns: Why that cannot be; nil: it can.
  mutating func choose(_ options: StoreOptions, _ raw: RawTable) -> String? {
    switch options.softDelete(of: raw.name) {
    case nil: break
    case .ours: softDelete = placement == .within
    case .column(let column):
      softDelete = true
      deleteColumn = raw.column(column)?.name ?? column
    }
    guard let name = deleteColumn else { return nil }
    guard placement == .beside else {
      return "it is to delete softly by its column \(name), which a table within cannot"
    }
    guard let column = raw.column(name) else {
      return "it has no column \(name), which is to mark deleted rows"
    }
    guard raw.declaredType(of: column).type == .bool, !column.isGenerated else {
      return "its column \(name), which is to mark deleted rows, is no BOOLEAN that can be written"
    }
    return nil
  }
}

/// Where a table's system fields are kept.
enum Placement: Int, Sendable {
  /// In four columns of the table itself.
  case within = 0
  /// In `datasync_rows`: the table gets our triggers and nothing else.
  case beside = 1
}

/// Reads and writes what is remembered for ever of each table. Within the writer's transaction.
struct TableRegistry {
  let connection: Connection

  func entries() throws(SQLiteFailure) -> [TableEntry] {
    let list = try connection.cached(
      """
      SELECT id, name, message, soft_delete, attached, next_number, added_columns, present,
        placement, present_name, delete_column FROM datasync_tables ORDER BY id
      """)
    defer { list.reset() }
    var entries: [TableEntry] = []
    while try list.step() {
      entries.append(
        TableEntry(
          id: list.int(0), name: list.text(1),
          presentName: list.isNull(9) ? list.text(1) : list.text(9),
          placement: Placement(rawValue: list.int(8)) ?? .within, message: list.text(2),
          softDelete: list.int(3) != 0, deleteColumn: list.isNull(10) ? nil : list.text(10),
          attached: list.int64(4), nextNumber: list.int(5),
          addedColumns: list.text(6).split(separator: ",").map(String.init),
          isPresent: list.int(7) != 0))
    }
    try checkSound(entries)
    let columns = try connection.cached(
      "SELECT table_id, number, name, present, form FROM datasync_columns")
    defer { columns.reset() }
    let indices = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.id, $0) })
    while try columns.step() {
      guard let index = indices[columns.int(0)] else { continue }
      guard (1..<entries[index].nextNumber).contains(columns.int(1)) else {
        throw .damaged(
          "datasync_columns gives \(entries[index].name) the field number \(columns.int64(1))")
      }
      guard columns.int(3) != 0 else { continue }
      entries[index].numbers[columns.text(2)] = columns.int(1)
      entries[index].kinds[columns.text(2)] = FieldKind(rawValue: columns.int(3))
      if !columns.isNull(4) { entries[index].forms[columns.text(2)] = columns.text(4) }
    }
    return entries
  }

  /// The tables that a database of format 1 serves.
  static func names(_ connection: Connection) throws(SQLiteFailure) -> Set<String> {
    let list = try connection.cached(
      "SELECT name FROM datasync_tables WHERE present AND attached > 0")
    defer { list.reset() }
    var names: Set<String> = []
    while try list.step() { names.insert(list.text(0)) }
    return names
  }

  /// What is not checked here is only compared, or a name that is looked for.
  private func checkSound(_ entries: [TableEntry]) throws(SQLiteFailure) {
    var ids: Set<Int> = []
    var messages: Set<String> = []
    for entry in entries {
      let isSound =
        (1...Int(Int32.max)).contains(entry.id) && ids.insert(entry.id).inserted
        && TableEntry.numbers.contains(entry.nextNumber)
        && ProtobufName.isIdentifier(entry.message) && messages.insert(entry.message).inserted
        && entry.addedColumns.allSatisfy(SystemColumn.names.contains)
      guard isSound else {
        throw .damaged("datasync_tables is damaged at id \(entry.id), \(entry.name.shortened)")
      }
    }
  }

  func save(_ entry: TableEntry) throws(SQLiteFailure) {
    let statement = try connection.cached(
      """
      INSERT OR REPLACE INTO datasync_tables (id, name, message, soft_delete, attached, next_number,
        added_columns, present, placement, present_name, delete_column)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
      """)
    statement.bind(1, Int64(entry.id))
    statement.bind(2, entry.name)
    statement.bind(3, entry.message)
    statement.bind(4, entry.softDelete ? 1 : 0 as Int64)
    statement.bind(5, entry.attached)
    statement.bind(6, Int64(entry.nextNumber))
    statement.bind(7, entry.addedColumns.joined(separator: ","))
    statement.bind(8, entry.isPresent ? 1 : 0 as Int64)
    statement.bind(9, Int64(entry.placement.rawValue))
    statement.bind(10, entry.presentName)
    statement.bind(11, entry.deleteColumn.map { .string($0) } ?? .null)
    try statement.run()
    let drop = try connection.cached(
      "UPDATE datasync_columns SET present = 0 WHERE table_id = ?1")
    drop.bind(1, Int64(entry.id))
    try drop.run()
    let column = try connection.cached(
      """
      INSERT OR REPLACE INTO datasync_columns (table_id, number, name, present, form)
      VALUES (?1, ?2, ?3, ?4, ?5)
      """)
    for (name, number) in entry.numbers {
      column.bind(1, Int64(entry.id))
      column.bind(2, Int64(number))
      column.bind(3, name)
      column.bind(4, Int64((entry.kinds[name] ?? .unknown).rawValue))
      column.bind(5, entry.forms[name].map { .string($0) } ?? .null)
      try column.run()
    }
  }

  /// A new entry's id: never one that was used before.
  func nextID() throws(SQLiteFailure) -> Int {
    Int(try connection.integer("SELECT coalesce(max(id), 0) + 1 FROM datasync_tables") ?? 1)
  }
}

extension TableEntry {
  /// Gives every column its number: those known keep theirs, those renamed take theirs along, new
  /// ones get the next, and so do those whose field has become another kind, for whoever knows the old
  /// one could not read it.
  ///
  /// - Parameter renamed: Present names by number, as our triggers, which SQLite rewrites, tell.
  /// - Returns: Whether anything is new.
  mutating func assignNumbers(to raw: RawTable, renamed: [Int: String]) -> Bool {
    let before = (numbers, kinds)
    var byNumber: [Int: String] = [:]
    for (name, number) in numbers { byNumber[number] = name }
    let present = Set(raw.columns.map(\.name))
    var result: [String: Int] = [:]
    for (number, name) in byNumber {
      if let newName = renamed[number], present.contains(newName) {
        result[newName] = number
      } else if present.contains(name) {
        result[name] = number
      }
    }
    assignSystemNumbers(to: raw, in: &result)
    let found = fieldKinds(of: raw)
    for (name, number) in result where number > SystemColumn.count {
      let known = byNumber[number].flatMap { kinds[$0] } ?? .unknown
      if known != .unknown, known != found[name] { result[name] = nil }
    }
    for column in raw.columns where result[column.name] == nil {
      // 19000 to 19999 are protobuf's own.
      if (19_000...19_999).contains(nextNumber) { nextNumber = 20_000 }
      result[column.name] = nextNumber
      nextNumber += 1
    }
    numbers = result
    kinds = found
    return before != (numbers, kinds)
  }

  private func assignSystemNumbers(to raw: RawTable, in numbers: inout [String: Int]) {
    for system in SystemColumn.allCases {
      guard let column = column(of: system, in: raw) else { continue }
      for (name, number) in numbers where number == system.rawValue + 1 && name != column.name {
        numbers[name] = nil
      }
      numbers[column.name] = system.rawValue + 1
    }
  }

  /// The column that holds a system field; nil where none does.
  func column(of system: SystemColumn, in raw: RawTable) -> RawTable.Column? {
    switch (system, placement) {
    case (.key, _): raw.keyColumns.first
    case (_, .within): raw.column(SystemColumn.names[system.rawValue])
    case (.deleted, .beside): deleteColumn.flatMap { raw.column($0) }
    case (_, .beside): nil
    }
  }
}
