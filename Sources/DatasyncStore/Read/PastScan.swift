import DatasyncFilter
import DatasyncModel
import DatasyncStorage

/// A page of rows as they were: those unchanged since, from the table; the others from the log's
/// before-images; merged in key order. Confined to one call.
struct PastScan {
  let scan: Scan
  /// The rows that have changed since, as they were; nil where there was none.
  let past: [RowKey: PastRow?]

  private var request: ScanRequest { scan.request }

  func page() throws(ReadFailure) -> ScanPage {
    var page = ScanPage()
    let limit = max(1, request.limit)
    let overridden = try pastRows()
    var position = 0
    let statement = try scan.rows(limit: -1)
    defer { statement.reset() }
    var hasRow = try nextUnchanged(statement)
    var taken = 0
    var bytes = 0
    var last: RowKey?
    while hasRow || position < overridden.count {
      if taken == limit || (taken > 0 && bytes >= request.maxBytes) {
        page.next = last.map { [$0.value] }
        break
      }
      taken += 1
      let key = hasRow ? scan.key(statement) : nil
      if let key, position == overridden.count || RowKey.precedes(key, overridden[position].key) {
        last = key
        do throws(RowFault) {
          let row = try scan.row(statement)
          bytes += row.image.bytes.count + row.key.utf8.count
          page.rows.append(row)
        } catch {
          page.unreadable.append(
            scan.unreadable(error, statement, position: page.rows.count))
        }
        hasRow = try nextUnchanged(statement)
      } else {
        last = overridden[position].key
        bytes += append(overridden[position].row, to: &page)
        position += 1
      }
    }
    return page
  }

  /// - Returns: How many bytes the row takes in the page.
  private func append(
    _ past: (row: StoredRow, isFaulty: Bool), to page: inout ScanPage
  ) -> Int {
    let row = past.row
    var encoder = RowEncoder()
    do throws(RowFault) {
      try RowProjection.append(
        row.image, isFaulty: past.isFaulty, numbers: scan.keptNumbers, to: &encoder)
      guard encoder.byteCount <= request.maxRowBytes else {
        throw RowFault.size(
          of: encoder.bytes, count: encoder.byteCount, limit: request.maxRowBytes)
      }
    } catch {
      page.unreadable.append(
        UnreadableRow(
          fault: error, table: request.table, key: row.key, version: row.version,
          position: page.rows.count))
      return 0
    }
    page.rows.append(
      StoredRow(
        table: row.table, key: row.key, image: encoder.finish(), version: row.version,
        isDeleted: row.isDeleted))
    return row.image.bytes.count + row.key.utf8.count
  }

  /// Steps to the next row that is still as it was.
  private func nextUnchanged(_ statement: Statement) throws(ReadFailure) -> Bool {
    while try scan.step(statement) {
      if past[scan.key(statement)] == nil { return true }
    }
    return false
  }

  /// The rows that were there, match, and come after the page's beginning; in key order.
  private func pastRows() throws(ReadFailure)
    -> [(key: RowKey, row: (row: StoredRow, isFaulty: Bool))]
  {
    let table = request.table
    let after = request.after?.first.flatMap { try? RowKey(value: $0) }
    var rows: [(key: RowKey, row: (row: StoredRow, isFaulty: Bool))] = []
    let memo = TextMemo(request.filterBudget)
    for (key, pastRow) in past {
      guard let pastRow else { continue }
      let image = pastRow.image
      if let after, !RowKey.precedes(after, key) { continue }
      let values = RowDecoder.values(of: image, table: table)
      let isDeleted = values[SystemColumn.deleted.rawValue] == .bool(true)
      guard request.includeDeleted || !isDeleted, try matches(values, memo) else { continue }
      var version: UInt64 = 0
      if case .int64(let number) = values[SystemColumn.version.rawValue] {
        version = UInt64(clamping: number)
      }
      let row = StoredRow(
        table: table, key: key.description, image: image, version: Sequence(version),
        isDeleted: isDeleted)
      rows.append((key, (row, pastRow.isFaulty)))
    }
    return rows.sorted { RowKey.precedes($0.key, $1.key) }
  }
}

extension PastScan {
  private func matches(_ values: [Value], _ memo: TextMemo) throws(ReadFailure) -> Bool {
    guard let filter = request.filter else { return true }
    do throws(FilterFault) {
      memo.forget()
      return try filter.matches(values, memo: memo)
    } catch {
      throw .error(error.error)
    }
  }
}

/// A row as it was once. A value.
struct PastRow: Sendable {
  let image: RowImage
  /// See ``RowFaults``.
  let isFaulty: Bool
}
