import DatasyncMessages
import DatasyncModel
import DatasyncStorage
import Logging

/// How far the initial rows have come. A value.
struct InitialRows {
  /// The tables still to be read, the current one first.
  var tables: [Table]
  /// The sequence that all rows are read at; nil before the first page.
  var position: Sequence?
  /// Key of the last row sent of the current table.
  var after: [Value]?
  var isReading = false
  let cancellation = CancellationFlag()
}

extension Subscription {
  func startInitialRows() {
    let tables = view.tables(in: loop.catalog)
    phase = .snapshotting(InitialRows(tables: tables))
    readInitialRows()
  }

  /// Reads the next page, as the rows were at the first page's position: the log takes back what has
  /// changed since, so that no snapshot is held open for a slow client.
  func readInitialRows() {
    guard case .snapshotting(var rows) = phase, !rows.isReading, !isHeld, maySend else { return }
    rows.isReading = true
    phase = .snapshotting(rows)
    let part = rows.tables.first.flatMap { view.part(of: $0.id) }
    let request = rows.tables.first.map { scanRequest($0, part ?? view, after: rows.after) }
    let (position, generation) = (rows.position, viewGeneration)
    loop.read(
      request.map { .table($0.table.id) } ?? .log, cancellation: rows.cancellation, turn: turn,
      { snapshot throws(DatasyncError) -> (Sequence, ScanPage) in
        guard var request else { return (position ?? snapshot.sequence, ScanPage()) }
        request.filter = try part?.filter()
        guard let position else { return (snapshot.sequence, try snapshot.scan(request)) }
        return (position, try snapshot.scan(request, asOf: position))
      },
      completion: { [self] (result: Result<(Sequence, ScanPage), DatasyncError>) in
        guard !self.isEnded, generation == viewGeneration else { return }
        switch result {
        case .failure(let error): self.end(error)
        case .success(let (position, page)):
          // An event never comes before the answer to its write, an initial row neither.
          self.loop.whenPublished(position) { [self] in
            guard generation == viewGeneration else { return }
            initialRowsRead(page, of: part, at: position)
          }
        }
      })
  }

  private func scanRequest(_ table: Table, _ view: View, after: [Value]?) -> ScanRequest {
    // The filter may be of another generation of the table than the one that the rows began with.
    var request = ScanRequest(table: view.spoken ?? table, limit: loop.options.snapshotPageRows)
    request.includeDeleted = view.includeDeleted
    request.maxBytes = loop.options.snapshotPageBytes
    request.after = after
    request.maxRowBytes = loop.options.maxRowBytes
    request.filterBudget = loop.options.filterBudget
    request.columns = view.selectedPositions(of: request.table)
    return request
  }

  private func encoded(_ row: UnreadableRow) -> EncodedEvent {
    var event = UnreadableEvent(
      table: row.table, id: row.key, sequence: row.version, fault: row.fault)
    event.isInitial = true
    return EncodedEvent(.unreadable, event.encoded)
  }

  private func encoded(_ row: StoredRow, of part: View?, isTyped: Bool) -> EncodedEvent {
    var key = row.key
    let bytes = key.withUTF8 { key in
      (part?.project(row.image) ?? row.image).bytes.withUnsafeBytes { image in
        var event = ChangeEvent(
          operation: .add, table: row.table, id: UnsafeRawBufferPointer(key),
          sequence: row.version, image: image)
        event.isInitial = true
        return isTyped ? event.encodedRowEvent() : event.encodedChange()
      }
    }
    return EncodedEvent(.change, bytes)
  }

  private func initialRowsRead(_ page: ScanPage, of part: View?, at position: Sequence) {
    guard case .snapshotting(var rows) = phase, let sink else { return }
    rows.isReading = false
    rows.position = position
    var unreadable = page.unreadable[...]
    for (index, row) in page.rows.enumerated() {
      while let next = unreadable.first, next.position <= index {
        sink.send(encoded(next), own: false, more: false, for: requestID)
        unreadable.removeFirst()
      }
      sink.send(
        encoded(row, of: part, isTyped: sink.isTyped), own: false, more: false, for: requestID)
    }
    for row in unreadable { sink.send(encoded(row), own: false, more: false, for: requestID) }
    rows.after = page.next
    if page.next == nil, !rows.tables.isEmpty { rows.tables.removeFirst() }
    phase = .snapshotting(rows)
    guard rows.tables.isEmpty else { return readInitialRows() }
    sendCurrent(at: position)
    advance(to: FaultSwitch.isOn(.initialGap) ? position.next : position)
  }
}
