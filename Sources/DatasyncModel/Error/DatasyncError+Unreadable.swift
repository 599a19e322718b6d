extension DatasyncError {
  /// A row that cannot be read, because of a value of one column.
  package static func unreadable(
    _ fault: RowFault, key: String, table: Table
  ) -> DatasyncError {
    let column = table.index(ofNumber: fault.number).map { table.columns[$0].name } ?? ""
    var metadata = ["table": table.name, "id": key, "column": column]
    if fault.isSize { metadata["limit"] = RowFault.sizeLimit }
    return DatasyncError(
      .dataLoss, reason: "UNREADABLE",
      "the row \"\(key.shortened)\" of \(table.name) cannot be read, because of its column "
        + "\(column): \(fault.description)",
      metadata: metadata)
  }
}
