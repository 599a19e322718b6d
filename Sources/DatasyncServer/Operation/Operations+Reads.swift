import DatasyncMessages
import DatasyncModel
import DatasyncStorage
import DequeModule

// Turns, and the reads that wait for them.
extension Operations {
  func enqueue(_ id: UInt64, _ kind: Step.Kind, _ start: @escaping () -> Void) {
    steps.append(Step(requestID: id, kind: kind, start: start))
    startSteps()
  }

  /// Starts what has its turn. A read waits for the writes before it to be answered and for the stream
  /// to take its answer; a write waits for the reads before it. A scan then waits for others to end,
  /// and holds up no read behind it.
  func startSteps() {
    while hookedWrite == nil, let next = steps.first {
      guard running[next.requestID] != nil else {
        steps.removeFirst()
        continue
      }
      switch next.kind {
      case .write:
        guard activeReads == 0 else { return }
      case .hookedWrite:
        guard activeReads == 0, pendingWrites.isEmpty else { return }
      case .read, .scan:
        guard pendingWrites.isEmpty, sink?.isWritable ?? false else { return }
      }
      steps.removeFirst()
      if next.kind == .scan { start(scan: next) } else { next.start() }
    }
  }

  private func start(scan: Step) {
    activeReads += 1
    guard activeScans < loop.options.maxReadsAtOnce else { return waitingScans.append(scan) }
    activeScans += 1
    scan.start()
  }

  func readEnded() {
    activeReads -= 1
    startSteps()
  }

  func get(_ request: GetRequest, id: UInt64) throws(DatasyncError) {
    let plan = try resolver.get(request)
    let flag = CancellationFlag()
    running[id] = .read(flag)
    enqueue(id, .read) { [self] in
      self.activeReads += 1
      self.activeGets += 1
      let maxRowBytes = self.loop.options.maxRowBytes
      guard plan.tablesRead.isEmpty else {
        return self.loop.read(
          .tables(plan.tablesRead.union([plan.table.id])), cancellation: flag,
          turn: self.caller.turn,
          { snapshot throws(DatasyncError) in
            try plan.reply(in: snapshot, maxRowBytes: maxRowBytes)
          },
          completion: { [self] (result: Result<GetReply, DatasyncError>) in
            self.got(flag, id) { () throws(DatasyncError) in try result.get() }
          })
      }
      self.loop.readRow(plan.key, in: plan.table) { [self] result in
        self.got(flag, id) { () throws(DatasyncError) in
          try plan.reply(try result.get(), maxRowBytes: maxRowBytes)
        }
      }
    }
  }

  private func got(
    _ flag: CancellationFlag, _ id: UInt64, _ reply: () throws(DatasyncError) -> GetReply
  ) {
    if isCurrent(flag, id) {
      do throws(DatasyncError) {
        answer(id, .get(try reply()))
      } catch {
        finish(id, error: error)
      }
    }
    activeGets -= 1
    readEnded()
    takeTurns()
  }

  func query(_ request: QueryRequest, id: UInt64) throws(DatasyncError) {
    let plan = try resolver.query(request)
    let flag = CancellationFlag()
    running[id] = .read(flag)
    enqueue(id, .scan) { [self] in read(plan, flag, id) }
  }

  private func read(_ plan: QueryPlan, _ flag: CancellationFlag, _ id: UInt64) {
    let log = loop.log
    let (coder, historyID) = (loop.tokens, loop.historyID)
    loop.read(
      plan.scope, cancellation: flag, turn: caller.turn,
      { snapshot throws(DatasyncError) in
        let start = ContinuousClock.now
        defer {
          let duration = ContinuousClock.now - start
          if duration > ServiceLog.slowScan {
            log.scanWasSlow(table: plan.scan.table.name, for: duration)
          }
        }
        return try plan.run(in: snapshot, historyID: historyID, coder: coder)
      },
      completion: { [self] (result: Swift.Result<QueryReply, DatasyncError>) in
        pageRead(result, of: plan, flag, id)
      })
  }

  /// Sends a page now, or in its turn when the stream takes more. Where too much waits already, the page
  /// is let go and read again in its turn; the session's writes behind it wait for that.
  private func pageRead(
    _ result: Swift.Result<QueryReply, DatasyncError>, of plan: QueryPlan,
    _ flag: CancellationFlag, _ id: UInt64
  ) {
    let send = { [self] in
      if isCurrent(flag, id) {
        switch result {
        case .success(let reply): answer(id, .query(reply))
        case .failure(let error): finish(id, error: error)
        }
      }
      scanEnded()
    }
    if sink?.isWritable ?? true, activeGets == 0 {
      send()
      return readEnded()
    }
    let bytes = (try? result.get())?.rows.byteCount ?? 0
    guard sink == nil || loop.pageBytesHeld + bytes <= loop.options.maxPageBytesHeld else {
      return waitingPages.append { [self] in
        if isCurrent(flag, id) { return read(plan, flag, id) }
        scanEnded()
        readEnded()
      }
    }
    hold(pageBytes: bytes)
    waitingPages.append { [self] in
      hold(pageBytes: -bytes)
      send()
    }
    readEnded()
  }

  private func hold(pageBytes: Int) {
    heldPageBytes += pageBytes
    loop.pageBytesHeld += pageBytes
  }

  private func scanEnded() {
    activeScans -= 1
    guard let next = waitingScans.popFirst() else { return }
    activeScans += 1
    next.start()
  }

  /// Whether a read's request still runs: it may have been cancelled, and its id used again.
  func isCurrent(_ flag: CancellationFlag, _ id: UInt64) -> Bool {
    if case .read(let current) = running[id] { return current === flag }
    return false
  }

  func describe(_ name: String, id: UInt64) throws(DatasyncError) {
    running[id] = .write
    let (tables, unserved) = try resolver.described(name)
    answer(
      id,
      .describe(
        tables, notServed: unserved.map { NotServed(table: $0.name, reason: $0.reason) }))
  }
}
