/// All tables that are served, at one generation of the schema: immutable, shared by reference.
package final class Catalog: Sendable {
  /// Sorted by name.
  package let tables: [Table]
  package let generation: Int
  private let byName: [String: Table]
  private let byID: [Int: Table]
  private let byMessageName: [String: Table]

  package init(tables: [Table], generation: Int) {
    self.tables = tables.sorted { $0.name < $1.name }
    self.generation = generation
    byName = Dictionary(tables.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    byID = Dictionary(tables.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    byMessageName = Dictionary(
      tables.map { ($0.messageName, $0) }, uniquingKeysWith: { first, _ in first })
  }

  package func table(named name: String) -> Table? { byName[name] }
  package func table(id: Int) -> Table? { byID[id] }
  package func table(messageName: String) -> Table? { byMessageName[messageName] }
}
