import DatasyncModel
import DatasyncStorage
import Foundation

// Who may block whom; the bounds; the catalog; the end.
extension StorageLaws {
  static let bounds = [
    StorageLaw(.blocking, "reads do not wait for writes") { trial in
      let bench = try trial.begin()
      try bench.write(try bench.create("number", .int64(1)))
      bench.record.block(true)
      defer { bench.record.block(false) }
      try bench.send([try bench.create("number", .int64(2))])
      try trial.require(
        bench.record.waitForBatches(2, within: bench.patience), "the writer to be at work",
        saw: "nothing")
      let row = try bench.row("number", "1")
      try trial.require(row != nil, "the row", saw: "none")
    },
    StorageLaw(.blocking, "writes do not wait for reads") { trial in
      let bench = try trial.begin()
      let (began, goesOn) = (Awaited<Void>(), Awaited<Void>())
      let patience = bench.patience
      bench.storage.read(.database) { _ throws(DatasyncError) in
        began.set(())
        _ = goesOn.get(within: patience * 4)
      } completion: { _ in
      }
      defer { goesOn.set(()) }
      _ = began.get(within: patience)
      try bench.write(try bench.create("number", .int64(1)))
    },
    StorageLaw(
      .blocking, "more writes than the queue holds are refused, and told when to come again"
    ) {
      trial in
      let bench = try trial.begin {
        $0.gatheringTime = .seconds(60)
        $0.maxQueuedWrites = 5
        $0.maxQueuedWriteBytes = 1000
      }
      bench.record.hold(true)
      try bench.write(try bench.create("number", .int64(1)))
      let requests = try (2..<7).map { try bench.send([try bench.create("number", .int64($0))]) }
      try requireLimit("max_queued_writes", bench, trial, byteCount: 100)
      bench.storage.resumeWriting()
      for request in requests { _ = try bench.results(request) }
      let large = try bench.send([try bench.create("number", .int64(7))], byteCount: 900)
      try requireLimit("max_queued_write_bytes", bench, trial, byteCount: 200)
      bench.storage.resumeWriting()
      _ = try bench.results(large)
    },
    StorageLaw(.blocking, "more reads than the queue holds are refused") { trial in
      let bench = try trial.begin { $0.maxQueuedReads = 4 }
      let goesOn = Awaited<Void>()
      let patience = bench.patience
      let most = bench.storage.bounds.maxReaders + 4
      let refused = Awaited<DatasyncError>()
      for _ in 0..<(most + 20) {
        bench.storage.read(.log, isShort: true) { _ throws(DatasyncError) in
          _ = goesOn.get(within: patience)
        } completion: { result in
          if case .failure(let error) = result { refused.set(error) }
        }
      }
      defer { goesOn.set(()) }
      let error = refused.get(within: patience)
      try trial.require(
        error?.code == .resourceExhausted && error?.metadata["limit"] == "max_queued_reads",
        "RESOURCE_EXHAUSTED, limit max_queued_reads", saw: error.map { "\($0)" } ?? "none")
    },
    StorageLaw(.blocking, "a read that is cancelled before it begins is refused") { trial in
      struct Cancelled: ReadCancellation {
        let isCancelled = true
      }
      let bench = try trial.begin()
      let found = Awaited<Result<Void, DatasyncError>>()
      bench.storage.read(.database, cancellation: Cancelled()) { _ throws(DatasyncError) in
      } completion: {
        found.set($0)
      }
      try trial.requireError(.cancelled, "CANCELLED", "the read") {
        try found.get(within: bench.patience)?.get()
      }
    },
    StorageLaw(
      .blocking, "an end of writing refuses what has not begun and what comes, and is told"
    ) {
      trial in
      let bench = try trial.begin { $0.gatheringTime = .seconds(60) }
      bench.record.hold(true)
      try bench.write(try bench.create("number", .int64(1)))
      let waiting = try bench.send([try bench.create("number", .int64(2))])
      let ended = Awaited<Void>()
      bench.storage.endWrites { ended.set(()) }
      try trial.require(
        ended.get(within: bench.patience) != nil, "the end to be told", saw: "no end")
      guard case .failure(let error)? = bench.record.outcome(waiting) else {
        throw trial.broken("what waited to be refused before the end is told", "no refusal")
      }
      try trial.require(error.code == .unavailable, "UNAVAILABLE", saw: error)
      let late = try bench.create("number", .int64(3))
      try requireUnavailable("a write after the end of writing", trial) { try bench.send([late]) }
      let keys = try bench.rows("number").rows.keys.sorted()
      try trial.require(keys == ["1"], "one row, still read", saw: keys)
    },
    StorageLaw(.blocking, "a store that is closed refuses everything, and closes again") { trial in
      let bench = try trial.begin()
      let operation = try bench.create("number", .int64(1))
      bench.storage.close()
      try requireUnavailable("a write after the close", trial) { try bench.send([operation]) }
      try requireUnavailable("a read after the close", trial) { try bench.settle() }
      let ended = Awaited<Void>()
      bench.storage.endWrites { ended.set(()) }
      try trial.require(
        ended.get(within: bench.patience) != nil, "the end to be told", saw: "no end")
      bench.storage.close()
    },
    StorageLaw(.blocking, "a read that the close interrupts is UNAVAILABLE, unless it is done") {
      trial in
      let bench = try trial.begin()
      _ = try bench.results(
        bench.send(try (0..<400).map { try bench.create("number", .int64($0)) }))
      let table = try bench.table("number")
      let (begun, closing) = (Awaited<Void>(), Awaited<Void>())
      let (patience, found) = (bench.patience, Awaited<Swift.Result<Int, DatasyncError>>())
      bench.storage.read(.table(table.id)) { snapshot throws(DatasyncError) in
        begun.set(())
        _ = closing.get(within: patience)
        var count = 0
        for _ in 0..<20 {
          count += try snapshot.scan(ScanRequest(table: table, limit: 400)).rows.count
        }
        return count
      } completion: {
        found.set($0)
      }
      try trial.require(begun.get(within: patience) != nil, "the read to begin", saw: "no read")
      let storage = bench.storage
      let closed = Awaited<Void>()
      let thread = Thread {
        storage.close()
        closed.set(())
      }
      thread.start()
      // The store closes once it takes no write.
      let write = try bench.create("number", .int64(-1))
      let deadline = ContinuousClock.now + patience
      while (try? bench.send([write])) != nil, ContinuousClock.now < deadline {
        _ = closed.get(within: .milliseconds(1))
      }
      closing.set(())
      switch found.get(within: patience) {
      case .success(let count)?: try trial.require(count == 8000, "all rows", saw: count)
      case .failure(let error)?:
        try trial.require(error.code == .unavailable, "UNAVAILABLE", saw: error)
      case nil: throw trial.broken("an answer to the read", "none")
      }
      try trial.require(closed.get(within: patience) != nil, "the close to end", saw: "no end")
    },
    StorageLaw(.blocking, "a new table is told of before its history begins, and one that goes") {
      trial in
      let bench = try trial.begin()
      try bench.subject.makeLateTable()
      try trial.require(
        bench.record.waitForCatalogs(1, within: bench.patience), "a new catalog", saw: "none")
      try bench.write(try bench.create("late", .string("a"), ["title": .string("t")]))
      let late = try bench.table("late")
      let begin = bench.record.batches.firstIndex {
        $0.batch.commits.contains { $0.changes.contains { $0.tableID == late.id } }
      }
      let told = bench.record.catalogChanges.first {
        $0.catalog.table(named: "late") != nil
      }?.batches
      try trial.require(
        told ?? .max <= begin ?? 0, "the catalog before batch \(begin ?? 0)", saw: told ?? -1)
      try trial.require(
        try bench.log().flatMap(\.changes).filter { $0.tableID == late.id }.map(\.operation)
          == [.tableAttached, .insert], "the history to begin, then the row", saw: "another log")
      try bench.subject.removeLateTable()
      try trial.require(
        bench.record.waitForCatalogs(2, within: bench.patience), "a catalog without it", saw: "none"
      )
      try trial.requireError(.notFound, "TABLE_NOT_FOUND", "a write into the table that is gone") {
        try bench.write(.delete(late, key: "a", ifVersion: .zero))
      }
    },
  ]

  private static func requireLimit(
    _ limit: String, _ bench: LawBench, _ trial: LawTrial, byteCount: Int
  ) throws {
    do {
      try bench.send([try bench.create("number", .int64(99))], byteCount: byteCount)
      throw trial.broken("a refusal by \(limit)", "none")
    } catch let error as DatasyncError {
      try trial.require(
        error.code == .resourceExhausted && error.metadata["limit"] == limit
          && error.retryAfter != nil, "RESOURCE_EXHAUSTED, limit \(limit), and when to retry",
        saw: "\(error) \(error.metadata)")
    }
  }

  private static func requireUnavailable<Result>(
    _ what: String, _ trial: LawTrial, _ body: () throws -> Result
  ) throws {
    do {
      _ = try body()
    } catch let error as DatasyncError {
      return try trial.require(error.code == .unavailable, "\(what) to be UNAVAILABLE", saw: error)
    }
    throw trial.broken("\(what) to be refused", "no error")
  }
}
