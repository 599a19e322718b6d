import DatasyncFilter
import DatasyncModel

/// A filter of subscriptions. Immutable, shared by reference.
final class SharedFilter: Sendable {
  let filter: Filter
  /// Those that it reads.
  let columns: ColumnMask

  init(_ filter: Filter) {
    self.filter = filter
    columns = ColumnMask(filter.columns)
  }
}
