package import DatasyncFilter
package import DatasyncModel

/// What a page of a query is. A value.
package struct ScanRequest: Sendable {
  package var table: Table
  package var filter: Filter?
  package var order: OrderBy?
  /// Positions in ``Table/columns`` that the images hold; nil: all. The key always comes.
  package var columns: [Int]?
  /// Values of the order's terms in the row after which the page begins.
  package var after: [Value]?
  package var skip = 0
  package var limit: Int
  /// The page ends early past this many bytes, but holds a row at least.
  package var maxBytes = 1 << 20
  package var includeDeleted = false

  package init(table: Table, limit: Int) {
    self.table = table
    self.limit = limit
  }
}

/// A page of rows. A value.
package struct ScanPage: Sendable {
  package var rows: [StoredRow] = []
  /// Where the next page begins; nil: nothing follows.
  package var next: [Value]?
  /// Rows whose values do not fit their columns; they stand in no page otherwise.
  package var errors: [DatasyncError] = []

  package init() {}
}

/// A page of rows' images. A value.
package struct PackedPage: Sendable {
  package var rows = PackedRows()
  /// As in ``ScanPage``.
  package var next: [Value]?
  package var errors: [DatasyncError] = []

  package init() {}
}

/// Commits read from the log. A value.
package struct LogPage: Sendable {
  /// Whole commits, oldest first.
  package var commits: [Commit] = []
  /// Everything up to here has been read.
  package var through: Sequence

  package init(through: Sequence) {
    self.through = through
  }
}

/// Tells a long read to stop; may be set from any thread.
package protocol ReadCancellation: Sendable {
  var isCancelled: Bool { get }
}
