import DatasyncFilter
import DatasyncModel

/// A filter of subscriptions, counted while it lives. Immutable, shared by reference.
final class SharedFilter: Sendable {
  let filter: Filter
  /// Those that it reads.
  let columns: ColumnMask
  private let byteCount: Int
  /// nil: nobody counts.
  private let shelf: FilterShelf?
  private let key: FilterShelf.Key?

  /// - Parameter byteCount: What the shelf has been told of.
  init(
    _ filter: Filter, byteCount: Int = 0, shelf: FilterShelf? = nil, key: FilterShelf.Key? = nil
  ) {
    self.filter = filter
    columns = ColumnMask(filter.columns)
    self.byteCount = byteCount
    self.shelf = shelf
    self.key = key
  }

  /// While it lives no other has it.
  var id: Int { Int(bitPattern: ObjectIdentifier(self)) }

  deinit {
    guard let shelf else { return }
    shelf.give(byteCount)
    if let key { shelf.remove(id, key) }
  }
}
