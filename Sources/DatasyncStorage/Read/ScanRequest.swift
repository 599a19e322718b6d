package import DatasyncFilter
package import DatasyncModel

/// A row, and which of its values cannot be read. A value.
package struct FoundRow: Sendable {
  /// Without the values that cannot be read.
  package let row: StoredRow
  /// In the order of the columns; empty where the row can be read.
  package let faults: [RowFault]

  package init(row: StoredRow, faults: [RowFault]) {
    self.row = row
    self.faults = faults
  }
}

/// What a page of a query is. A value.
package struct ScanRequest: Sendable {
  /// May be of an older generation: columns that came since are not shown.
  package var table: Table
  /// nil: all rows.
  package var filter: Filter?
  /// nil: by key, ascending.
  package var order: OrderBy?
  /// Positions in ``Table/columns`` that the images hold; nil: all. The key always comes.
  package var columns: [Int]?
  /// Values of the order's terms in the row after which the page begins.
  package var after: [Value]?
  /// Rows left out before the page begins; not of a page as of an earlier sequence.
  package var skip = 0
  /// Rows of the page, those that cannot be read among them; less than 1 is taken for 1.
  package var limit: Int
  /// The page ends early past this many bytes, but holds a row at least.
  package var maxBytes = 1 << 20
  /// Whether rows marked as deleted belong to the page.
  package var includeDeleted = false
  /// A row whose image is longer cannot be read: no message holds it.
  package var maxRowBytes = Int.max
  /// What the filter may take for a row that is judged outside of SQL.
  package var filterBudget = FilterBudget.default

  package init(table: Table, limit: Int) {
    self.table = table
    self.limit = limit
  }
}

/// A page of rows. A value.
package struct ScanPage: Sendable {
  /// Those that can be read, in the request's order.
  package var rows: [StoredRow] = []
  /// Where the next page begins; nil: nothing follows.
  package var next: [Value]?
  /// Rows that belong to the page and cannot be read; in order.
  package var unreadable: [UnreadableRow] = []

  package init() {}
}

/// A row that cannot be read. A value.
package struct UnreadableRow: Sendable {
  /// The first of the values asked for that cannot be read, or the size of the row.
  package let fault: RowFault
  package let table: Table
  /// Empty: nothing can name the row.
  package let key: String
  /// The sequence of the row's last change; 0: nothing is known of the row.
  package let version: Sequence
  /// How many rows of the page come before it.
  package let position: Int

  package init(fault: RowFault, table: Table, key: String, version: Sequence, position: Int) {
    self.fault = fault
    self.table = table
    self.key = key
    self.version = version
    self.position = position
  }

  /// DATA_LOSS, reason UNREADABLE, with table, id and column.
  package var error: DatasyncError { .unreadable(fault, key: key, table: table) }
}

/// A page of rows' images. A value.
package struct PackedPage: Sendable {
  /// The images of those that can be read, in the request's order.
  package var rows = PackedRows()
  /// As in ``ScanPage``.
  package var next: [Value]?
  /// Rows that belong to the page and cannot be read; in order.
  package var unreadable: [UnreadableRow] = []

  package init() {}
}

/// Commits read from the log. A value.
package struct LogPage: Sendable {
  /// Whole commits, oldest first.
  package var commits: [Commit] = []
  /// Everything up to here has been read.
  package var through: Sequence
  /// The commit after ``through`` is larger than memory should hold.
  package var isTooLarge = false

  /// Without commits.
  package init(through: Sequence) {
    self.through = through
  }
}

/// Tells a long read to stop; may be set from any thread.
package protocol ReadCancellation: Sendable {
  var isCancelled: Bool { get }
}

extension ScanRequest {
  /// Positions in ``Table/columns`` of what its conditions and its order name.
  package var neededColumns: Set<Int> {
    (filter?.columns ?? []).union(order?.terms.map(\.column) ?? [])
  }
}
