/// What `datasync attach` would do, or did, to a database. A value.
package struct AttachPlan: Sendable {
  /// One table that can be served. A value.
  package struct Item: Sendable {
    /// As the database has it.
    package let table: String
    /// Whether versions and times are kept in `datasync_rows`; false: in columns of the table.
    package let isBeside: Bool
    /// Why it is not within, where all that can be were to be.
    package let notWithin: String?
    /// In the order of ``Table/columns``; system columns only where the table has or gets them.
    package let columns: [PlannedColumn]
    /// The system columns to be added, with their declared types.
    package let addedColumns: [String]
    /// When the plan was made, rows marked as deleted among them.
    package let rowCount: UInt64
    /// As it will be, once attached.
    package let deletes: Deletes
    /// Whether its history has begun already.
    package let isAttached: Bool
    /// Whether its system fields are moved beside it.
    package let isMoved: Bool

    /// What becomes of a row that is deleted.
    package enum Deletes: Hashable, Sendable {
      case remove
      /// It is marked in a column.
      case mark(column: String)
    }
  }

  /// A column and the field that it becomes. A value.
  package struct PlannedColumn: Sendable {
    /// The field's name, by which requests speak of it.
    package let field: String
    /// The column's name in the database; the field's as well, unless no field can have it.
    package let storedName: String
    /// As Describe names it: `INT64`.
    package let type: String
    /// How its values are stored, where there is more than one way.
    package let form: String?
    /// Whether its values name the rows; one column of a table does.
    package let isKey: Bool
    /// Whether the owner's table computes its values: it is served, and not written.
    package let isGenerated: Bool
  }

  /// The database's file, as it was given.
  package let path: String
  /// In order of name.
  package let items: [Item]
  /// Tables that cannot be attached, and why.
  package let skipped: [(table: String, reason: String)]
}

extension AttachPlan: CustomStringConvertible {
  /// Lines for people, one for each thing that is done.
  package var description: String {
    var lines = items.flatMap(\.lines)
    for (table, reason) in skipped { lines.append("\(table): not attached, because \(reason)") }
    if lines.isEmpty { lines.append("\(path) has no tables") }
    return lines.joined(separator: "\n")
  }
}

extension AttachPlan.Item {
  fileprivate var lines: [String] {
    var lines = [head]
    if let notWithin { lines.append("  not within, because \(notWithin)") }
    if !isAttached || isMoved {
      for column in addedColumns { lines.append("  add column \(column)") }
      let triggers = CaptureTriggers.kinds(isBeside ? .beside : .within).count
      lines.append("  make \(triggers) triggers that notice other programs' writes")
      lines.append(
        isBeside
          ? "  keep every row's version, created_at and updated_at in datasync_rows"
          : "  give every row its version; where they are missing, created_at and updated_at")
    }
    for column in columns { lines.append("  \(column.line)") }
    return lines
  }

  private var head: String {
    let place = isBeside ? "beside" : "within"
    let delete =
      switch deletes {
      case .remove: ""
      case .mark(let column): ", deletes softly in \(column)"
      }
    if isMoved { return "\(table): moved beside, \(rowCount) rows\(delete)" }
    if isAttached { return "\(table): attached already, \(place)\(delete)" }
    return "\(table): \(place), \(rowCount) rows\(delete)"
  }
}

extension AttachPlan.PlannedColumn {
  fileprivate var line: String {
    let name = field == storedName ? field : "\(field) (column \"\(storedName)\")"
    let key = isKey ? "key, " : ""
    let generated = isGenerated ? ", generated: read-only" : ""
    return "\(name): \(key)\(form ?? type)\(generated)"
  }
}
