import DatasyncFilter
import DatasyncMessages
import DatasyncModel
import DatasyncStorage
import NIOCore

/// Makes a page of a replay from the log where it lies: judged as ``JudgedChange`` judges, encoded
/// and framed in one go, with no allocation a change. Confined to one call, on a reader's thread.
struct ReplayWriter {
  private let audience: ReplayAudience
  private let catalog: Catalog
  /// Whose own changes are its own.
  private let own: CommitHead
  /// A page ends with the commit that passes this, in bytes…
  private let maxBytes: Int
  /// …or this, in bytes of the log.
  private let maxLogBytes: Int
  private let cutBytes: Int

  private let maxRowBytes: Int
  /// Of the row at hand.
  private let memo: TextMemo

  private var page: ReplayPage
  /// Of the commit at hand.
  private var start: Sequence = .zero
  private var time: Int64 = 0
  private var origin: [UInt8] = []
  private var principal: [UInt8] = []
  private var isOwn = false
  private var last: Sequence
  /// An event of the commit at hand, until it is known whether another follows.
  private var pending: [UInt8] = []
  private var pendingKind = EncodedEvent.Kind.change
  private var pendingSequence: Sequence = .zero
  private var hasPending = false
  private var messagesSinceCut = 0
  private var eventBytes = 0
  private var logBytes = 0

  private init(
    _ audience: ReplayAudience, catalog: Catalog, after: Sequence, options: ServiceOptions
  ) {
    self.audience = audience
    self.catalog = catalog
    own = CommitHead(
      time: 0, origin: Array(audience.author.clientID.utf8),
      principal: Array(audience.author.principal.utf8))
    maxBytes = options.replayChunkBytes
    maxLogBytes = 4 * options.replayChunkBytes
    cutBytes = options.eventBatchBytes
    maxRowBytes = options.maxRowBytes
    memo = TextMemo(options.filterBudget)
    page = ReplayPage(through: after)
    last = after
  }

  /// - Parameter within: Where the page begins within a commit.
  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED.
  static func page(
    for audience: ReplayAudience, catalog: Catalog, in snapshot: any StorageSnapshot,
    after: Sequence,
    within: CommitCut?, through: Sequence, options: ServiceOptions
  ) throws(DatasyncError) -> ReplayPage {
    var writer = ReplayWriter(audience, catalog: catalog, after: after, options: options)
    if let within { try writer.goOn(within, in: snapshot) }
    if audience.form != nil {
      writer.page.bytes.reserveCapacity(options.replayChunkBytes + (16 << 10))
    }
    var isWhole = true
    try snapshot.forEachLogEntry(after: after, through: through) { entry in
      isWhole = writer.take(entry)
      return isWhole
    }
    if isWhole {
      writer.endCommit()
      writer.last = max(after, min(through, snapshot.sequence))
    }
    writer.page.through = writer.last
    writer.cut()
    return writer.page
  }

  private mutating func goOn(_ cut: CommitCut, in snapshot: any StorageSnapshot)
    throws(DatasyncError)
  {
    start = cut.start
    let head = if let head = cut.head { head } else { try snapshot.commitHead(at: cut.start) }
    time = head.time
    begin(origin: head.origin, principal: head.principal)
    guard let held = cut.held else { return }
    pending = held.event.bytes
    pendingKind = held.event.kind
    pendingSequence = held.sequence
    hasPending = true
  }

  private mutating func begin(
    origin new: some Collection<UInt8>, principal newPrincipal: some Collection<UInt8>
  ) {
    if !new.elementsEqual(origin) { origin = Array(new) }
    if !newPrincipal.elementsEqual(principal) { principal = Array(newPrincipal) }
    isOwn = !own.origin.isEmpty && origin == own.origin && principal == own.principal
  }

  /// - Returns: Whether the page goes on; false: it ends before the entry.
  private mutating func take(_ entry: LogEntry) -> Bool {
    if let commit = entry.commit {
      endCommit()
      if audience.endsWithCommit, logBytes > 0 { return false }
      if eventBytes >= maxBytes || logBytes >= maxLogBytes { return false }
      if bytesSinceCut >= cutBytes { cut() }
      start = entry.sequence
      time = commit.time
      begin(origin: commit.origin, principal: commit.principal)
    } else if eventBytes >= 2 * maxBytes || logBytes >= 2 * maxLogBytes {
      endWithinCommit()
      return false
    }
    logBytes += entry.byteCount
    let concern = audience.view.concern(entry.operation, ofTable: entry.tableID, in: catalog)
    if case .beginning = concern {
      page.attachedAt = entry.sequence
      return false
    }
    last = entry.sequence
    guard case .row(let table) = concern, !(isOwn && audience.excludesOwn) else { return true }
    do throws(FilterFault) {
      try judge(entry, table)
    } catch {
      page.failure = error.error
      hasPending = false
      return false
    }
    return true
  }

  /// The commit is larger than a page: what is known of it goes along to the next one.
  private mutating func endWithinCommit() {
    page.within = CommitCut(
      start: start, head: CommitHead(time: time, origin: origin, principal: principal),
      held: hasPending ? (EncodedEvent(pendingKind, pending), pendingSequence) : nil)
    hasPending = false
  }

  private mutating func judge(_ entry: LogEntry, _ table: Table) throws(FilterFault) {
    guard let view = audience.view.part(of: table.id) else { return }
    let before = try standing(entry.before, isFaulty: entry.faulty.contains(.before), table, view)
    let after = try standing(entry.after, isFaulty: entry.faulty.contains(.after), table, view)
    var numbers: [Int] = []
    if before == .inside, after == .inside, let old = entry.before, let new = entry.after {
      numbers = JudgedChange.changedNumbers(from: old, to: new)
    }
    let verdicts = Verdicts(
      from: before, to: after, isUpdateSent: view.sendsUpdate(of: numbers),
      stillExists: entry.after.map { !RowDecoder.isDeleted($0) } ?? false)
    if let first = verdicts.first {
      append(first, entry, table, view, before: before, numbers: numbers)
    }
    if let second = verdicts.second {
      append(second, entry, table, view, before: before, numbers: numbers)
    }
  }

  private mutating func append(
    _ verdict: Verdict, _ entry: LogEntry, _ table: Table, _ view: View, before: Standing,
    numbers: [Int]
  ) {
    if case .unreadable(let fault) = verdict {
      return hold(
        UnreadableEvent(
          table: table, id: String(decoding: entry.key, as: UTF8.self), sequence: entry.sequence,
          fault: fault))
    }
    var event = ChangeEvent(
      verdict, table: table, id: entry.key, sequence: entry.sequence, image: entry.after,
      previous: before == .inside && audience.wantsPrevious ? entry.before : nil,
      changedNumbers: numbers, hidden: view.hidden)
    if let previous = event.previous, previous.count > maxRowBytes - (event.image?.count ?? 0) {
      event.previous = nil
    }
    append(event, selected: view.selected)
  }

  private func standing(
    _ image: UnsafeRawBufferPointer?, isFaulty: Bool, _ table: Table, _ view: View
  ) throws(FilterFault) -> Standing {
    guard let image else { return .outside }
    memo.forget()
    return try view.standing(
      image, isFaulty: isFaulty, isDeleted: RowDecoder.isDeleted(image), maxBytes: maxRowBytes,
      memo: memo
    ) {
      RowDecoder.values(of: image, table: table, columns: view.filterColumns)
    }
  }

  // MARK: - Bytes

  private mutating func append(_ event: ChangeEvent, selected: Set<Int>?) {
    if hasPending { flushPending(more: !FaultSwitch.isOn(.splitCommit)) }
    guard let selected else { return encode(event) }
    let image = event.image.map { RowDecoder.image($0, keepingNumbers: selected).bytes }
    let previous = event.previous.map { RowDecoder.image($0, keepingNumbers: selected).bytes }
    (image ?? []).withUnsafeBytes { imageBytes in
      (previous ?? []).withUnsafeBytes { previousBytes in
        var event = event
        event.image = image == nil ? nil : imageBytes
        event.previous = previous == nil ? nil : previousBytes
        encode(event)
      }
    }
  }

  private mutating func encode(_ event: ChangeEvent) {
    let time = time
    let isTyped = audience.isTyped
    origin.withUnsafeBytes { origin in
      var event = event
      event.origin = origin
      event.committedAt = time
      let room = event.maxBytes
      pending.removeAll(keepingCapacity: true)
      pending.append(contentsOf: repeatElement(0, count: room))
      let count = pending.withUnsafeMutableBytes { bytes in
        var output = WireOutput(bytes)
        if isTyped { event.writeRowEvent(to: &output) } else { event.write(to: &output) }
        return output.count
      }
      pending.removeLast(room - count)
    }
    pendingKind = .change
    pendingSequence = event.sequence
    hasPending = true
  }

  private mutating func hold(_ event: UnreadableEvent) {
    if hasPending { flushPending(more: !FaultSwitch.isOn(.splitCommit)) }
    pending = event.encoded
    pendingKind = .unreadable
    pendingSequence = event.sequence
    hasPending = true
  }

  private mutating func flushPending(more: Bool) {
    guard hasPending else { return }
    hasPending = false
    if FaultSwitch.strikes(.dropEvent) { return }
    repeat {
      emit(more: more)
    } while FaultSwitch.strikes(.doubleEvent)
  }

  private mutating func emit(more: Bool) {
    eventBytes += pending.count + 16
    guard let form = audience.form else {
      page.events.append(
        ReplayPage.Event(
          event: EncodedEvent(pendingKind, pending), isOwn: isOwn, more: more,
          sequence: pendingSequence, commitStart: start))
      return
    }
    EventFrame.appendMessage(
      form, pendingKind, pending, own: isOwn, more: more, to: &page.bytes)
    messagesSinceCut += 1
  }

  private mutating func endCommit() {
    flushPending(more: false)
  }

  private var bytesSinceCut: Int { page.bytes.writerIndex - (page.cuts.last?.offset ?? 0) }

  private mutating func cut() {
    guard bytesSinceCut > 0 else { return }
    page.cuts.append(
      ReplayPage.Cut(
        offset: page.bytes.writerIndex, messageCount: messagesSinceCut, position: last))
    messagesSinceCut = 0
  }
}
