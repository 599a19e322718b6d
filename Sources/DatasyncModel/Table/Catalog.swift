/// All tables that are served, at one generation of the schema: immutable, shared by reference.
package final class Catalog: Sendable {
  /// Sorted by name.
  package let tables: [Table]
  /// Rises with every catalog of a store; that of a ``Table`` is of the first that had it so.
  package let generation: Int
  private let byName: [String: Table]
  private let byID: [Int: Table]
  private let byMessageName: [String: Table]

  /// - Parameter tables: In any order; of two with one name, id or message the first is found.
  package init(tables: [Table], generation: Int) {
    self.tables = tables.sorted { $0.name < $1.name }
    self.generation = generation
    byName = Dictionary(tables.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    byID = Dictionary(tables.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    byMessageName = Dictionary(
      tables.map { ($0.messageName, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Case counts, unlike in SQLite.
  package func table(named name: String) -> Table? { byName[name] }
  /// By ``Table/id``; nil where the table is not served, or no more.
  package func table(id: Int) -> Table? { byID[id] }
  /// By the full name of the row's message, without the URL before it.
  package func table(messageName: String) -> Table? { byMessageName[messageName] }
}
