import DatasyncModel
import DatasyncStorage

// 7. The log, 9. What others write.
extension StorageLaws {
  static let log = [
    StorageLaw(.log, "who follows by name goes on where it last was, also after a restart") {
      trial in
      let bench = try trial.begin()
      func take(_ kind: ConsumerStep.Kind, in bench: LawBench) throws -> UInt64 {
        let request = try bench.send([], consumer: ConsumerStep("mailer", kind))
        return try bench.results(request).first?.sequence.rawValue ?? 0
      }
      try bench.write(try bench.create("note", .string("a"), ["title": .string("a")]))
      let begun = try take(.begin, in: bench)
      try trial.require(begun == bench.storage.head.rawValue, "the last commit", saw: begun)
      try bench.write(try bench.create("note", .string("b"), ["title": .string("b")]))
      let head = bench.storage.head
      let known = try take(.begin, in: bench)
      try trial.require(known == begun, "the position as it was", saw: known)
      _ = try take(.move(to: head), in: bench)
      bench.storage.close()
      let record = BatchRecord()
      let again = trial.bench(try bench.subject.reopened(observer: record), record)
      let kept = try take(.begin, in: again)
      try trial.require(kept == head.rawValue, "the position that it moved to, \(head)", saw: kept)
      let logged = try again.log().count
      try trial.require(again.storage.head == head, "no change by it", saw: logged)
      _ = try take(.remove, in: again)
      try trial.requireError(.notFound, "CONSUMER_REMOVED", "the move of one that is gone") {
        _ = try take(.move(to: head), in: again)
      }
    },
    StorageLaw(
      .log, "the log's images are a chain for each row, and end in the rows that are there"
    ) {
      trial in
      let bench = try trial.begin()
      var history = History(bench, trial.random)
      try history.run(120, foreign: 10)
      try history.end()
      var replay = Replay()
      for commit in try bench.log() { try replay.apply(commit, trial) }
      for name in ["note", "task", "number"] {
        let expected = replay.rows[try bench.table(name).id] ?? [:]
        let rows = try bench.rows(name).rows
        try trial.require(
          rows == expected, "the rows that the log ends in", saw: rows.keys.sorted())
      }
    },
    StorageLaw(.log, "pages of the log are whole commits, each once, entry by entry the same") {
      trial in
      let bench = try trial.begin()
      var history = History(bench, trial.random)
      try history.run(60, foreign: 10)
      try history.end()
      let all = try bench.log()
      var paged: [Commit] = []
      let start = all.first.map { Sequence($0.first.rawValue - 1) } ?? .zero
      var position = start
      while paged.count < all.count {
        let after = position
        let page = try bench.read(.log) { snapshot throws(DatasyncError) in
          try snapshot.changes(after: after, through: snapshot.sequence, maxBytes: 400)
        }
        try trial.require(
          !page.commits.isEmpty && page.through == page.commits.last?.last,
          "a commit after \(after), and its end", saw: page.through)
        paged += page.commits
        position = page.through
      }
      try trial.require(
        paged.map(\.first) == all.map(\.first) && paged.map(\.last) == all.map(\.last),
        "every commit once", saw: paged.map(\.last))
      try requireEntries(of: all, after: start, bench, trial)
    },
    StorageLaw(.log, "what was compacted is refused, what was not is whole") { trial in
      let bench = try trial.begin { $0.maxLogBytes = 4000 }
      try bench.write(try bench.create("note", .string("old"), ["title": .string("0")]))
      for number in 1...60 {
        try bench.write(
          try bench.create("note", .string("k\(number)"), ["title": .string("\(number)")]),
          try bench.update("note", .string("old"), ["title": .string("\(number)")]))
      }
      let table = try bench.table("note")
      let (oldest, head) = try bench.read(.log) { s throws(DatasyncError) in (s.oldest, s.sequence)
      }
      try trial.require(
        oldest > Sequence(20) && oldest < head, "most of the log to be gone, and an end to stay",
        saw: "oldest \(oldest) of \(head)")
      let commits = try bench.log(after: oldest)
      try trial.require(
        commits.first?.first == oldest.next && commits.last?.last == head,
        "all from \(oldest.next) to \(head)", saw: commits.first?.first ?? .zero)
      let before = Sequence(oldest.rawValue - 1)
      let reads: [(String, @Sendable (any StorageSnapshot) throws(DatasyncError) -> Void)] = [
        (
          "changes",
          { s throws(DatasyncError) in
            _ = try s.changes(after: before, through: head, maxBytes: .max)
          }
        ),
        (
          "entries",
          { s throws(DatasyncError) in
            try s.forEachLogEntry(after: before, through: head) { _ in true }
          }
        ),
        (
          "the past",
          { s throws(DatasyncError) in
            _ = try s.scan(ScanRequest(table: table, limit: 1), asOf: before)
          }
        ),
        ("a commit's head", { s throws(DatasyncError) in _ = try s.commitHead(at: Sequence(2)) }),
      ]
      for (what, read) in reads {
        do {
          try bench.read { snapshot throws(DatasyncError) in try read(snapshot) }
          throw trial.broken("\(what) before \(oldest) to be refused", "no error")
        } catch let error as DatasyncError {
          try trial.require(
            error.code == .outOfRange && error.reason == "HISTORY_COMPACTED"
              && error.metadata["oldest"] == "\(oldest)", "HISTORY_COMPACTED, oldest \(oldest)",
            saw: "\(error) \(error.metadata)")
        }
      }
      let past = try bench.rows("note", asOf: oldest).rows["old"]
      try trial.require(past != nil, "the row as it was at \(oldest)", saw: "none")
    },
  ]

  private static func requireEntries(
    of all: [Commit], after start: Sequence, _ bench: LawBench, _ trial: LawTrial
  ) throws {
    struct Entry: Equatable {
      let sequence: Sequence
      let key: String
      let before: [UInt8]?
      let after: [UInt8]?
      let author: Author?
    }
    let expected = all.flatMap { commit in
      commit.changes.map {
        Entry(
          sequence: $0.sequence, key: $0.key, before: $0.before?.bytes, after: $0.after?.bytes,
          author: $0.sequence == commit.first ? commit.author : nil)
      }
    }
    let entries = try bench.read(.log) { snapshot throws(DatasyncError) in
      var entries: [Entry] = []
      try snapshot.forEachLogEntry(after: start, through: snapshot.sequence) { entry in
        entries.append(
          Entry(
            sequence: entry.sequence, key: String(decoding: entry.key, as: UTF8.self),
            before: entry.before.map { Array($0) }, after: entry.after.map { Array($0) },
            author: entry.commit.map {
              Author(
                clientID: String(decoding: $0.origin, as: UTF8.self),
                principal: String(decoding: $0.principal, as: UTF8.self))
            }))
        return true
      }
      return entries
    }
    try trial.require(
      entries == expected, "\(expected.count) entries as the commits have them", saw: entries.count)
    for commit in all {
      let first = commit.first
      let head = try bench.read(.log) { s throws(DatasyncError) in try s.commitHead(at: first) }
      try trial.require(
        head
          == CommitHead(
            time: commit.committedAt, origin: Array(commit.origin.utf8),
            principal: Array(commit.author.principal.utf8)),
        "the head of the commit at \(first)", saw: head)
    }
  }

  static let foreign = [
    StorageLaw(
      .foreign, "another program's transaction is one commit, once, with what was and became"
    ) {
      trial in
      let bench = try trial.begin()
      try bench.write(try bench.create("note", .string("a"), ["title": .string("a")]))
      try bench.write(try bench.create("note", .string("b"), ["title": .string("b")]))
      let before = try bench.log().count
      try bench.subject.writeAsOther([
        .put(table: "note", key: .string("a"), ["title": .string("other")]),
        .remove(table: "note", key: .string("b")),
        .put(table: "note", key: .string("c"), ["title": .string("new"), "rating": .double(1)]),
      ])
      let rows = try bench.rows("note").rows
      try trial.require(
        rows.keys.sorted() == ["a", "c"], "a reader of the table to see it", saw: rows.keys.sorted()
      )
      let commits = try bench.log().dropFirst(before)
      try trial.require(
        commits.count == 1 && commits.first?.author == .unknown
          && commits.first?.changes.count == 3,
        "one commit of nobody's, with three changes", saw: commits.map(\.changes.count))
      let table = try bench.table("note")
      let changes = Dictionary(
        commits.flatMap(\.changes).map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
      func title(_ image: RowImage?) -> Value? {
        image.map { RowDecoder.values(of: $0, table: table)[SystemColumn.count] }
      }
      let images = ["a", "b", "c"].map { [title(changes[$0]?.before), title(changes[$0]?.after)] }
      try trial.require(
        images == [
          [.string("a"), .string("other")], [.string("b"), nil], [nil, .string("new")],
        ], "what each row was and became", saw: images)
      try bench.write(try bench.create("number", .int64(1)))
      let later = try bench.log().flatMap(\.changes).filter { $0.key == "a" }.count
      try trial.require(later == 2, "the change once", saw: later)
    },
    StorageLaw(.foreign, "what others write among our own writes is all there, once, and told") {
      trial in
      let bench = try trial.begin()
      var history = History(bench, trial.random)
      try history.run(40)
      for number in 0..<20 {
        try bench.subject.writeAsOther([
          .put(table: "note", key: .string("other \(number)"), ["title": .string("\(number)")])
        ])
        try history.run(2)
      }
      try history.end()
      let made = try bench.log().filter { $0.origin.isEmpty }.flatMap(\.changes).map(\.key)
        .filter { $0.hasPrefix("other") }
      try trial.require(
        made == (0..<20).map { "other \($0)" }, "20 rows of others, in order", saw: made)
      try trial.require(
        bench.record.waitForHead(try bench.settle(), within: bench.patience),
        "everything to be told", saw: bench.storage.head)
      let told = bench.record.commits.flatMap(\.changes).filter { $0.key.hasPrefix("other") }.count
      try trial.require(told == 20, "20 changes of others told", saw: told)
    },
    StorageLaw(.foreign, "a row that others changed is nowhere before it is in the log") { trial in
      let bench = try trial.begin()
      try bench.write(try bench.create("note", .string("a"), ["title": .string("0")]))
      let table = try bench.table("note")
      let told = bench.record.batches.count
      bench.record.block(true)
      defer { bench.record.block(false) }
      try bench.send([try bench.create("number", .int64(1))])
      try trial.require(
        bench.record.waitForBatches(told + 1, within: bench.patience), "the writer to be at work",
        saw: "nothing")
      try bench.subject.writeAsOther([
        .put(table: "note", key: .string("a"), ["title": .string("1")])
      ])
      let found = Awaited<Result<(StoredRow?, Sequence), DatasyncError>>()
      bench.storage.read(.table(table.id)) { snapshot throws(DatasyncError) in
        (try snapshot.row("a", in: table)?.row, snapshot.sequence)
      } completion: {
        found.set($0)
      }
      let early = found.get(within: .milliseconds(50))
      bench.record.block(false)
      guard let (row, at) = try (early ?? found.get(within: bench.patience))?.get() else {
        throw trial.broken("an answer to the read", "none")
      }
      let logged = try bench.log().flatMap(\.changes).last { $0.key == "a" && $0.sequence <= at }
      try trial.require(
        row?.image == logged?.after, "the row as the log has it at \(at)", saw: row?.fields ?? [:])
    },
  ]
}
