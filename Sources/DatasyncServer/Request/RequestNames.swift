import DatasyncModel

/// Finds what a request names in its table: keys, fields. Namespace.
enum RequestNames {
  /// The key in the form in which the store writes it.
  ///
  /// - Throws: INVALID_ARGUMENT, reason MISSING_ID or BAD_KEY.
  static func key(_ id: String, of table: Table) throws(DatasyncError) -> String {
    guard !id.isEmpty else { throw .missingKey("id", of: table) }
    if table.hasIntegerKey {
      guard let number = Int64(id) else {
        throw .integerKeyExpected(id, field: "id", table: table)
      }
      return String(number)
    }
    // Others may have made it of whatever they liked: only what we create has a form.
    return id
  }

  /// The positions of the named columns, the key among them always; nil where none is named.
  ///
  /// - Throws: INVALID_ARGUMENT, reason BAD_SELECT, `position` from 1.
  static func select(_ names: [String], of table: Table) throws(DatasyncError) -> [Int]? {
    guard !names.isEmpty else {
      guard !table.hidden.isEmpty else { return nil }
      return table.columns.indices.filter { !table.hidden.contains($0) }
    }
    var columns: [Int] = []
    do throws(DatasyncError) {
      for offset in names.indices {
        columns.append(try column(names, offset, of: table, before: columns))
      }
    } catch {
      var faults = RequestFaults()
      var named: [Int] = []
      for offset in names.indices where !faults.isFull {
        let index = faults.check { () throws(DatasyncError) in
          try column(names, offset, of: table, before: named)
        }
        if let index { named.append(index) }
      }
      throw faults.joined(to: error)
    }
    if !columns.contains(0) { columns.append(0) }
    return columns.sorted()
  }

  private static func column(
    _ names: [String], _ offset: Int, of table: Table, before: [Int]
  ) throws(DatasyncError) -> Int {
    let name = names[offset]
    guard let index = table.index(ofColumn: name) else {
      throw badSelect(at: offset + 1, "\"\(name.shortened)\" \(table.noField(name))")
    }
    guard !before.contains(index) else {
      throw badSelect(at: offset + 1, "\"\(name)\" is named twice")
    }
    return index
  }

  private static func badSelect(at position: Int, _ what: String) -> DatasyncError {
    DatasyncError(
      .invalidArgument, reason: "BAD_SELECT", "select: at \(position): \(what)",
      metadata: ["position": String(position)],
      violations: [.init(field: "select", description: "at \(position): \(what)")])
  }
}
