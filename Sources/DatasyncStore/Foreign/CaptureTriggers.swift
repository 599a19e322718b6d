import DatasyncModel

/// The triggers by which other programs' writes are noticed.
enum CaptureTriggers {
  /// In order of name.
  static func triggers(of stored: StoredTable) -> [RawTable.Trigger] {
    switch stored.placement {
    case .within: ImageCapture(table: stored.table, raw: stored.raw).triggers
    case .beside: KeyCapture(table: stored.table, raw: stored.raw).triggers
    }
  }

  /// The last words of the triggers' names.
  static func kinds(_ placement: Placement) -> [String] {
    switch placement {
    case .within: ImageCapture.kinds
    case .beside: KeyCapture.kinds
    }
  }

  /// The table that a trigger of ours belongs to, by its name, `datasync_7_update`.
  static func tableID(ofTrigger name: String) -> Int? {
    let parts = name.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "datasync",
      (ImageCapture.kinds + KeyCapture.kinds).contains(String(parts[2]))
    else { return nil }
    return Int(parts[1])
  }

  /// The present names of columns by number, as a trigger of ours tells: SQLite has rewritten those
  /// that were renamed since.
  static func columns(in sql: String) -> [Int: String] {
    let tokens = SQLTokenizer.tokens(of: sql)
    let noted = KeyCapture.columns(in: tokens)
    return noted.isEmpty ? ImageCapture.columns(in: tokens) : noted
  }
}
