import DatasyncModel
import DatasyncStorage

// What each operation asks of the row, and what it makes of it.
extension StorageLaws {
  static let conditions = [
    StorageLaw(
      .clientsOrder, "a create needs a key that is free, and makes one where none is given"
    ) {
      trial in
      let bench = try trial.begin()
      let title: [String: Value] = ["title": .string("t")]
      let first = try bench.write(try bench.create("task", .string("a"), title))[0]
      do {
        try bench.write(try bench.create("task", .string("a"), ["title": .string("u")]))
        throw trial.broken("ROW_EXISTS", "a second row of that key")
      } catch let error as DatasyncError {
        try trial.require(
          error.code == .alreadyExists && error.reason == "ROW_EXISTS", "ROW_EXISTS", saw: error)
        try trial.require(
          error.row?.image == first.image, "the stored row with it", saw: error.row?.key ?? "none")
      }
      try bench.write(try bench.delete("task", "a"))
      try trial.requireError(.alreadyExists, "ROW_EXISTS", "the key of a row that is deleted") {
        try bench.write(try bench.create("task", .string("a"), title))
      }
      let made = try (0..<3).map { _ in
        try bench.write(try bench.create("note", nil, title))[0].image
      }
      let table = try bench.table("note")
      let keys = made.compactMap { $0.map { RowDecoder.values(of: $0, table: table)[0] } }
      try trial.require(
        Set(keys).count == 3 && keys.allSatisfy { MemoryKey($0)?.text.utf8.count == 36 },
        "three keys of their own", saw: keys)
      try bench.write(try bench.create("number", .int64(41)))
      let next = try bench.write(try bench.create("number", nil))[0].image
      let numbers = try bench.table("number")
      let key = next.map { RowDecoder.values(of: $0, table: numbers)[0] }
      try trial.require(key == .int64(42), "the next integer, 42", saw: key ?? .null)
      try trial.requireError(.invalidArgument, "BAD_KEY", "a key with a control character") {
        try bench.write(try bench.create("note", .string("a\u{7}"), title))
      }
    },
    StorageLaw(.clientsOrder, "replace, update and delete need a row, of that version, not deleted")
    {
      trial in
      let bench = try trial.begin()
      let fields: [String: Value] = ["title": .string("t")]
      let kinds: [(String, (Value, Sequence) throws -> WriteOperation)] = [
        ("a replace", { try bench.replace("task", $0, fields, WriteCondition(ifVersion: $1)) }),
        ("an update", { try bench.update("task", $0, fields, WriteCondition(ifVersion: $1)) }),
        ("a delete", { try bench.delete("task", MemoryKey($0)?.text ?? "", ifVersion: $1) }),
      ]
      for (index, (what, make)) in kinds.enumerated() {
        let key = "k\(index)"
        let absent = try make(.string("absent"), .zero)
        try trial.requireError(.notFound, "ROW_NOT_FOUND", "\(what) of no row") {
          try bench.write(absent)
        }
        let made = try bench.write(try bench.create("task", .string(key)))[0]
        let other = try make(.string(key), made.sequence.next)
        do {
          try bench.write(other)
          throw trial.broken("\(what) of another version to be refused", "none")
        } catch let error as DatasyncError {
          try trial.require(
            error.code == .failedPrecondition && error.reason == "VERSION_MISMATCH",
            "VERSION_MISMATCH", saw: error)
          try trial.require(
            error.row?.version == made.sequence
              && error.metadata["version"] == "\(made.sequence)", "the stored row with it",
            saw: error.metadata)
        }
        try bench.write(try make(.string(key), made.sequence))
        if index < 2 { try bench.write(try bench.delete("task", key)) }
        let again = try make(.string(key), .zero)
        try trial.requireError(.notFound, "ROW_DELETED", "\(what) of a deleted row") {
          try bench.write(again)
        }
      }
    },
    StorageLaw(.clientsOrder, "allow_missing makes a row, and goes with no version") { trial in
      let bench = try trial.begin()
      let missing = WriteCondition(allowMissing: true)
      try bench.write(
        try bench.replace("note", .string("a"), ["title": .string("a")], missing))
      try bench.write(
        try bench.update(
          "note", .string("b"), ["title": .string("b"), "rating": .double(1.5)], missing))
      let (first, second) = (try bench.row("note", "a")?.fields, try bench.row("note", "b")?.fields)
      try trial.require(
        first == ["title": .string("a"), "stars": .int64(3)], "a row of what was sent and defaults",
        saw: first ?? [:])
      try trial.require(
        second == ["title": .string("b"), "stars": .int64(3), "rating": .double(1.5)],
        "the same of an update", saw: second ?? [:])
      try trial.requireError(.invalidArgument, "BAD_CONDITION", "both conditions together") {
        try bench.write(
          try bench.replace(
            "note", .string("a"), ["title": .string("x")],
            WriteCondition(ifVersion: Sequence(1), allowMissing: true)))
      }
      try trial.requireError(.invalidArgument, "MISSING_ID", "a replace without a key") {
        try bench.write(try bench.replace("note", nil, ["title": .string("x")], missing))
      }
    },
    StorageLaw(.clientsOrder, "a replace writes all columns, an update those that it names") {
      trial in
      let bench = try trial.begin()
      try bench.write(
        try bench.create(
          "note", .string("a"),
          ["title": .string("t"), "stars": .int64(5), "rating": .double(2)]))
      try bench.write(try bench.update("note", .string("a"), ["title": .string("u")]))
      let updated = try bench.row("note", "a")?.fields ?? [:]
      try trial.require(
        updated == ["title": .string("u"), "stars": .int64(5), "rating": .double(2)],
        "the title alone to change", saw: updated)
      var draft = try bench.draft("note", .string("a"), ["rating": .double(3)])
      let table = draft.table
      draft.values[SystemColumn.count] = .string("ignored")
      let named = ["stars", "rating"].compactMap { table.index(ofColumn: $0) }
      try bench.write(.update(draft, columns: named, WriteCondition()))
      let masked = try bench.row("note", "a")?.fields ?? [:]
      try trial.require(
        masked == ["title": .string("u"), "rating": .double(3)], "stars to become NULL", saw: masked
      )
      try bench.write(try bench.replace("note", .string("a"), ["title": .string("v")]))
      let replaced = try bench.row("note", "a")?.fields ?? [:]
      try trial.require(
        replaced == ["title": .string("v"), "stars": .int64(3)], "the default for what is absent",
        saw: replaced)
      try trial.requireError(.invalidArgument, "CONSTRAINT_VIOLATION", "a row without its title") {
        try bench.write(try bench.replace("note", .string("a"), [:]))
      }
    },
    StorageLaw(.clientsOrder, "a write that changes nothing is no change") { trial in
      let bench = try trial.begin()
      let made = try bench.write(
        try bench.create("note", .string("a"), ["title": .string("t")]))[0]
      let same = try bench.write(try bench.update("note", .string("a"), ["title": .string("t")]))[0]
      try trial.require(
        same.sequence == made.sequence && same.image == made.image, "the row as it was",
        saw: same.sequence)
      try trial.require(
        bench.storage.head == made.sequence, "no new sequence", saw: bench.storage.head)
    },
    StorageLaw(
      .clientsOrder, "deletes mark the rows of some tables, and include_deleted reaches them"
    ) {
      trial in
      let bench = try trial.begin()
      try bench.write(try bench.create("note", .string("a"), ["title": .string("t")]))
      try bench.write(try bench.create("task", .string("a"), ["title": .string("t")]))
      try bench.write(try bench.delete("note", "a"))
      try bench.write(try bench.delete("task", "a"))
      try trial.require(try bench.row("note", "a") == nil, "no row any more", saw: "one")
      try trial.require(
        try bench.row("task", "a")?.isDeleted == true, "a row that is deleted", saw: "none")
      let changes = try bench.log().flatMap(\.changes).suffix(2)
      try trial.require(
        changes.map(\.operation) == [.delete, .update] && changes.first?.after == nil,
        "a delete and an update in the log", saw: changes.map(\.operation))
      var undelete = try bench.draft("task", .string("a"), ["title": .string("t")])
      undelete.values[SystemColumn.deleted.rawValue] = .bool(false)
      try bench.write(.replace(undelete, WriteCondition(includeDeleted: true)))
      try trial.require(
        try bench.row("task", "a")?.isDeleted == false, "the row to be back", saw: "deleted")
    },
    StorageLaw(.clientsOrder, "what names no table that is served is refused") { trial in
      let bench = try trial.begin()
      let gone = Table(
        id: 9_999, name: "gone", messageName: "tables.Gone", columns: LawTables.note.columns)
      let draft = RowDraft(table: gone, values: .absent(gone.columns.count))
      try trial.requireError(.notFound, "TABLE_NOT_FOUND", "a create in no table") {
        try bench.write(.create(draft))
      }
      try trial.requireError(.notFound, "TABLE_NOT_FOUND", "a delete in no table") {
        try bench.write(.delete(gone, key: "a", ifVersion: .zero))
      }
      try trial.requireError(.notFound, "TABLE_NOT_FOUND", "a read of no table") {
        _ = try bench.read { snapshot throws(DatasyncError) in try snapshot.row("a", in: gone)?.row
        }
      }
      let numbers = try bench.table("number")
      for key in ["x", "01", ""] {
        try trial.requireError(.invalidArgument, "BAD_KEY", "the key \"\(key)\" of integers") {
          try bench.write(.delete(numbers, key: key, ifVersion: .zero))
        }
        try trial.requireError(.invalidArgument, "BAD_KEY", "a read of \"\(key)\"") {
          _ = try bench.read { snapshot throws(DatasyncError) in
            try snapshot.row(key, in: numbers)?.row
          }
        }
      }
    },
  ]
}
