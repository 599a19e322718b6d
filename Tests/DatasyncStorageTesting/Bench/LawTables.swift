package import DatasyncModel

/// The tables that every law is tried on: `note` with a text key and a default, `number` with a key of
/// integers, `task` whose deletes mark. Namespace.
package enum LawTables {
  package static let note = table(
    1, "note", key: .string,
    [
      Column(name: "title", type: .string, number: 6, isNullable: false),
      Column(name: "stars", type: .int64, number: 7, isNullable: true, hasDefault: true),
      Column(name: "rating", type: .double, number: 8, isNullable: true),
    ])
  package static let number = table(
    2, "number", key: .int64, [Column(name: "n", type: .int64, number: 6, isNullable: true)])
  package static let task = table(
    3, "task", key: .string, [Column(name: "title", type: .string, number: 6, isNullable: true)],
    softDelete: true)
  /// Comes and goes while the others are served.
  package static let late = table(
    4, "late", key: .string, [Column(name: "title", type: .string, number: 6, isNullable: true)])

  package static let catalog = Catalog(tables: [note, number, task], generation: 1)
  package static let laterCatalog = Catalog(tables: [note, number, task, late], generation: 2)
  package static let lastCatalog = Catalog(tables: [note, number, task], generation: 3)

  package static let defaults: [String: [String: Value]] = ["note": ["stars": .int64(3)]]

  private static func table(
    _ id: Int, _ name: String, key: ColumnType, _ columns: [Column], softDelete: Bool = false
  ) -> Table {
    let types: [ColumnType] = [key, .timestamp, .timestamp, .int64, .bool]
    let system = zip(SystemColumn.names, types).enumerated().map { index, column in
      Column(
        name: column.0, type: column.1, number: index + 1, isNullable: false, isSystem: true)
    }
    return Table(
      id: id, name: name, messageName: "tables." + name.capitalized, columns: system + columns,
      softDelete: softDelete)
  }
}

extension String {
  fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}
