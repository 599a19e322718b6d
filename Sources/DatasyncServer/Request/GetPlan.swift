import DatasyncAccess
import DatasyncMessages
import DatasyncModel
import DatasyncStorage

/// A get, resolved. A value.
struct GetPlan: Sendable {
  let table: Table
  let key: String
  let includeDeleted: Bool
  /// Field numbers that are sent; nil: all.
  let selected: Set<Int>?
  let unlessVersion: UInt64
  /// nil: every row may be read.
  private let reading: Reading?
  private let rights: Rights?
  /// The tables, by id, by whose rows it is judged whether the caller may read this one.
  let tablesRead: Set<Int>

  init(_ request: GetRequest, _ resolver: RequestResolver) throws(DatasyncError) {
    let table = try resolver.table(request.table, for: .read)
    rights = resolver.caller.rights
    tablesRead = rights?.tablesRead(for: table) ?? []
    reading = tablesRead.isEmpty ? try rights?.reading(table) : nil
    self.table = table
    includeDeleted = request.includeDeleted
    unlessVersion = request.unlessVersion
    do throws(DatasyncError) {
      key = try RequestNames.key(request.id, of: table)
      selected = try RequestNames.select(request.select, of: table).map { columns in
        Set(columns.map { table.columns[$0].number })
      }
      try GetPlan.checkVersion(request, resolver.ownTable)
    } catch {
      var faults = RequestFaults()
      faults.check { () throws(DatasyncError) in try RequestNames.key(request.id, of: table) }
      faults.check { () throws(DatasyncError) in
        try RequestNames.select(request.select, of: table)
      }
      faults.check { () throws(DatasyncError) in
        try GetPlan.checkVersion(request, resolver.ownTable)
      }
      throw faults.joined(to: error)
    }
  }

  private static func checkVersion(
    _ request: GetRequest, _ ownTable: Table?
  ) throws(DatasyncError) {
    guard ownTable == nil || request.unlessVersion == 0 else {
      throw .badField(
        "unless_version", reason: "BAD_CONDITION",
        "a typed Get answers with the row alone, and has no way to say \"not modified\"")
    }
  }

  /// - Throws: NOT_FOUND, reason ROW_NOT_FOUND or ROW_DELETED; DATA_LOSS, reason UNREADABLE, where a
  ///   value that is asked for does not fit its column, or no message holds the row.
  func reply(_ found: FoundRow?, maxRowBytes: Int) throws(DatasyncError) -> GetReply {
    try reply(found, reading, maxRowBytes: maxRowBytes)
  }

  /// The same of the row in a snapshot that has ``tablesRead``, too. Runs on a reader thread.
  func reply(
    in snapshot: any StorageSnapshot, maxRowBytes: Int
  ) throws(DatasyncError) -> GetReply {
    let reading = try rights?.reading(table, in: snapshot).0
    return try reply(try snapshot.row(key, in: table), reading, maxRowBytes: maxRowBytes)
  }

  private func reply(
    _ found: FoundRow?, _ reading: Reading?, maxRowBytes: Int
  ) throws(DatasyncError) -> GetReply {
    guard let row = found?.row,
      reading?.shows(row.image, faults: found?.faults ?? []) ?? true
    else {
      throw .rowNotFound(key, in: table)
    }
    guard includeDeleted || !row.isDeleted else {
      throw .rowDeleted(key, in: table)
    }
    if unlessVersion != 0, row.version.rawValue == unlessVersion { return .notModified }
    let faults = found?.faults ?? []
    if let fault = faults.first(where: { selected?.contains($0.number) ?? true }) {
      throw .unreadable(fault, key: row.key, table: table)
    }
    let image = selected.map { RowDecoder.image(row.image, keepingNumbers: $0) } ?? row.image
    guard image.bytes.count <= maxRowBytes else {
      throw .unreadable(
        .size(of: image.bytes, count: image.bytes.count, limit: maxRowBytes), key: row.key,
        table: table)
    }
    return .row(EntityReply(messageName: row.table.messageName, image: image))
  }
}
