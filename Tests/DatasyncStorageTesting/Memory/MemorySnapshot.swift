import DatasyncFilter
package import DatasyncModel
package import DatasyncStorage

/// A copy of what a ``MemoryStorage`` kept at one moment. Confined to the thread that it is lent on.
package final class MemorySnapshot: StorageSnapshot {
  private let copy: MemoryState
  private let fault: MemoryFault?
  /// What is kept now, for faults.
  private let present: () -> MemoryState

  init(_ copy: MemoryState, fault: MemoryFault?, present: @escaping () -> MemoryState) {
    self.copy = copy
    self.fault = fault
    self.present = present
  }

  private var state: MemoryState { fault == .seesLater ? present() : copy }

  package var sequence: Sequence { copy.head }
  package var oldest: Sequence { copy.oldest }

  // MARK: - Rows

  package func row(_ key: String, in table: Table) throws(DatasyncError) -> FoundRow? {
    _ = try state.current(table)
    let key = try MemoryKey(key, table: table)
    return state.row(key, in: table).map { FoundRow(row: $0, faults: []) }
  }

  package func scan(_ request: ScanRequest) throws(DatasyncError) -> ScanPage {
    try page(of: state.rows[try state.current(request.table).id] ?? [:], request)
  }

  package func scan(
    _ request: ScanRequest, asOf sequence: Sequence
  ) throws(DatasyncError) -> ScanPage {
    guard sequence < self.sequence, fault != .forgetsPast else { return try scan(request) }
    _ = try state.current(request.table)
    var request = request
    request.order = nil
    request.skip = 0
    return try page(of: try state.rows(of: request.table, at: sequence), request)
  }

  package func scanPacked(_ request: ScanRequest) throws(DatasyncError) -> PackedPage {
    let page = try scan(request)
    var packed = PackedPage()
    for row in page.rows { packed.rows.append { $0.append(encoded: row.image.bytes) } }
    packed.next = page.next
    packed.unreadable = page.unreadable
    return packed
  }

  package func count(_ request: ScanRequest) throws(DatasyncError) -> UInt64 {
    let table = try state.current(request.table)
    var request = request
    if fault == .countsDeleted { request.includeDeleted = true }
    return UInt64(try matching(state.rows[table.id] ?? [:], request).count)
  }

  /// A row with the values by which it is found. A value.
  private struct Candidate {
    let key: MemoryKey
    let row: StoredRow
    let values: [Value]
  }

  private func matching(
    _ rows: [MemoryKey: RowImage], _ request: ScanRequest
  ) throws(DatasyncError) -> [Candidate] {
    var found: [Candidate] = []
    for (key, image) in rows {
      let row = MemoryState.row(key, image, in: request.table)
      let values = RowDecoder.values(of: row.image, table: request.table)
      guard request.includeDeleted || !row.isDeleted else { continue }
      do {
        guard try request.filter?.matches(values) ?? true else { continue }
      } catch {
        throw error.error
      }
      found.append(Candidate(key: key, row: row, values: values))
    }
    return found
  }

  private func page(
    of rows: [MemoryKey: RowImage], _ request: ScanRequest
  ) throws(DatasyncError) -> ScanPage {
    let order = request.order
    let terms = order?.terms ?? [OrderBy.Term(column: 0, isDescending: false)]
    let sorted = try matching(rows, request).sorted { first, second in
      if let order, order.precedes(first.values, second.values) { return true }
      if let order, order.precedes(second.values, first.values) { return false }
      return first.key < second.key
    }
    var rest = sorted[...]
    if let after = request.after {
      rest = rest.drop { !MemorySnapshot.comes($0, after: after, order) }
      if fault == .skipsRow { rest = rest.dropFirst() }
    }
    rest = rest.dropFirst(request.skip)
    var page = ScanPage()
    var bytes = 0
    while let next = rest.first, page.rows.count < max(1, request.limit),
      page.rows.isEmpty || bytes < request.maxBytes
    {
      rest.removeFirst()
      let row = MemorySnapshot.selected(next.row, request)
      bytes += row.image.bytes.count + row.key.utf8.count
      page.rows.append(row)
      page.next = rest.isEmpty ? nil : terms.map { next.values[$0.column] }
    }
    return page
  }

  /// Whether a row stands behind a place in the order.
  private static func comes(_ row: Candidate, after place: [Value], _ order: OrderBy?) -> Bool {
    guard let order else { return MemoryKey(place.first).map { $0 < row.key } ?? true }
    for (index, term) in order.terms.enumerated() where index < place.count {
      let (left, right) = (
        order.keys[index].operand(place[index]), order.keys[index].operand(row.values[term.column])
      )
      let comparison = Operand.compare(left, right) ?? (left.isNull ? -1 : 1)
      if comparison != 0 { return (comparison < 0) != term.isDescending }
    }
    return false
  }

  private static func selected(_ row: StoredRow, _ request: ScanRequest) -> StoredRow {
    guard let columns = request.columns else { return row }
    let numbers = Set((columns + [0]).map { request.table.columns[$0].number })
    return StoredRow(
      table: row.table, key: row.key,
      image: RowDecoder.image(row.image, keepingNumbers: numbers), version: row.version,
      isDeleted: row.isDeleted)
  }

  // MARK: - The log

  private func entries(
    after: Sequence, through: Sequence
  ) throws(DatasyncError) -> [Commit] {
    guard after >= state.oldest || fault == .hidesCompaction else {
      throw MemoryState.compacted(state.oldest)
    }
    return state.log.filter { $0.last > after && $0.first <= through }
  }

  package func changes(
    after: Sequence, through: Sequence, maxBytes: Int
  ) throws(DatasyncError) -> LogPage {
    let end = min(through, sequence)
    var page = LogPage(through: max(after, end))
    var bytes = 0
    for commit in try entries(after: after, through: end) {
      guard page.commits.isEmpty || bytes < maxBytes else {
        page.through = page.commits.last?.last ?? after
        break
      }
      if fault == .splitsCommits, commit.changes.count > 1 {
        page.commits.append(
          Commit(
            changes: [commit.changes[0]], author: commit.author, committedAt: commit.committedAt))
        page.through = commit.first
        break
      }
      page.commits.append(commit)
      bytes += commit.memoryCost
    }
    return page
  }

  package func forEachLogEntry(
    after: Sequence, through: Sequence, _ body: (LogEntry) -> Bool
  ) throws(DatasyncError) {
    for commit in try entries(after: after, through: min(through, sequence)) {
      for change in commit.changes
      where change.sequence > after && change.sequence <= min(through, sequence) {
        guard lend(change, of: commit, body) else { return }
      }
    }
  }

  private func lend(
    _ change: Change, of commit: Commit, _ body: (LogEntry) -> Bool
  ) -> Bool {
    let (before, after) = (change.before?.bytes ?? [], change.after?.bytes ?? [])
    return Array(change.key.utf8).withUnsafeBytes { key in
      lend(head(of: commit)) { head in
        before.withUnsafeBytes { before in
          after.withUnsafeBytes { after in
            body(
              LogEntry(
                sequence: change.sequence, tableID: change.tableID, operation: change.operation,
                faulty: change.faulty, commit: change.sequence == commit.first ? head : nil,
                key: key, before: change.before == nil ? nil : before,
                after: change.after == nil ? nil : after))
          }
        }
      }
    }
  }

  private func lend(
    _ head: CommitHead,
    _ body: ((time: Int64, origin: UnsafeRawBufferPointer, principal: UnsafeRawBufferPointer)) ->
      Bool
  ) -> Bool {
    head.origin.withUnsafeBytes { origin in
      head.principal.withUnsafeBytes { body((head.time, origin, $0)) }
    }
  }

  private func head(of commit: Commit) -> CommitHead {
    let principal = fault == .forgetsPrincipal ? "" : commit.author.principal
    return CommitHead(
      time: commit.committedAt, origin: Array(commit.origin.utf8), principal: Array(principal.utf8))
  }

  package func commitHead(
    at sequence: Sequence
  ) throws(DatasyncError) -> CommitHead {
    guard let commit = state.log.first(where: { $0.first == sequence }) else {
      throw MemoryState.compacted(state.oldest)
    }
    return head(of: commit)
  }
}
