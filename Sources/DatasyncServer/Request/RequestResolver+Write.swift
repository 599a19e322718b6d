import DatasyncAccess
import DatasyncMessages
import DatasyncModel
import DatasyncStorage

// From a write as the client sent it to what the store is told to do.
extension RequestResolver {
  /// - Throws: INVALID_ARGUMENT, with every bad value, or NOT_FOUND.
  func write(_ write: Write) throws(DatasyncError) -> WriteOperation {
    do throws(DatasyncError) {
      return try resolved(write)
    } catch {
      throw faults(of: write).joined(to: error)
    }
  }

  private func resolved(_ write: Write) throws(DatasyncError) -> WriteOperation {
    switch write {
    case .create(let entity):
      return .create(try createDraft(entity))
    case .replace(let entity, let options):
      let draft = try draft(entity, .update, orCreate: options.allowMissing, isWhole: true)
      try checkHidden(in: draft)
      try checkKey(of: draft, isNew: options.allowMissing)
      return .replace(draft, try condition(options))
    case .update(let entity, let mask, let options):
      let draft = try draft(entity, .update, orCreate: options.allowMissing)
      try checkKey(of: draft, isNew: options.allowMissing)
      let columns = try columns(of: draft, mask: mask, options: options)
      try checkHidden(columns, of: draft.table)
      return .update(draft, columns: columns, try condition(options))
    case .delete(let name, let id, let ifVersion):
      let table = try self.table(name, for: .delete)
      return .delete(
        table, key: try RequestNames.key(id, of: table), ifVersion: try version(ifVersion))
    }
  }

  private func draft(
    _ entity: Entity?, _ operation: TableRights.Operation, orCreate: Bool = false,
    isWhole: Bool = false
  ) throws(DatasyncError) -> RowDraft {
    guard let entity else { throw .missingEntity }
    let table = try self.table(
      ofType: entity.messageName, for: operation, or: orCreate ? .create : operation)
    do {
      let draft = try entity.bytes.withUnsafeBytes { bytes throws(DatasyncError) in
        try RowDecoder.draft(of: bytes, table: table, isWhole: isWhole)
      }
      return draft
    } catch let error as DatasyncError {
      throw error
    } catch {
      throw DatasyncError(.internal, "\(error)")
    }
  }

  /// Of all that a draft gives.
  private func checkHidden(in draft: RowDraft) throws(DatasyncError) {
    guard !draft.table.hidden.isEmpty else { return }
    try checkHidden(
      draft.values.indices.filter { draft.values[$0] != nil }, of: draft.table)
  }

  /// Of columns that are to be written; what the server writes may come along, as ever.
  private func checkHidden(_ columns: [Int], of table: Table) throws(DatasyncError) {
    guard !table.hidden.isEmpty,
      let column = columns.first(where: { table.hidden.contains($0) && $0 >= SystemColumn.count })
    else { return }
    throw .fieldNotAllowed(column, of: table)
  }

  private func createDraft(_ entity: Entity?) throws(DatasyncError) -> RowDraft {
    var draft = try draft(entity, .create, isWhole: true)
    try checkHidden(in: draft)
    // An empty text key asks for one made by the server, as an absent one does.
    if draft.values[0] == .string("") { draft.values[0] = nil }
    if draft.values[0] != nil { try checkKey(of: draft, isNew: true) }
    return draft
  }

  /// - Parameter isNew: Whether the row may come into being: then its key must be one that we make.
  private func checkKey(of draft: RowDraft, isNew: Bool) throws(DatasyncError) {
    if let fault = keyFault(draft.values[0], of: draft.table, isNew: isNew) { throw fault }
  }

  private func keyFault(_ key: Value?, of table: Table, isNew: Bool) -> DatasyncError? {
    switch key {
    case .string(let text) where !text.isEmpty:
      guard isNew, let fault = KeyText.fault(in: text) else { return nil }
      return .badKey(fault, of: table)
    case .int64:
      return nil
    case nil, .null, .bool, .double, .string, .bytes, .timestamp:
      return .missingKey(table.key.name, of: table)
    }
  }

  private func version(_ version: UInt64) throws(DatasyncError) -> Sequence {
    // A version past what the store can hold matches no row; the highest does neither.
    Sequence(min(version, UInt64(Int64.max)))
  }

  private func condition(_ options: WriteOptions) throws(DatasyncError) -> WriteCondition {
    guard options.ifVersion == 0 || !options.allowMissing else {
      throw .contradictoryCondition
    }
    return WriteCondition(
      ifVersion: try version(options.ifVersion), allowMissing: options.allowMissing,
      includeDeleted: options.includeDeleted)
  }

  // MARK: - Update masks

  private func columns(
    of draft: RowDraft, mask: [String]?, options: WriteOptions
  ) throws(DatasyncError) -> [Int] {
    let table = draft.table
    guard let mask, !mask.isEmpty else {
      return table.columns.indices.filter { index in
        draft.values[index] != nil && isWritable(index, of: table, options)
      }
    }
    var columns: [Int] = []
    for path in mask {
      columns.append(try column(path, of: table, options, before: columns))
    }
    return columns
  }

  /// The position of the column that a path of the mask names.
  private func column(
    _ path: String, of table: Table, _ options: WriteOptions, before: [Int]
  ) throws(DatasyncError) -> Int {
    guard let index = table.index(ofMaskPath: path) else {
      throw badMask("\"\(path.shortened)\" \(table.noField(path))")
    }
    guard isWritable(index, of: table, options) else {
      throw badMask("\"\(path)\" is written by the server, not by clients")
    }
    guard !before.contains(index) else { throw badMask("\"\(path)\" is named twice") }
    return index
  }

  private func isWritable(_ index: Int, of table: Table, _ options: WriteOptions) -> Bool {
    if index == SystemColumn.deleted.rawValue { return options.includeDeleted }
    return index >= SystemColumn.count && !table.columns[index].isGenerated
  }

  private func badMask(_ description: String) -> DatasyncError {
    .badField("update_mask", reason: "BAD_MASK", description)
  }

  // MARK: - Every fault

  /// All that is wrong with a write that is refused, in the order of its fields.
  private func faults(of write: Write) -> RequestFaults {
    var faults = RequestFaults()
    switch write {
    case .create(let entity):
      faults = self.faults(of: entity, isWhole: true) { table, key in
        key == nil || key == .string("") ? nil : keyFault(key, of: table, isNew: true)
      }
    case .replace(let entity, let options):
      faults = self.faults(of: entity, isWhole: true) { table, key in
        keyFault(key, of: table, isNew: options.allowMissing)
      }
      faults.check { () throws(DatasyncError) in try condition(options) }
    case .update(let entity, let mask, let options):
      faults = self.faults(of: entity, isWhole: false, mask: mask ?? [], options) { table, key in
        keyFault(key, of: table, isNew: options.allowMissing)
      }
      faults.check { () throws(DatasyncError) in try condition(options) }
    case .delete(let name, let id, _):
      let table = faults.check { () throws(DatasyncError) in
        try self.table(name, for: .delete)
      }
      if let table {
        faults.check { () throws(DatasyncError) in try RequestNames.key(id, of: table) }
      }
    }
    return faults
  }

  /// Of a row, and then of the mask that names what of it is written.
  private func faults(
    of entity: Entity?, isWhole: Bool, mask: [String] = [],
    _ options: WriteOptions = .init(ifVersion: 0, allowMissing: false, includeDeleted: false),
    key: (Table, Value?) -> DatasyncError?
  ) -> RequestFaults {
    var faults = RequestFaults()
    guard let entity else {
      faults.note(.missingEntity)
      return faults
    }
    let table = faults.check { () throws(DatasyncError) in
      try self.table(ofType: entity.messageName, for: .update, or: .create)
    }
    guard let table else { return faults }
    var named: [Int] = []
    var maskFaults = RequestFaults()
    for path in mask where !maskFaults.isFull {
      let index = maskFaults.check { () throws(DatasyncError) in
        try column(path, of: table, options, before: named)
      }
      if let index { named.append(index) }
    }
    entity.bytes.withUnsafeBytes { bytes in
      faults = RowDecoder.faults(of: bytes, table: table, isWhole: isWhole) { index, value in
        guard index > 0 else { return key(table, value) }
        guard let value, mask.isEmpty || named.contains(index) else { return nil }
        return context.store.misfit(value, index, of: table)
      }
    }
    faults.note(contentsOf: maskFaults)
    return faults
  }
}

extension DatasyncError {
  /// - Parameter column: Its position.
  static func fieldNotAllowed(_ column: Int, of table: Table) -> DatasyncError {
    DatasyncError(
      .permissionDenied, reason: "FIELD_NOT_ALLOWED",
      "the row has a field that you may not write: its number is "
        + "\(table.columns[column].number)", metadata: ["table": table.name])
  }

  fileprivate static var missingEntity: DatasyncError {
    .badField("entity", reason: "MISSING_ENTITY", "the request holds no row")
  }
}
