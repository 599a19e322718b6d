import DatasyncFilter
import DatasyncModel
import DatasyncStorage

// 5. Snapshots, 6. Read what you wrote.
extension StorageLaws {
  static let snapshots = [
    StorageLaw(
      .snapshots, "rows, counts and log of a snapshot stay, whatever is committed meanwhile"
    ) {
      trial in
      let bench = try trial.begin()
      for number in 1...5 {
        try bench.write(try bench.create("note", .string("\(number)"), ["title": .string("t")]))
      }
      let table = try bench.table("note")
      let (began, goesOn) = (Awaited<Void>(), Awaited<Void>())
      let patience = bench.patience
      let found = Awaited<Result<(View, View), DatasyncError>>()
      bench.storage.read(.table(table.id)) { snapshot throws(DatasyncError) in
        let first = try View(snapshot, table)
        began.set(())
        _ = goesOn.get(within: patience)
        return (first, try View(snapshot, table))
      } completion: {
        found.set($0)
      }
      _ = began.get(within: patience)
      defer { goesOn.set(()) }
      try bench.write(try bench.update("note", .string("1"), ["title": .string("u")]))
      try bench.write(try bench.delete("note", "2"))
      try bench.subject.writeAsOther([
        .put(table: "note", key: .string("9"), ["title": .string("other")])
      ])
      // Also after it has been adopted: a write of ours comes after it.
      try bench.write(try bench.create("note", .string("6"), ["title": .string("t")]))
      goesOn.set(())
      guard let (first, second) = try found.get(within: patience)?.get() else {
        throw trial.broken("an answer to the read", "none")
      }
      try trial.require(first == second, "the same as before", saw: second)
      try trial.require(
        first.rows.count == 5 && first.count == 5 && first.last == first.sequence, "five rows",
        saw: first)
    },
    StorageLaw(.snapshots, "a snapshot shows all changes up to its sequence, and none after") {
      trial in
      let bench = try trial.begin()
      var history = History(bench, trial.random)
      var seen: [(name: String, at: Sequence, rows: [String: RowImage])] = []
      for _ in 0..<10 {
        try history.run(10, foreign: 10)
        for name in ["note", "task", "number"] {
          let (rows, at) = try bench.rows(name)
          seen.append((name, at, rows))
        }
      }
      try history.end()
      for (name, at, rows) in seen {
        var replay = Replay()
        for commit in try bench.log() where commit.last <= at { try replay.apply(commit, trial) }
        let table = try bench.table(name)
        let expected = replay.rows[table.id] ?? [:]
        try trial.require(
          rows == expected, "the rows of \(name) as the log has them at \(at)",
          saw: rows.keys.sorted())
        let past = try bench.rows(name, asOf: at).rows
        try trial.require(
          past == rows, "the rows of \(name) as of \(at)", saw: past.keys.sorted())
      }
    },
    StorageLaw(.snapshots, "pages give each row once, in order, as the filter says") { trial in
      let bench = try trial.begin()
      for number in 0..<50 {
        try bench.send([
          try bench.create(
            "note", .string("k\(number)"),
            [
              "title": .string("t\(number % 7)"),
              "stars": number % 3 == 0 ? .null : .int64(Int64(number % 5)),
            ])
        ])
        try bench.send([try bench.create("task", .string("k\(number)"))])
        if number % 4 == 0 { try bench.send([try bench.delete("task", "k\(number)")]) }
      }
      try bench.write(try bench.create("number", .int64(1)))
      let table = try bench.table("note")
      for order in [nil, "title", "stars desc, title", "rating, id desc"] {
        for filter in [nil, "stars gt 1", "title eq 't1' or stars eq null"] {
          try requirePages(bench, trial, table, order, filter)
        }
      }
      for includesDeleted in [false, true] {
        var request = ScanRequest(table: try bench.table("task"), limit: 7)
        request.includeDeleted = includesDeleted
        let count = try pages(bench, request).count
        try trial.require(
          count == (includesDeleted ? 50 : 37), "rows that are deleted where asked for", saw: count)
        let asked = request
        let counted = try bench.read { snapshot throws(DatasyncError) in try snapshot.count(asked) }
        try trial.require(Int(counted) == count, "to count \(count)", saw: counted)
      }
    },
    StorageLaw(
      .snapshots, "a page is bounded, begins after what is skipped, and has what is selected"
    ) {
      trial in
      let bench = try trial.begin()
      for number in 0..<9 {
        try bench.write(
          try bench.create("note", .string("k\(number)"), ["title": .string("t\(number)")]))
      }
      let table = try bench.table("note")
      var request = ScanRequest(table: table, limit: 3)
      request.skip = 2
      request.columns = [table.index(ofColumn: "title") ?? 0]
      let asked = request
      let (page, packed) = try bench.read { snapshot throws(DatasyncError) in
        (try snapshot.scan(asked), try snapshot.scanPacked(asked))
      }
      try trial.require(
        page.rows.map(\.key) == ["k2", "k3", "k4"] && page.next == [.string("k4")],
        "k2 to k4, and more after k4", saw: page.rows.map(\.key))
      let first = page.rows.first.map { RowDecoder.values(of: $0.image, table: table) } ?? []
      try trial.require(
        first == [.string("k2"), .null, .null, .null, .null, .string("t2"), .null, .null],
        "the key and the title alone", saw: first)
      var images: [[UInt8]] = []
      packed.rows.forEach { images.append(Array($0)) }
      try trial.require(
        images == page.rows.map(\.image.bytes) && packed.next == page.next,
        "the same of a packed page", saw: images.count)
      request.maxBytes = 1
      let small = request
      let one = try bench.read { snapshot throws(DatasyncError) in try snapshot.scan(small) }
      try trial.require(one.rows.count == 1, "one row, however small the page", saw: one.rows.count)
    },
    StorageLaw(.readYourWrites, "who reads after an answer sees what it answered") { trial in
      let bench = try trial.begin()
      for number in 0..<40 {
        let made = try bench.write(
          try bench.replace(
            "number", .int64(1), ["n": .int64(Int64(number))], WriteCondition(allowMissing: true)))
        let row = try bench.row("number", "1")
        try trial.require(
          row?.version == made[0].sequence, "version \(made[0].sequence)",
          saw: row?.version ?? .zero)
      }
    },
    StorageLaw(.readYourWrites, "a read waits for the sequence that its reader knows of") { trial in
      let bench = try trial.begin()
      try bench.write(try bench.create("number", .int64(1)))
      let awaited = bench.storage.head.next
      let found = Awaited<Result<Sequence, DatasyncError>>()
      bench.storage.read(.log, atLeast: awaited) { snapshot throws(DatasyncError) in
        snapshot.sequence
      } completion: {
        found.set($0)
      }
      if let early = found.get(within: .milliseconds(50)) {
        throw trial.broken("the read to wait for \(awaited)", "\(early)")
      }
      try bench.write(try bench.create("number", .int64(2)))
      guard let sequence = try found.get(within: bench.patience)?.get() else {
        throw trial.broken("an answer to the read", "none")
      }
      try trial.require(sequence >= awaited, "\(awaited) or later", saw: sequence)
    },
  ]

  /// What a snapshot shows. A value.
  private struct View: Equatable, Sendable {
    let sequence: Sequence
    let rows: [String: RowImage]
    let count: UInt64
    let last: Sequence

    init(_ snapshot: any StorageSnapshot, _ table: Table) throws(DatasyncError) {
      sequence = snapshot.sequence
      rows = try snapshot.allRows(of: table)
      count = try snapshot.count(ScanRequest(table: table, limit: 1))
      last =
        try snapshot.changes(
          after: snapshot.oldest, through: Sequence(UInt64(Int64.max)), maxBytes: .max
        ).commits.last?.last ?? .zero
    }
  }

  private static func pages(_ bench: LawBench, _ request: ScanRequest) throws -> [StoredRow] {
    var request = request
    var rows: [StoredRow] = []
    repeat {
      let asked = request
      let page = try bench.read { snapshot throws(DatasyncError) in try snapshot.scan(asked) }
      rows += page.rows
      request.after = page.next
    } while request.after != nil && rows.count < 1000
    return rows
  }

  private static func requirePages(
    _ bench: LawBench, _ trial: LawTrial, _ table: Table, _ order: String?, _ filter: String?
  ) throws {
    var request = ScanRequest(table: table, limit: 7)
    request.order = try order.map { text throws(DatasyncError) in
      try OrderBy(parsing: text, table: table)
    }
    request.filter = try filter.map { text throws(DatasyncError) in
      try Filter(parsing: text, table: table)
    }
    let found = try pages(bench, request)
    var all = try bench.rows("note").rows.map { key, image in
      (key, RowDecoder.values(of: image, table: table))
    }
    if let filter = request.filter {
      all = try all.filter { try filter.matches($0.1) }
    }
    let sorted = all.sorted { first, second in
      request.order?.precedes(first.1, second.1) ?? (first.0 < second.0)
    }.map(\.0)
    try trial.require(
      found.map(\.key) == sorted, "\(sorted) by \(order ?? "key") where \(filter ?? "all")",
      saw: found.map(\.key))
    let asked = request
    let count = try bench.read { snapshot throws(DatasyncError) in try snapshot.count(asked) }
    try trial.require(count == UInt64(sorted.count), "to count \(sorted.count)", saw: count)
  }
}
