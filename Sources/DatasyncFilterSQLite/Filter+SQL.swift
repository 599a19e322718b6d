package import DatasyncFilter
package import DatasyncModel

extension Filter {
  /// The condition for a WHERE clause; keeps exactly the rows that ``Filter/matches(_:now:memo:)`` keeps.
  package var sql: SQLFragment { sql(now: usesNow ? WallClock.now : 0) }

  /// The same at a moment of the caller's choice, microseconds since 1970.
  package func sql(now: Int64) -> SQLFragment {
    var writer = SQLWriter(table: table, now: now)
    writer.whole(tree)
    return writer.fragment
  }

  /// Whether SQLite can be asked: what is too deep for its parser goes to one function, which has an
  /// argument for each field.
  ///
  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER.
  package func checkSQL() throws(DatasyncError) {
    guard columns.count > FilterProgram.maxColumns, !SQLDepth.fits(tree) else { return }
    throw ParseFault(
      at: tree.position,
      "found \(columns.count) fields in a filter of many levels; it may have at most "
        + "\(FilterProgram.maxColumns)"
    ).error(field: "filter", reason: "BAD_FILTER")
  }
}
