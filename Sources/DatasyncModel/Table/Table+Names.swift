extension Table {
  /// The same table with the names that its columns had in an older one: what was said of that one can
  /// be said of this one, whatever has been renamed since.
  ///
  /// - Returns: Itself where nothing was renamed.
  package func named(as older: Table) -> Table {
    let taken = Set(older.columns.map(\.name))
    var isRenamed = false
    let columns = self.columns.map { column in
      var column = column
      if let index = older.index(ofNumber: column.number) {
        column.name = older.columns[index].name
      } else if taken.contains(column.name) {
        // A new column by the name of an old one; no name that anybody can utter.
        column.name = " \(column.number)"
      }
      if column.name != self.columns[self.index(ofNumber: column.number) ?? 0].name {
        isRenamed = true
      }
      return column
    }
    guard isRenamed else { return self }
    return copy(columns: columns, hidden: hidden)
  }
}
