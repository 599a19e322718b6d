import DatasyncMessages
import DatasyncModel
import DatasyncStorage

/// From a write as the client sent it to what the store is told to do: names become tables and
/// columns, bytes become checked values. Touches no row.
struct WriteResolver {
  let catalog: Catalog
  /// A typed service's own table; its requests leave `table` empty.
  var ownTable: Table?

  /// - Throws: INVALID_ARGUMENT or NOT_FOUND; the message says which field.
  func resolve(_ write: Write) throws(DatasyncError) -> WriteOperation {
    switch write {
    case .create(let entity):
      return .create(try createDraft(entity))
    case .replace(let entity, let options):
      let draft = try draft(entity, isWhole: true)
      try checkKey(of: draft, isNew: options.allowMissing)
      return .replace(draft, try condition(options))
    case .update(let entity, let mask, let options):
      let draft = try draft(entity)
      try checkKey(of: draft, isNew: options.allowMissing)
      let columns = try columns(of: draft, mask: mask, options: options)
      return .update(draft, columns: columns, try condition(options))
    case .delete(let name, let id, let ifVersion):
      let table = try self.table(named: name)
      return .delete(
        table, key: try RequestNames.key(id, of: table), ifVersion: try version(ifVersion))
    }
  }

  func table(named name: String) throws(DatasyncError) -> Table {
    try RequestNames.table(name, catalog: catalog, ownTable: ownTable)
  }

  private func draft(
    _ entity: Entity?, isWhole: Bool = false
  ) throws(DatasyncError) -> RowDraft {
    guard let entity else {
      throw .badField("entity", reason: "MISSING_ENTITY", "the request holds no row")
    }
    guard let table = catalog.table(messageName: entity.messageName),
      ownTable.map({ $0.id == table.id }) ?? true
    else {
      throw .badField(
        "entity", reason: "UNKNOWN_TYPE",
        "no table has rows of type \"\(entity.messageName.shortened)\""
          + NameSuggestion.clauseOrList(
            for: entity.messageName,
            among: (ownTable.map { [$0] } ?? catalog.tables).map(\.messageName), kind: "types"),
        metadata: ["type": entity.messageName.shortened])
    }
    do {
      return try entity.bytes.withUnsafeBytes { bytes throws(DatasyncError) in
        try RowDecoder.draft(of: bytes, table: table, isWhole: isWhole)
      }
    } catch let error as DatasyncError {
      throw error
    } catch {
      throw DatasyncError(.internal, "\(error)")
    }
  }

  private func createDraft(_ entity: Entity?) throws(DatasyncError) -> RowDraft {
    var draft = try draft(entity, isWhole: true)
    // An empty text key asks for one made by the server, as an absent one does.
    if draft.values[0] == .string("") { draft.values[0] = nil }
    if draft.values[0] != nil { try checkKey(of: draft, isNew: true) }
    return draft
  }

  /// - Parameter isNew: Whether the row may come into being: then its key must be one that we make.
  private func checkKey(of draft: RowDraft, isNew: Bool) throws(DatasyncError) {
    let key = draft.table.key.name
    switch draft.values[0] {
    case .string(""):
      throw .badField(
        key, reason: "MISSING_ID", "the request names no row: give its key",
        metadata: ["table": draft.table.name])
    case .string(let text):
      if isNew, let fault = KeyText.fault(in: text) {
        throw .badField(key, reason: "BAD_KEY", fault, metadata: ["table": draft.table.name])
      }
    case .int64:
      break
    case nil, .null, .bool, .double, .bytes, .timestamp:
      throw .badField(
        key, reason: "MISSING_ID", "the request names no row: give its key",
        metadata: ["table": draft.table.name])
    }
  }

  private func version(_ version: UInt64) throws(DatasyncError) -> Sequence {
    // A version past what the store can hold matches no row; the highest does neither.
    Sequence(min(version, UInt64(Int64.max)))
  }

  private func condition(_ options: WriteOptions) throws(DatasyncError) -> WriteCondition {
    guard options.ifVersion == 0 || !options.allowMissing else {
      throw .badField(
        "allow_missing", reason: "BAD_CONDITION",
        "if_version and allow_missing contradict each other: a missing row has no version")
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
      guard let index = table.index(ofMaskPath: path) else {
        throw badMask("\"\(path.shortened)\" \(table.noField(path))")
      }
      guard isWritable(index, of: table, options) else {
        throw badMask("\"\(path)\" is written by the server, not by clients")
      }
      guard !columns.contains(index) else { throw badMask("\"\(path)\" is named twice") }
      columns.append(index)
    }
    return columns
  }

  private func isWritable(_ index: Int, of table: Table, _ options: WriteOptions) -> Bool {
    if index == SystemColumn.deleted.rawValue { return options.includeDeleted }
    return index >= SystemColumn.count && !table.columns[index].isGenerated
  }

  private func badMask(_ description: String) -> DatasyncError {
    .badField("update_mask", reason: "BAD_MASK", description)
  }
}
