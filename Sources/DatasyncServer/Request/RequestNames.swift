import DatasyncModel

/// Finds what a request names: tables, keys, fields.
enum RequestNames {
  /// - Throws: NOT_FOUND, reason TABLE_NOT_FOUND; INVALID_ARGUMENT where a typed service is asked for
  ///   another table.
  static func table(
    _ name: String, catalog: Catalog, ownTable: Table? = nil
  ) throws(DatasyncError) -> Table {
    if let ownTable {
      guard name.isEmpty || name == ownTable.name else {
        throw .badField(
          "table", reason: "BAD_TABLE",
          "this service is that of \(ownTable.name); leave the field empty")
      }
      return ownTable
    }
    guard let table = catalog.table(named: name) else { throw .tableNotFound(name) }
    return table
  }

  /// The key in the form in which the store writes it.
  ///
  /// - Throws: INVALID_ARGUMENT, reason MISSING_ID or BAD_KEY.
  static func key(_ id: String, of table: Table) throws(DatasyncError) -> String {
    guard !id.isEmpty else {
      throw .badField(
        "id", reason: "MISSING_ID", "the request names no row", metadata: ["table": table.name])
    }
    if table.hasIntegerKey {
      guard let number = Int64(id) else {
        throw .badField(
          "id", reason: "BAD_KEY",
          "\"\(id.shortened)\" is no integer, which the keys of \(table.name) are",
          metadata: ["table": table.name])
      }
      return String(number)
    }
    // Others may have made it of whatever they liked: only what we create has a form.
    return id
  }

  /// What is wrong with a text key; nil where it is fit.
  static func fault(inKey key: String) -> String? {
    let length = key.utf8.count
    guard (1...255).contains(length) else {
      return "a key has 1 to 255 bytes, this one \(length)"
    }
    let isControl = key.unicodeScalars.contains {
      $0.value < 0x20 || (0x7F...0x9F).contains($0.value)
    }
    return isControl ? "a key has no control characters" : nil
  }

  /// The positions of the named columns, the key among them always; nil where none is named.
  ///
  /// - Throws: INVALID_ARGUMENT, reason BAD_SELECT, `position` from 1.
  static func select(_ names: [String], of table: Table) throws(DatasyncError) -> [Int]? {
    guard !names.isEmpty else { return nil }
    var columns: [Int] = []
    for (offset, name) in names.enumerated() {
      guard let index = table.index(ofColumn: name) else {
        throw badSelect(at: offset + 1, "table \(table.name) has no field \"\(name.shortened)\"")
      }
      guard !columns.contains(index) else {
        throw badSelect(at: offset + 1, "\"\(name)\" is named twice")
      }
      columns.append(index)
    }
    if !columns.contains(0) { columns.append(0) }
    return columns.sorted()
  }

  private static func badSelect(at position: Int, _ what: String) -> DatasyncError {
    DatasyncError(
      .invalidArgument, reason: "BAD_SELECT", "select: at \(position): \(what)",
      metadata: ["position": String(position)],
      violations: [.init(field: "select", description: "at \(position): \(what)")])
  }
}
