/// Whose rows a read looks at. Where other programs have changed those, it waits until that has been
/// adopted; nobody else's read waits. A value.
package enum ReadScope: Sendable {
  /// The change log alone, where nothing is that has not been adopted.
  case log
  /// The rows of one table, by its id, and the log.
  case table(Int)
  /// The rows of several tables, by their ids, and the log.
  case tables(Set<Int>)
  /// Any rows.
  case database

  /// - Parameter pending: Tables with changes that have not been adopted.
  package func concerns(_ pending: Set<Int>) -> Bool {
    switch self {
    case .log: false
    case .table(let id): pending.contains(id)
    case .tables(let ids): !pending.isDisjoint(with: ids)
    case .database: !pending.isEmpty
    }
  }
}
