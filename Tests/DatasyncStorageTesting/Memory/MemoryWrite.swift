import DatasyncModel
import DatasyncStorage

/// One request at work: what it has made of the state so far. A value; who lets it go has changed
/// nothing.
struct MemoryWrite {
  var state: MemoryState
  /// In order of sequence.
  private(set) var changes: [Change] = []
  /// The time of all that it writes, in microseconds since 1970.
  let now: Int64
  let fault: MemoryFault?
  /// nil: everything is allowed.
  let rules: (any WriteJudge)?
  private let rows: MemoryRows

  init(
    _ state: MemoryState, now: Int64, fault: MemoryFault?, rules: (any WriteRules)? = nil
  ) {
    self.state = state
    self.now = now
    self.fault = fault
    rows = MemoryRows(state)
    self.rules = rules?.judge(in: rows)
  }

  /// Whether the row is as the request was made for.
  func check(_ expectation: RowExpectation, of operation: WriteOperation) throws(DatasyncError) {
    let key: MemoryKey?
    switch operation {
    case .create(let draft), .replace(let draft, _), .update(let draft, _, _):
      key = MemoryKey(draft.values[0])
    case .delete(let table, let text, _): key = try MemoryKey(text, table: table)
    }
    guard expectation != .any, let key else { return }
    let row = state.row(key, in: operation.table)
    guard (row.map { .version($0.version) } ?? .absent) == expectation else { throw .rowChanged }
  }

  mutating func perform(_ operation: WriteOperation) throws(DatasyncError) -> WriteResult {
    try rules?.prepare(for: try state.current(operation.table))
    switch operation {
    case .create(let draft):
      return try create(try current(draft), isDeleted: false)
    case .replace(let draft, let condition):
      return try replace(try current(draft), condition)
    case .update(let draft, let columns, let condition):
      let now = try current(draft)
      // Columns keep their field numbers, whatever becomes of the table.
      let numbers = columns.map { draft.table.columns[$0].number }
      return try update(now, numbers.compactMap { now.table.index(ofNumber: $0) }, condition)
    case .delete(let table, let key, let ifVersion):
      return try delete(key, in: try state.current(table), ifVersion: ifVersion)
    }
  }

  /// The draft against the table as it is now.
  private func current(_ draft: RowDraft) throws(DatasyncError) -> RowDraft {
    let table = try state.current(draft.table)
    var values = [Value?].absent(table.columns.count)
    for (column, value) in zip(draft.table.columns, draft.values) {
      if let index = table.index(ofNumber: column.number) { values[index] = value }
    }
    return RowDraft(table: table, values: values)
  }

  // MARK: - Operations

  private mutating func create(
    _ draft: RowDraft, isDeleted: Bool
  ) throws(DatasyncError) -> WriteResult {
    let table = draft.table
    var draft = draft
    for (column, value) in rules?.valuesSet(in: table) ?? [:] where draft.values[column] == nil {
      draft.values[column] = value
    }
    var values = try complete(draft)
    let key = MemoryKey(draft.values[0]) ?? newKey(table)
    if case .text(let text) = key, let fault = KeyText.fault(in: text) {
      throw .badKey(fault, of: table)
    }
    values[0] = key.value
    values[SystemColumn.deleted.rawValue] = .bool(isDeleted)
    try checkResult(values, key, in: table, before: nil)
    if let row = state.row(key, in: table), fault != .overwrites {
      throw .rowExists(
        in: table, fields: [table.key.name],
        metadata: ["table": table.name, "id": key.text, "column": table.key.name], shown: row)
    }
    values[SystemColumn.createdAt.rawValue] = .timestamp(now)
    return put(values, key, in: table, before: nil)
  }

  private mutating func replace(
    _ draft: RowDraft, _ condition: WriteCondition
  ) throws(DatasyncError) -> WriteResult {
    let deleted = SystemColumn.deleted.rawValue
    let isDeleted = condition.includeDeleted && draft.values[deleted] == .bool(true)
    let (key, before) = try target(draft, condition, writesMark: isDeleted)
    guard let before else { return try create(draft, isDeleted: isDeleted) }
    let old = RowDecoder.values(of: before.image, table: draft.table)
    var draft = draft
    for column in rules?.columnsKept(in: draft.table) ?? [] where draft.values[column] == nil {
      draft.values[column] = old[column]
    }
    var values = try complete(draft)
    for column in SystemColumn.allCases { values[column.rawValue] = old[column.rawValue] }
    if condition.includeDeleted { values[deleted] = .bool(isDeleted) }
    try checkResult(values, key, in: draft.table, before: before)
    return put(values, key, in: draft.table, before: before)
  }

  private mutating func update(
    _ draft: RowDraft, _ named: [Int], _ condition: WriteCondition
  ) throws(DatasyncError) -> WriteResult {
    let deleted = SystemColumn.deleted.rawValue
    let (key, before) = try target(
      draft, condition,
      writesMark: condition.includeDeleted && named.contains(deleted)
        && draft.values[deleted] == .bool(true))
    let columns = named.filter {
      $0 >= SystemColumn.count || ($0 == deleted && condition.includeDeleted)
    }
    guard let before else {
      var created = draft
      // Named but absent is NULL; not named at all is the default.
      for index in SystemColumn.count..<draft.values.count {
        created.values[index] = columns.contains(index) ? draft.values[index] ?? .null : nil
      }
      return try create(
        created, isDeleted: columns.contains(deleted) && draft.values[deleted] == .bool(true))
    }
    var values = RowDecoder.values(of: before.image, table: draft.table)
    for index in columns {
      values[index] = draft.values[index] ?? (index == deleted ? .bool(false) : .null)
    }
    try checkPresence(values, of: draft.table)
    try checkResult(values, key, in: draft.table, before: before)
    return put(values, key, in: draft.table, before: before)
  }

  private mutating func delete(
    _ text: String, in table: Table, ifVersion: Sequence
  ) throws(DatasyncError) -> WriteResult {
    let key = try MemoryKey(text, table: table)
    guard let before = state.row(key, in: table), try isVisible(before) else {
      throw .rowNotFound(text, in: table)
    }
    try check(
      before, WriteCondition(ifVersion: ifVersion),
      isAllowed: try rules?.mayDelete(before.image, in: table) ?? true)
    if table.softDelete {
      var values = RowDecoder.values(of: before.image, table: table)
      values[SystemColumn.deleted.rawValue] = .bool(true)
      return put(values, key, in: table, before: before)
    }
    return remove(before, key, in: table)
  }

  // MARK: - Conditions

  /// The row that a replace or an update is about; nil: there is none, and need not be.
  private func target(
    _ draft: RowDraft, _ condition: WriteCondition, writesMark: Bool
  ) throws(DatasyncError) -> (MemoryKey, StoredRow?) {
    let table = draft.table
    guard let key = MemoryKey(draft.values[0]) else {
      throw .missingKey(table.key.name, of: table)
    }
    guard !condition.allowMissing || condition.ifVersion == .zero else {
      throw .contradictoryCondition
    }
    guard let before = state.row(key, in: table), try isVisible(before) else {
      guard condition.allowMissing else { throw .rowNotFound(key.text, in: table) }
      return (key, nil)
    }
    var isAllowed = true
    if let rules {
      isAllowed = try rules.mayUpdate(before.image, in: table)
      if isAllowed, writesMark, fault != .undividesMark {
        isAllowed = try rules.mayDelete(before.image, in: table)
      }
    }
    try check(before, condition, isAllowed: isAllowed)
    return (key, before)
  }

  private func isVisible(_ row: StoredRow) throws(DatasyncError) -> Bool {
    if fault == .showsUnseen { return true }
    return try rules?.mayRead(row.image, in: row.table) ?? true
  }

  private func checkResult(
    _ values: [Value], _ key: MemoryKey, in table: Table, before: StoredRow?
  ) throws(DatasyncError) {
    guard let rules, fault != .ignoresResult else { return }
    let image = RowEncoder.image(of: values, table: table)
    let isAllowed: Bool
    if let before {
      isAllowed = try rules.mayUpdate(before.image, to: image, in: table)
    } else {
      isAllowed = try rules.mayCreate(image, in: table)
    }
    guard isAllowed else { throw .resultNotAllowed(key.text, in: table) }
  }

  private func check(
    _ row: StoredRow, _ condition: WriteCondition, isAllowed: Bool
  ) throws(DatasyncError) {
    guard !row.isDeleted || condition.includeDeleted || fault == .ignoresDeleted else {
      throw .rowDeleted(row.key, in: row.table)
    }
    guard isAllowed || fault == .ignoresRow else { throw .rowNotAllowed(row.key, in: row.table) }
    guard
      condition.ifVersion == .zero || condition.ifVersion == row.version
        || fault == .ignoresVersion
    else {
      throw .versionMismatch(row, ifVersion: condition.ifVersion, shown: row)
    }
  }

  // MARK: - Values

  /// What was sent, or the default.
  private func complete(_ draft: RowDraft) throws(DatasyncError) -> [Value] {
    let defaults = state.defaults[draft.table.name] ?? [:]
    var values = [Value].nulls(draft.values.count)
    for index in SystemColumn.count..<values.count {
      values[index] = draft.values[index] ?? defaults[draft.table.columns[index].name] ?? .null
    }
    try checkPresence(values, of: draft.table)
    return values
  }

  private func checkPresence(_ values: [Value], of table: Table) throws(DatasyncError) {
    for (column, value) in zip(table.columns, values) where column.needsValue && value.isNull {
      throw .badField(
        column.name, reason: "CONSTRAINT_VIOLATION", "it must have a value",
        metadata: ["table": table.name, "column": column.name])
    }
  }

  private func newKey(_ table: Table) -> MemoryKey {
    guard table.hasIntegerKey else { return .text(MemoryWrite.uuid(at: now)) }
    guard case .integer(let last)? = state.rows[table.id]?.keys.max() else { return .integer(1) }
    return .integer(last + 1)
  }

  /// A UUID of version 7. Source: RFC 9562 §5.7.
  private static func uuid(at time: Int64) -> String {
    let high = UInt64(clamping: time / 1000) << 16 | 0x7000 | UInt64.random(in: 0...0xFFF)
    let low = UInt64.random(in: 0...0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
    let digits = [high, low].map { word in
      let text = String(word, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }.joined()
    var text = ""
    for (index, digit) in digits.enumerated() {
      if [8, 12, 16, 20].contains(index) { text.append("-") }
      text.append(digit)
    }
    return text
  }

  // MARK: - Changes

  private mutating func takeSequence() -> Sequence {
    state.head = state.head.next
    if fault == .skipsSequence, state.head.rawValue % 5 == 0 { state.head = state.head.next }
    return state.head
  }

  /// Writes a row; nothing where it already is so.
  mutating func put(
    _ values: [Value], _ key: MemoryKey, in table: Table, before: StoredRow?
  ) -> WriteResult {
    let isSame = before?.image == RowEncoder.image(of: values, table: table)
    if let before, isSame, fault != .logsNothing {
      return WriteResult(
        messageName: table.messageName, image: before.image, sequence: before.version)
    }
    let sequence = takeSequence()
    let version = fault == .keepsOldVersion ? before?.version ?? sequence : sequence
    var values = values
    values[SystemColumn.updatedAt.rawValue] = .timestamp(now)
    values[SystemColumn.version.rawValue] = .int64(Int64(clamping: version.rawValue))
    let image = RowEncoder.image(of: values, table: table)
    state.rows[table.id, default: [:]][key] = image
    changes.append(
      Change(
        sequence: sequence, tableID: table.id, key: key.text,
        operation: before == nil ? .insert : .update,
        before: fault == .losesBefore ? nil : before?.image, after: image))
    noteChange()
    return WriteResult(messageName: table.messageName, image: image, sequence: sequence)
  }

  mutating func remove(_ before: StoredRow, _ key: MemoryKey, in table: Table) -> WriteResult {
    let sequence = takeSequence()
    state.rows[table.id]?[key] = nil
    changes.append(
      Change(
        sequence: sequence, tableID: table.id, key: key.text, operation: .delete,
        before: before.image, after: nil))
    noteChange()
    return WriteResult(messageName: table.messageName, image: before.image, sequence: sequence)
  }

  private func noteChange() {
    guard let rules, let change = changes.last, fault != .judgesByOldRows else { return }
    rows.state = state
    rows.changes = changes
    rules.rowsChanged(in: change.tableID)
  }

  mutating func attach(_ table: Table) {
    changes.append(
      Change(
        sequence: takeSequence(), tableID: table.id, key: "", operation: .tableAttached,
        before: nil, after: nil))
  }
}

extension WriteOperation {
  var table: Table {
    switch self {
    case .create(let draft), .replace(let draft, _), .update(let draft, _, _): draft.table
    case .delete(let table, _, _): table
    }
  }
}
