import DatasyncMessages
import DatasyncModel
import DatasyncStore
import NIOCore

/// Makes a page of a replay from the log where it lies: judged as ``JudgedChange`` judges, encoded
/// and framed in one go, with no allocation a change. Confined to one call, on a reader's thread.
struct ReplayWriter {
  private let audience: ReplayAudience
  private let catalog: Catalog
  private let clientID: [UInt8]
  /// A page ends with the commit that passes this, in bytes…
  private let maxBytes: Int
  /// …or this, in bytes of the log.
  private let maxLogBytes: Int
  private let cutBytes: Int

  private var page: ReplayPage
  /// Of the commit at hand.
  private var time: Int64 = 0
  private var origin: [UInt8] = []
  private var isOwn = false
  private var last: Sequence
  /// An event of the commit at hand, until it is known whether another follows.
  private var pending: [UInt8] = []
  private var hasPending = false
  private var messagesSinceCut = 0
  private var logBytes = 0

  private init(
    _ audience: ReplayAudience, catalog: Catalog, after: Sequence, options: ServiceOptions
  ) {
    self.audience = audience
    self.catalog = catalog
    clientID = Array(audience.clientID.utf8)
    maxBytes = options.replayChunkBytes
    maxLogBytes = 4 * options.replayChunkBytes
    cutBytes = options.eventBatchBytes
    page = ReplayPage(through: after)
    last = after
  }

  /// - Throws: OUT_OF_RANGE HISTORY_COMPACTED.
  static func page(
    for audience: ReplayAudience, catalog: Catalog, in snapshot: Snapshot, after: Sequence,
    through: Sequence, options: ServiceOptions
  ) throws(DatasyncError) -> ReplayPage {
    var writer = ReplayWriter(audience, catalog: catalog, after: after, options: options)
    writer.page.bytes.reserveCapacity(options.replayChunkBytes + (16 << 10))
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

  /// - Returns: Whether the page goes on; false: it ends before the entry.
  private mutating func take(_ entry: LogEntry) -> Bool {
    if let commit = entry.commit {
      endCommit()
      if page.bytes.writerIndex >= maxBytes || logBytes >= maxLogBytes { return false }
      if bytesSinceCut >= cutBytes { cut() }
      time = commit.time
      if !commit.origin.elementsEqual(origin) { origin = Array(commit.origin) }
      isOwn = !clientID.isEmpty && origin == clientID
    }
    logBytes += entry.byteCount
    if let table = audience.view.table, entry.tableID != table.id {
      last = entry.sequence
      return true
    }
    if entry.operation == .tableAttached {
      page.attachedAt = entry.sequence
      return false
    }
    last = entry.sequence
    guard !(isOwn && audience.excludesOwn), let table = catalog.table(id: entry.tableID) else {
      return true
    }
    judge(entry, table)
    return true
  }

  private mutating func judge(_ entry: LogEntry, _ table: Table) {
    let view = audience.view
    let wasIn = entry.before.map { contains($0, table) } ?? false
    let isIn = entry.after.map { contains($0, table) } ?? false
    var numbers: [Int] = []
    if wasIn, isIn, let before = entry.before, let after = entry.after {
      numbers = JudgedChange.changedNumbers(from: before, to: after)
    }
    let verdict = JudgedChange.Verdict(
      wasIn: wasIn, isIn: isIn, isUpdateSent: view.sendsUpdate(of: numbers),
      stillExists: entry.after.map { !RowDecoder.isDeleted($0) } ?? false)
    guard let verdict else { return }
    var event = ChangeEvent(
      operation: verdict.operation, table: table, id: entry.key, sequence: entry.sequence,
      image: nil)
    if isIn { event.image = entry.after }
    if wasIn, audience.wantsPrevious { event.previous = entry.before }
    switch verdict {
    case .add: break
    case .update: event.changedFields = table.columnNames(ofNumbers: numbers)
    case .delete(let leftView): event.leftView = leftView
    }
    append(event)
  }

  private func contains(_ image: UnsafeRawBufferPointer, _ table: Table) -> Bool {
    audience.view.contains(isDeleted: RowDecoder.isDeleted(image)) {
      RowDecoder.values(of: image, table: table, columns: audience.view.filterColumns)
    }
  }

  // MARK: - Bytes

  private mutating func append(_ event: ChangeEvent) {
    if hasPending { flushPending(more: !FaultSwitch.isOn(.splitCommit)) }
    guard let selected = audience.view.selected else { return encode(event) }
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
    let isTyped = audience.form == .rowEvent
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
    hasPending = true
  }

  private mutating func flushPending(more: Bool) {
    guard hasPending else { return }
    hasPending = false
    if FaultSwitch.strikes(.dropEvent) { return }
    repeat {
      EventFrame.appendMessage(
        audience.form, change: pending, own: isOwn, more: more, to: &page.bytes)
      messagesSinceCut += 1
    } while FaultSwitch.strikes(.doubleEvent)
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
