/// A served table as it was at one moment: immutable, shared by reference between threads.
///
/// A change of the schema makes a new one; ``generation`` tells them apart.
package final class Table: Sendable {
  /// Names the table in the change log; never reused.
  package let id: Int
  /// As in the database and in requests.
  package let name: String
  /// Full name of the row's protobuf message, `tables.TodoItems`.
  package let messageName: String
  /// Names the message in a google.protobuf.Any.
  package let typeURL: String
  /// In order of field number. The first five are the key, created_at, updated_at, version and
  /// deleted, in this order (see ``SystemColumn``), whatever the key's name is.
  package let columns: [Column]
  /// Whether a delete marks the row instead of removing it.
  package let softDelete: Bool
  /// The version of the schema that this was read from; rises with every change.
  package let generation: Int
  /// The comment that stands before CREATE TABLE or at its columns, where there is one.
  package let comment: String
  /// By the name of the field; where the column is called otherwise, it begins by saying so.
  package let columnComments: [String: String]

  /// Whether the key is an INTEGER; otherwise it is TEXT. Asked of each row that is read.
  package let hasIntegerKey: Bool
  /// Positions in ``columns`` that have no name here: whoever this table is shown to does not know of them.
  package let hidden: Set<Int>

  private let indexByName: [String: Int]
  private let indexByNumber: [Int]

  /// - Parameter columns: In order of field number; traps where there are fewer than five.
  package init(
    id: Int, name: String, messageName: String, columns: [Column], softDelete: Bool = false,
    generation: Int = 0, comment: String = "", columnComments: [String: String] = [:],
    hidden: Set<Int> = []
  ) {
    precondition(columns.count >= SystemColumn.count, "a table has its system columns")
    self.id = id
    self.name = name
    self.messageName = messageName
    typeURL = "type.googleapis.com/" + messageName
    self.columns = columns
    hasIntegerKey = columns[SystemColumn.key.rawValue].type == .int64
    self.softDelete = softDelete
    self.generation = generation
    self.comment = comment
    self.columnComments = columnComments
    self.hidden = hidden
    indexByName = Dictionary(
      columns.enumerated().compactMap { hidden.contains($0) ? nil : ($1.name, $0) },
      uniquingKeysWith: { first, _ in first })
    var indices = [Int](repeating: -1, count: (columns.map(\.number).max() ?? 0) + 1)
    for (index, column) in columns.enumerated() {
      indices[column.number] = index
    }
    indexByNumber = indices
  }

  /// By its value, as text, requests name a row; field number 1.
  package var key: Column { columns[SystemColumn.key.rawValue] }

  /// The position in ``columns`` of the column of that name.
  package func index(ofColumn name: String) -> Int? {
    indexByName[name]
  }

  /// The position of the column that a path of a field mask names: as the field is called, as JSON calls
  /// it, or in the snake case that JSON makes of it.
  package func index(ofMaskPath path: String) -> Int? {
    if let index = indexByName[path] { return index }
    return columns.indices.first { index in
      let json = JSONName.of(columns[index].name)
      return (json == path || JSONName.snakeCase(json) == path) && !hidden.contains(index)
    }
  }

  /// The names of the columns that have one here, in order of field number.
  package var visibleNames: [String] {
    hidden.isEmpty
      ? columns.map(\.name)
      : columns.indices.lazy.filter { !self.hidden.contains($0) }.map { self.columns[$0].name }
  }

  /// The names of the columns with these field numbers, but for those at these positions.
  package func names(ofNumbers numbers: [Int], but left: Set<Int> = []) -> [String] {
    numbers.compactMap { number in
      index(ofNumber: number).flatMap { left.contains($0) ? nil : columns[$0].name }
    }
  }

  /// The position in ``columns`` of the column with that field number.
  package func index(ofNumber number: Int) -> Int? {
    guard number >= 0, number < indexByNumber.count, indexByNumber[number] >= 0 else { return nil }
    return indexByNumber[number]
  }
}

/// Positions of the system columns in ``Table/columns``; field numbers are these plus one.
package enum SystemColumn: Int, CaseIterable, Sendable {
  case key = 0
  case createdAt = 1
  case updatedAt = 2
  case version = 3
  case deleted = 4

  /// Also the greatest field number of a system field.
  package static let count = 5

  /// The column's name; the key's is the owner's own.
  package static let names = ["id", "created_at", "updated_at", "version", "deleted"]
}

extension Table {
  /// The same table as one sees it who must not know of some columns.
  ///
  /// - Parameter columns: Positions in ``columns``; not those of the system columns.
  package func hiding(_ columns: Set<Int>) -> Table {
    columns == hidden ? self : copy(columns: self.columns, hidden: columns)
  }

  /// The same table but for these.
  func copy(columns: [Column], hidden: Set<Int>) -> Table {
    Table(
      id: id, name: name, messageName: messageName, columns: columns, softDelete: softDelete,
      generation: generation, comment: comment, columnComments: columnComments, hidden: hidden)
  }

  /// What the system fields after the key are called.
  package var systemNames: [String] { columns[1..<SystemColumn.count].map(\.name) }
}
