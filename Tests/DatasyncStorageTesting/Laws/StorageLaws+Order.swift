import DatasyncModel
import DatasyncStorage

// 1. Durable, 2. One order, 3. Answers first.
extension StorageLaws {
  static let durable = [
    StorageLaw(.durable, "what was answered is there after a crash") { trial in
      let bench = try trial.begin()
      var history = History(bench, trial.random)
      for _ in 0..<4 {
        try history.run(15)
        try history.end()
        let crashed = try crash(bench, trial)
        for name in ["note", "number", "task"] {
          let (found, kept) = (try crashed.rows(name).rows, try bench.rows(name).rows)
          try trial.require(
            found == kept, "the rows of \(name) to be as answered", saw: found.count)
        }
        let (found, kept) = (try crashed.log(), try bench.log())
        try trial.require(
          found.map(\.last) == kept.map(\.last), "the log to \(kept.last?.last ?? .zero)",
          saw: found.last?.last ?? .zero)
      }
    },
    StorageLaw(.durable, "a write without an answer has happened whole, or not at all") { trial in
      let bench = try trial.begin()
      let requests = try (0..<60).map { number in
        try bench.send(
          try (0..<3).map {
            try bench.create("note", .string("\(number)-\($0)"), ["title": .string("\(number)")])
          }, session: UInt64(number % 4))
      }
      _ = try bench.outcome(requests[20])
      let crashed = try crash(bench, trial)
      let counts = Dictionary(
        grouping: try crashed.rows("note").rows.keys, by: { $0.prefix { $0 != "-" } }
      ).mapValues(\.count)
      try trial.require(
        counts.values.allSatisfy { $0 == 3 }, "all three rows of a commit or none",
        saw: counts.filter { $0.value != 3 })
    },
    StorageLaw(.durable, "what waits at the close is written, answered, and there afterwards") {
      trial in
      let bench = try trial.begin { $0.gatheringTime = .seconds(60) }
      bench.record.hold(true)
      try bench.write(try bench.create("note", .string("first"), ["title": .string("t")]))
      let waiting = try (0..<5).map {
        try bench.send([try bench.create("note", .string("w\($0)"), ["title": .string("t")])])
      }
      bench.storage.close()
      for request in waiting { _ = try bench.results(request) }
      let record = BatchRecord()
      let again = trial.bench(try bench.subject.reopened(observer: record), record)
      let keys = try again.rows("note").rows.keys.sorted()
      try trial.require(
        keys == ["first", "w0", "w1", "w2", "w3", "w4"], "all six rows", saw: keys)
    },
  ]

  static func crash(_ bench: LawBench, _ trial: LawTrial) throws -> LawBench {
    let record = BatchRecord()
    return trial.bench(try bench.subject.afterCrash(observer: record), record)
  }

  static let order = [
    StorageLaw(
      .oneOrder, "sequences are consecutive, a commit's are neighbours, in all that is told"
    ) {
      trial in
      let bench = try trial.begin()
      let first = bench.storage.head
      var history = History(bench, trial.random)
      try history.run(80, foreign: 15)
      try history.end()
      try trial.require(
        bench.record.waitForHead(try bench.settle(), within: bench.patience),
        "every commit to be told", saw: bench.storage.head)
      var last = first
      for commit in bench.record.commits {
        for change in commit.changes {
          try trial.require(change.sequence == last.next, "\(last.next)", saw: change.sequence)
          last = change.sequence
        }
        try trial.require(
          commit.last == last && commit.first.rawValue + UInt64(commit.count) - 1 == last.rawValue,
          "a commit from its first change to its last", saw: "\(commit.first)...\(commit.last)")
      }
      let logged = try bench.log(after: first).map(\.last)
      try trial.require(
        logged == bench.record.commits.map(\.last), "the log to hold what was told", saw: logged)
    },
    StorageLaw(.oneOrder, "a row's version is the sequence of its last change") { trial in
      let bench = try trial.begin()
      var history = History(bench, trial.random)
      try history.run(80, foreign: 10)
      try history.end()
      var last: [Int: [String: Sequence]] = [:]
      for change in try bench.log().flatMap(\.changes) {
        last[change.tableID, default: [:]][change.key] = change.sequence
      }
      for name in ["note", "number", "task"] {
        let table = try bench.table(name)
        let versions = try bench.rows(name).rows.mapValues {
          RowDecoder.values(of: $0, table: table).version
        }
        for (key, version) in versions {
          try trial.require(
            version == last[table.id]?[key], "version \(last[table.id]?[key] ?? .zero) of \(key)",
            saw: version)
        }
      }
    },
  ]

  static let answers = [
    StorageLaw(
      .answersFirst, "an answer is in the batch of its commit, once, and tells its sequence"
    ) {
      trial in
      let bench = try trial.begin()
      var history = History(bench, trial.random)
      try history.run(80)
      try history.end()
      for told in bench.record.batches {
        let batch = told.batch
        let sequences = Set(batch.commits.flatMap(\.changes).map(\.sequence))
        var answered: Set<Sequence> = []
        for case .success(let results, false) in batch.answers.map(\.outcome) {
          // A write that changed nothing tells the version, which an earlier batch may have made.
          answered.formUnion(results.map(\.sequence))
        }
        try trial.require(
          sequences.isSubset(of: answered), "the answers to \(sequences.sorted()) with them",
          saw: answered.sorted())
        for request in batch.answers.map(\.replyTo.request) {
          try trial.require(
            bench.record.answerCount(request) == 1, "one answer to request \(request)",
            saw: bench.record.answerCount(request))
        }
      }
    },
    StorageLaw(.answersFirst, "batches come singly, in order, and the head with them") { trial in
      let bench = try trial.begin()
      var history = History(bench, trial.random)
      try history.run(80, foreign: 10)
      try history.end()
      try trial.require(!bench.record.overlapped, "one batch at a time", saw: "two")
      var last = Sequence.zero
      for told in bench.record.batches {
        let batch = told.batch
        try trial.require(batch.head >= last, "a head not before \(last)", saw: batch.head)
        try trial.require(
          batch.commits.last.map { $0.last == batch.head } ?? true,
          "the head \(batch.commits.last?.last ?? .zero)", saw: batch.head)
        try trial.require(
          told.storeHead ?? batch.head == batch.head, "the store's head to be \(batch.head)",
          saw: told.storeHead ?? .zero)
        last = batch.head
      }
    },
    StorageLaw(.answersFirst, "a snapshot is ahead of what was told by one batch at most") {
      trial in
      let bench = try trial.begin()
      var seen: [(sequence: Sequence, told: Int)] = []
      var last: UInt64 = 0
      for number in 0..<40 {
        last = try bench.send([
          try bench.replace(
            "number", .int64(1), ["n": .int64(Int64(number))], WriteCondition(allowMissing: true))
        ])
        let sequence = try bench.settle()
        seen.append((sequence, bench.record.batches.count))
      }
      _ = try bench.outcome(last)
      try trial.require(
        bench.record.waitForHead(try bench.settle(), within: bench.patience), "all to be told",
        saw: bench.storage.head)
      let heads = bench.record.batches.map(\.batch.head)
      try trial.require(!heads.isEmpty, "batches", saw: "none")
      for (sequence, told) in seen {
        let mostly = heads[min(told, heads.count - 1)]
        try trial.require(sequence <= mostly, "at most \(mostly)", saw: sequence)
      }
    },
    StorageLaw(
      .answersFirst, "a writer that is told to wait does, and takes all that came, at once"
    ) {
      trial in
      let bench = try trial.begin { $0.gatheringTime = .seconds(60) }
      bench.record.hold(true)
      try bench.write(try bench.create("number", .int64(1)))
      let before = bench.record.batches.count
      let requests = try (2..<7).map { try bench.send([try bench.create("number", .int64($0))]) }
      try trial.require(
        !bench.record.waitForBatches(before + 1, within: .milliseconds(30)),
        "nothing before the writer is let go", saw: "a batch")
      bench.storage.resumeWriting()
      for request in requests { _ = try bench.results(request) }
      let count = bench.record.batches.count - before
      try trial.require(count == 1, "one batch", saw: count)
    },
    StorageLaw(.answersFirst, "a writer that nobody lets go goes on by itself") { trial in
      let bench = try trial.begin()
      bench.record.hold(true)
      for number in 1..<4 { try bench.write(try bench.create("number", .int64(Int64(number)))) }
    },
  ]
}
