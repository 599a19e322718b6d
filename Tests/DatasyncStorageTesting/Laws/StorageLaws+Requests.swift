import DatasyncModel
import DatasyncStorage

// 4. A client's order, 8. Once.
extension StorageLaws {
  static let requests =
    [
      StorageLaw(
        .clientsOrder, "a session's writes take effect in the order in which they were sent"
      ) {
        trial in
        let bench = try trial.begin { $0.gatheringTime = .seconds(60) }
        bench.record.hold(true)
        for session in 1...3 {
          try bench.write(try bench.create("number", .int64(Int64(session))))
          bench.storage.resumeWriting()
        }
        var last: [UInt64] = []
        for step in 0..<20 {
          for session in 1...3 {
            last.append(
              try bench.send(
                [try bench.update("number", .int64(Int64(session)), ["n": .int64(Int64(step))])],
                session: UInt64(session), author: Author(clientID: "session \(session)")))
          }
        }
        bench.record.hold(false)
        bench.storage.resumeWriting()
        for request in last { _ = try bench.results(request) }
        let table = try bench.table("number")
        let changes = try bench.log().flatMap(\.changes).filter { $0.operation == .update }
        for session in 1...3 {
          let values = changes.filter { $0.key == "\(session)" }.compactMap(\.after).map {
            RowDecoder.values(of: $0, table: table)[SystemColumn.count]
          }
          try trial.require(
            values == (0..<20).map { .int64($0) }, "0 to 19 of session \(session)", saw: values)
        }
      },
      StorageLaw(.clientsOrder, "a request that fails does so alone, and leaves nothing") { trial in
        let bench = try trial.begin { $0.gatheringTime = .seconds(60) }
        try bench.write(try bench.create("note", .string("taken"), ["title": .string("t")]))
        bench.record.hold(true)
        try bench.write(try bench.create("number", .int64(1)))
        let good = try bench.send([try bench.create("note", .string("a"), ["title": .string("a")])])
        let torn = try bench.send([
          try bench.create("note", .string("b"), ["title": .string("b")]),
          try bench.create("note", .string("c"), ["title": .string("c")]),
          try bench.create("note", .string("taken"), ["title": .string("d")]),
        ])
        let after = try bench.send([try bench.create("note", .string("e"), ["title": .string("e")])]
        )
        bench.storage.resumeWriting()
        _ = try bench.results(good)
        try trial.requireError(.alreadyExists, "ROW_EXISTS", "a commit whose third row is taken") {
          do {
            _ = try bench.results(torn)
          } catch let error as DatasyncError {
            try trial.require(
              error.metadata["write_index"] == "2", "write_index 2", saw: error.metadata)
            throw error
          }
        }
        _ = try bench.results(after)
        let keys = try bench.rows("note").rows.keys.sorted()
        try trial.require(keys == ["a", "e", "taken"], "a, e and taken", saw: keys)
        let logged = try bench.log().flatMap(\.changes).filter { ["b", "c"].contains($0.key) }.count
        try trial.require(logged == 0, "nothing of it in the log", saw: logged)
      },
      StorageLaw(
        .clientsOrder, "each write of a commit sees the one before, and is a change of its own"
      ) {
        trial in
        let bench = try trial.begin()
        let results = try bench.write(
          try bench.create("note", .string("a"), ["title": .string("1")]),
          try bench.update("note", .string("a"), ["title": .string("2")]),
          try bench.delete("note", "a"),
          try bench.create("note", .string("a"), ["title": .string("3")]))
        let sequences = results.map(\.sequence.rawValue)
        try trial.require(
          zip(sequences, sequences.dropFirst()).allSatisfy { $1 == $0 + 1 },
          "consecutive sequences", saw: sequences)
        let commit = try bench.log().last
        try trial.require(
          commit?.changes.map(\.operation) == [.insert, .update, .delete, .insert],
          "four changes in one commit", saw: commit?.changes.count ?? 0)
        let fields = try bench.row("note", "a")?.fields ?? [:]
        try trial.require(fields["title"] == .string("3"), "the last title", saw: fields)
      },
      StorageLaw(.clientsOrder, "an empty request is answered, and changes nothing") { trial in
        let bench = try trial.begin()
        let head = bench.storage.head
        let results = try bench.results(try bench.send([]))
        try trial.require(
          results.isEmpty && bench.storage.head == head, "no result and no change",
          saw: results.count)
      },
      StorageLaw(.clientsOrder, "what is taken back does not happen, and is not answered") {
        trial in
        let bench = try trial.begin { $0.gatheringTime = .seconds(60) }
        bench.record.hold(true)
        try bench.write(try bench.create("number", .int64(1)))
        let gone = try (2..<5).map {
          try bench.send([try bench.create("number", .int64($0))], session: 7)
        }
        let stays = try bench.send([try bench.create("number", .int64(9))], session: 8)
        let withdrawn = bench.storage.withdrawWrites(loop: 0, session: 7)
        try trial.require(withdrawn == gone, "\(gone), in order", saw: withdrawn)
        bench.record.hold(false)
        bench.storage.resumeWriting()
        _ = try bench.results(stays)
        try bench.write(try bench.create("number", .int64(10)))
        let keys = try bench.rows("number").rows.keys.sorted()
        try trial.require(keys == ["1", "10", "9"], "1, 9 and 10", saw: keys)
        for request in gone {
          try trial.require(bench.record.outcome(request) == nil, "no answer", saw: "one")
        }
      },
      StorageLaw(.clientsOrder, "what is submitted to start later is taken on when it starts") {
        trial in
        let bench = try trial.begin()
        let request = try bench.send(
          [try bench.create("number", .int64(1))], startsNow: false)
        bench.storage.startWriting()
        _ = try bench.results(request)
      },
    ] + conditions

  static let once = [
    StorageLaw(.once, "a mutation is done once: its results come again, marked") { trial in
      let bench = try trial.begin()
      let mutation = Mutation(scope: "s", id: "m", fingerprint: [1])
      let operations = [
        try bench.create("number", nil, ["n": .int64(1)]),
        try bench.create("number", nil, ["n": .int64(2)]),
      ]
      let first = try bench.results(try bench.send(operations, mutation: mutation))
      let again = try bench.send(operations, session: 2, mutation: mutation)
      try requireReplay(of: first, bench, again, trial)
      let count = try bench.rows("number").rows.count
      try trial.require(count == 2, "two rows", saw: count)
      bench.storage.close()
      let record = BatchRecord()
      let opened = trial.bench(try bench.subject.reopened(observer: record), record)
      let last = try opened.send(operations, mutation: mutation)
      try requireReplay(of: first, opened, last, trial)
    },
    StorageLaw(.once, "an id of another request is refused; in another scope it is another") {
      trial in
      let bench = try trial.begin()
      let mutation = Mutation(scope: "s", id: "m", fingerprint: [1])
      _ = try bench.results(
        try bench.send([try bench.create("number", .int64(1))], mutation: mutation))
      try trial.requireError(.invalidArgument, "MUTATION_ID_REUSED", "another request of the id") {
        _ = try bench.results(
          try bench.send(
            [try bench.create("number", .int64(2))],
            mutation: Mutation(scope: "s", id: "m", fingerprint: [2])))
      }
      _ = try bench.results(
        try bench.send(
          [try bench.create("number", .int64(2))],
          mutation: Mutation(scope: "t", id: "m", fingerprint: [2])))
    },
    StorageLaw(.once, "a request that failed is tried anew when it comes again") { trial in
      let bench = try trial.begin()
      let mutation = Mutation(scope: "s", id: "m", fingerprint: [1])
      let update = try bench.update("number", .int64(1), ["n": .int64(2)])
      try trial.requireError(.notFound, "ROW_NOT_FOUND", "an update of no row") {
        _ = try bench.results(try bench.send([update], mutation: mutation))
      }
      try bench.write(try bench.create("number", .int64(1)))
      _ = try bench.results(try bench.send([update], mutation: mutation))
    },
  ]

  private static func requireReplay(
    of first: [WriteResult], _ bench: LawBench, _ request: UInt64, _ trial: LawTrial
  ) throws {
    guard case .success(let results, let replayed) = try bench.outcome(request) else {
      throw trial.broken("the results again", "a failure")
    }
    try trial.require(replayed, "the repeat to be marked", saw: "no mark")
    try trial.require(
      results.map(\.sequence) == first.map(\.sequence)
        && results.map(\.image) == first.map(\.image), "the same results",
      saw: results.map(\.sequence))
  }
}
