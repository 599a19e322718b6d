import DatasyncModel

/// A table and rows of it, for tests that need no database.
enum Fixture {
  static let notes = Table(
    id: 7, name: "notes", messageName: "tables.Notes",
    columns: [
      Column(name: "id", type: .string, number: 1, isNullable: false, isSystem: true),
      Column(name: "created_at", type: .timestamp, number: 2, isNullable: false, isSystem: true),
      Column(name: "updated_at", type: .timestamp, number: 3, isNullable: false, isSystem: true),
      Column(name: "version", type: .int64, number: 4, isNullable: false, isSystem: true),
      Column(name: "deleted", type: .bool, number: 5, isNullable: false, isSystem: true),
      Column(name: "title", type: .string, number: 6, isNullable: true),
      Column(name: "stars", type: .int64, number: 7, isNullable: true),
    ], softDelete: true)

  static func row(
    _ id: String, title: String, stars: Int64 = 0, version: Int64 = 1, deleted: Bool = false
  ) -> RowImage {
    RowEncoder.image(
      of: [
        .string(id), .timestamp(1), .timestamp(version), .int64(version), .bool(deleted),
        .string(title), .int64(stars),
      ], table: notes)
  }

  static func change(
    _ sequence: UInt64, _ id: String, before: RowImage?, after: RowImage?
  ) -> Change {
    Change(
      sequence: Sequence(sequence), tableID: notes.id, key: id,
      operation: before == nil ? .insert : after == nil ? .delete : .update, before: before,
      after: after)
  }

  static func commit(_ changes: Change..., origin: String = "") -> Commit {
    Commit(changes: changes, author: Author(clientID: origin), committedAt: 1)
  }
}
