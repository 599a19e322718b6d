import DatasyncModel
import DatasyncStorage

// What a caller's rules forbid does not happen.
extension StorageLaws {
  static let rules = [
    StorageLaw(.rules, "a row that the caller does not see is treated as one that is not there") {
      trial in
      let bench = try trial.begin()
      let writes: (String) throws -> [WriteOperation] = { key in
        [
          try bench.update("note", .string(key), ["title": .string("u")]),
          try bench.update(
            "note", .string(key), ["title": .string("u")],
            WriteCondition(ifVersion: Sequence(7))),
          try bench.replace("note", .string(key), ["title": .string("u")]),
          try bench.delete("note", key),
          try bench.delete("note", key, ifVersion: Sequence(7)),
        ]
      }
      let absent = try writes("a").map { try trial.refusal(bench, $0, ByTitle()) }
      try bench.write(try bench.create("note", .string("a"), ["title": .string("unseen")]))
      let unseen = try writes("a").map { try trial.refusal(bench, $0, ByTitle()) }
      try trial.require(unseen == absent, "the answers of an absent row: \(absent)", saw: unseen)
      let error = try trial.error(
        bench,
        try bench.replace(
          "note", .string("a"), ["title": .string("u")], WriteCondition(allowMissing: true)),
        ByTitle())
      try trial.require(
        error?.reason == "ROW_EXISTS", "a create where the caller sees no row", saw: error as Any)
      try trial.require(
        try bench.row("note", "a")?.fields["title"] == .string("unseen"), "the row as it was",
        saw: "another")
    },
    StorageLaw(.rules, "of several causes the first counts") { trial in
      let bench = try trial.begin()
      let rules = ByTitle()
      try bench.write(try bench.create("note", .string("a"), ["title": .string("locked")]))
      try bench.write(try bench.create("note", .string("b"), ["title": .string("open")]))
      try bench.write(try bench.create("task", .string("t"), ["title": .string("locked")]))
      try bench.write(try bench.delete("task", "t"))
      let stale = WriteCondition(ifVersion: Sequence(7_777))
      let open: [String: Value] = ["title": .string("open")]
      let wrong: [String: Value] = ["title": .string("wrong")]
      for (reason, operation) in [
        ("ROW_DELETED", try bench.update("task", .string("t"), open)),
        ("ROW_NOT_ALLOWED", try bench.update("note", .string("a"), open, stale)),
        ("ROW_NOT_ALLOWED", try bench.delete("note", "a", ifVersion: Sequence(7_777))),
        ("VERSION_MISMATCH", try bench.update("note", .string("b"), wrong, stale)),
        ("RESULT_NOT_ALLOWED", try bench.update("note", .string("b"), wrong)),
        ("RESULT_NOT_ALLOWED", try bench.replace("note", .string("b"), wrong)),
        ("RESULT_NOT_ALLOWED", try bench.create("note", .string("b"), wrong)),
        ("ROW_EXISTS", try bench.create("note", .string("b"), open)),
      ] {
        let error = try trial.error(bench, operation, rules)
        try trial.require(error?.reason == reason, reason, saw: error as Any)
      }
      let titles = try ["a", "b"].map { try bench.row("note", $0)?.fields["title"] }
      try trial.require(
        titles == [.string("locked"), .string("open")], "the rows as they were", saw: titles)
    },
    StorageLaw(.rules, "the row that a write makes is judged, whatever it was before") { trial in
      let bench = try trial.begin()
      let rules = ByTitle()
      try bench.write(
        try bench.create("note", .string("a"), ["title": .string("open")]), under: rules)
      let head = bench.storage.head
      let commit = try bench.send(
        [
          try bench.create("note", .string("c"), ["title": .string("open")]),
          try bench.update("note", .string("a"), ["title": .string("wrong")]),
        ], rules: rules)
      try trial.requireError(.permissionDenied, "RESULT_NOT_ALLOWED", "a commit") {
        _ = try bench.results(commit)
      }
      try trial.require(
        try bench.row("note", "c") == nil && bench.storage.head == head, "nothing of it",
        saw: bench.storage.head)
      // A key that the store makes is part of the row.
      try bench.write(try bench.create("number", .int64(6), [:]), under: rules)
      let error = try trial.error(bench, try bench.create("number", nil, [:]), rules)
      try trial.require(
        error?.reason == "RESULT_NOT_ALLOWED", "a row with the key 7 to be refused",
        saw: error as Any)
      try trial.require(try bench.row("number", "7") == nil, "no row 7", saw: "one")
    },
    StorageLaw(.rules, "the mark deleted is written by who may both update and delete") { trial in
      let bench = try trial.begin()
      try bench.write(try bench.create("task", .string("a"), ["title": .string("kept")]))
      let marks = WriteCondition(includeDeleted: true)
      var draft = try bench.draft("task", .string("a"), ["title": .string("kept")])
      draft.values[SystemColumn.deleted.rawValue] = .bool(true)
      let writes: [WriteOperation] = [
        .replace(draft, marks),
        .update(draft, columns: [SystemColumn.deleted.rawValue], marks),
        try bench.delete("task", "a"),
      ]
      for write in writes {
        let error = try trial.error(bench, write, ByTitle())
        try trial.require(
          error?.reason == "ROW_NOT_ALLOWED", "ROW_NOT_ALLOWED", saw: error as Any)
      }
      try bench.write(
        try bench.update("task", .string("a"), ["title": .string("open")]), under: ByTitle())
      try bench.write(.replace(draft, marks), under: ByTitle())
      try trial.require(
        try bench.row("task", "a")?.isDeleted == true, "the row to be deleted", saw: "not")
    },
    StorageLaw(.rules, "values are set where a create leaves them out, and kept by a replace") {
      trial in
      let bench = try trial.begin()
      let rules = ByTitle(stars: 9)
      let open: [String: Value] = ["title": .string("open")]
      let missing = WriteCondition(allowMissing: true)
      try bench.write(try bench.create("note", .string("a"), open), under: rules)
      try bench.write(try bench.replace("note", .string("b"), open, missing), under: rules)
      try bench.write(
        try bench.create(
          "note", .string("c"), ["title": .string("open"), "stars": .int64(1)]), under: rules)
      try bench.write(try bench.update("note", .string("a"), ["stars": .int64(4)]))
      try bench.write(try bench.replace("note", .string("a"), open), under: rules)
      let stars = try ["a", "b", "c"].map { try bench.row("note", $0)?.fields["stars"] }
      try trial.require(
        stars == [.int64(4), .int64(9), .int64(1)], "4, 9 and 1 stars", saw: stars)
    },
    StorageLaw(.rules, "an answer carries what the caller may read once all is done") { trial in
      let bench = try trial.begin()
      let rules = ByTitle()
      let mutation = Mutation(scope: "s", id: "m", fingerprint: [1])
      try bench.write(try bench.create("note", .string("a"), ["title": .string("open")]))
      for replayed in [false, true] {
        let request = try bench.send(
          [try bench.update("note", .string("a"), ["title": .string("unseen")])],
          mutation: mutation, rules: rules)
        let results = try bench.results(request)
        try trial.require(
          results.count == 1 && results[0].image == nil, "no row, replayed: \(replayed)",
          saw: results)
      }
      let error = try trial.error(
        bench, try bench.create("note", .string("a"), ["title": .string("open")]), rules)
      try trial.require(
        error?.reason == "ROW_EXISTS" && error?.row == nil, "ROW_EXISTS without the row",
        saw: error as Any)
    },
    StorageLaw(.rules, "rules judge by other rows as the request has made them so far") { trial in
      let bench = try trial.begin()
      let rules = ByTask()
      let note = { (title: String) throws in
        try bench.create("note", .string(title), ["title": .string(title)])
      }
      let task = { (title: String) throws in
        try bench.create("task", .string(title), ["title": .string(title)])
      }
      try bench.write(try task("a"))
      try bench.write(try note("a"), under: rules)
      try bench.write(try task("b"), try note("b"), under: rules)
      for refused in [
        [try note("c")], [try note("c"), try task("c")],
        [try task("c"), try bench.delete("task", "c"), try note("c")],
      ] {
        let request = try bench.send(refused, rules: rules)
        try trial.requireError(.permissionDenied, "RESULT_NOT_ALLOWED", "without a task") {
          _ = try bench.results(request)
        }
      }
      // What was rolled back counts no more.
      try trial.require(
        try bench.row("task", "c") == nil && bench.row("note", "c") == nil, "nothing of it",
        saw: "something")
      // A row is not judged by itself, nor by what is made together with it.
      let error = try trial.error(bench, try bench.create("number", nil, [:]), rules)
      try trial.require(
        error?.reason == "RESULT_NOT_ALLOWED", "a first number to be refused", saw: error as Any)
      try bench.write(try bench.create("number", .int64(1), [:]))
      try bench.write(try bench.create("number", nil, [:]), under: rules)
    },
  ]
}

extension LawTrial {
  /// The error of a write under rules; nil where it happens.
  fileprivate func error(
    _ bench: LawBench, _ operation: WriteOperation, _ rules: any WriteRules
  ) throws -> DatasyncError? {
    do {
      try bench.write(operation, under: rules)
      return nil
    } catch let error as DatasyncError {
      return error
    }
  }

  /// What a client is told of it.
  fileprivate func refusal(
    _ bench: LawBench, _ operation: WriteOperation, _ rules: any WriteRules
  ) throws -> String {
    guard let error = try error(bench, operation, rules) else { return "no error" }
    let metadata = error.metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return "\(error.code.rawValue) \(error.reason) \(error.message) \(metadata)"
  }
}

/// Rules by what a row says in `title`: `unseen` is not seen, `locked` not written, `kept` not deleted,
/// `wrong` not made; and no row of `number` has the key 7. Immutable.
private final class ByTitle: WriteRules, WriteJudge {
  /// What is set in a new note; nil: nothing.
  let stars: Int64?

  init(stars: Int64? = nil) {
    self.stars = stars
  }

  func mayRead(_ row: RowImage, in table: Table) -> Bool { title(row, table) != "unseen" }
  func mayUpdate(_ row: RowImage, in table: Table) -> Bool { title(row, table) != "locked" }

  func mayDelete(_ row: RowImage, in table: Table) -> Bool {
    mayUpdate(row, in: table) && title(row, table) != "kept"
  }

  func mayCreate(_ row: RowImage, in table: Table) -> Bool {
    title(row, table) != "wrong"
      && (table.name != "number" || RowDecoder.values(of: row, table: table)[0] != .int64(7))
  }

  func mayUpdate(_ row: RowImage, to after: RowImage, in table: Table) -> Bool {
    mayCreate(after, in: table)
  }

  func valuesSet(in table: Table) -> [Int: Value] {
    guard let stars, let column = table.index(ofColumn: "stars") else { return [:] }
    return [column: .int64(stars)]
  }

  func columnsKept(in table: Table) -> Set<Int> { Set(valuesSet(in: table).keys) }

  private func title(_ row: RowImage, _ table: Table) -> String {
    guard let column = table.index(ofColumn: "title"),
      case .string(let title) = RowDecoder.values(of: row, table: table)[column]
    else { return "" }
    return title
  }
}

/// A note may be made where a task has its title, a number where there is one already. Immutable.
private final class ByTask: WriteRules {
  func judge(in rows: any RowSource) -> any WriteJudge { Judge(rows) }

  final class Judge: WriteJudge {
    private let rows: any RowSource
    private var titles: Set<String>?
    private var hasNumber: Bool?
    private var sequence = Sequence.zero

    init(_ rows: any RowSource) {
      self.rows = rows
    }

    func prepare(for table: Table) throws(DatasyncError) {
      if titles == nil {
        let page = try rows.scan(ScanRequest(table: LawTables.task, limit: 100))
        titles = Set(
          page.rows.compactMap { row in
            guard case .string(let title)? = RowDecoder.values(of: row.image, table: row.table).last
            else { return nil }
            return title
          })
      }
      if hasNumber == nil {
        hasNumber = try !rows.scan(ScanRequest(table: LawTables.number, limit: 1)).rows.isEmpty
      }
      sequence = rows.sequence
    }

    func rowsChanged(in tableID: Int) {
      if tableID == LawTables.task.id { titles = nil }
      if tableID == LawTables.number.id { hasNumber = nil }
    }

    func mayRead(_ row: RowImage, in table: Table) -> Bool { true }
    func mayUpdate(_ row: RowImage, in table: Table) -> Bool { true }
    func mayDelete(_ row: RowImage, in table: Table) -> Bool { true }
    func mayUpdate(_ row: RowImage, to after: RowImage, in table: Table) -> Bool { true }

    func mayCreate(_ row: RowImage, in table: Table) throws(DatasyncError) -> Bool {
      // The store says what has changed since.
      if try rows.hasChanges(in: [LawTables.task.id], after: sequence), titles != nil {
        return false
      }
      switch table.name {
      case "note":
        guard let column = table.index(ofColumn: "title"),
          case .string(let title) = RowDecoder.values(of: row, table: table)[column]
        else { return false }
        return titles?.contains(title) ?? false
      case "number": return hasNumber ?? false
      default: return true
      }
    }

    func valuesSet(in table: Table) -> [Int: Value] { [:] }
    func columnsKept(in table: Table) -> Set<Int> { [] }
  }
}
