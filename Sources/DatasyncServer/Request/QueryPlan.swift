import DatasyncAccess
import DatasyncFilter
import DatasyncMessages
import DatasyncModel
import DatasyncStorage

/// A query, resolved: what one page of it asks of the store. A value.
struct QueryPlan: Sendable {
  let scan: ScanRequest
  let order: OrderBy
  let fingerprint: UInt64
  /// Rows of the pages before this one.
  let rowsBefore: UInt64
  /// 0: no bound.
  let top: UInt64
  let wantsCount: Bool
  /// Of what the caller may read, for tokens.
  private let mark: ViewMark?
  /// What depends on the rows of other tables, which are judged in the snapshot of the read; nil: nothing.
  private let judged: Judged?
  /// Whose rows it reads.
  let scope: ReadScope

  private struct Judged {
    let rights: Rights
    let table: Table
    let context: RequestContext
    let catalog: Catalog
  }

  /// - Throws: INVALID_ARGUMENT or NOT_FOUND.
  init(_ request: QueryRequest, _ resolver: RequestResolver) throws(DatasyncError) {
    let table = try resolver.table(request.table, for: .read)
    let context = resolver.context
    let rights = resolver.caller.rights
    let tables = rights?.tablesRead(for: table) ?? []
    scope = tables.isEmpty ? .table(table.id) : .tables(tables.union([table.id]))
    judged =
      tables.isEmpty
      ? nil
      : rights.map {
        Judged(rights: $0, table: table, context: context, catalog: resolver.catalog)
      }
    let reading = tables.isEmpty ? try rights?.reading(table) : nil
    let maxRowBytes = context.options.maxRowBytes
    mark = resolver.caller.rights?.mark(of: table, in: resolver.catalog, by: context.tokens)
    fingerprint = QueryPlan.fingerprint(
      of: request, table: table, principal: resolver.caller.rights.map(\.key))
    top = UInt64(request.top)
    wantsCount = request.count
    let size =
      request.pageSize == 0 ? context.options.defaultPageSize : Int(request.pageSize)
    var scan = ScanRequest(table: table, limit: min(size, context.options.maxPageSize))
    do throws(DatasyncError) {
      scan.filter = try QueryPlan.filter(request, table, context)
      order = try OrderBy(parsing: request.orderBy, table: table)
      scan.columns = try RequestNames.select(request.select, of: table)
      if let rule = reading?.rule {
        scan.filter = scan.filter.map { rule.and($0) } ?? rule
        if let filter = scan.filter { try context.store.check(filter) }
      }
    } catch {
      var faults = RequestFaults()
      faults.check { () throws(DatasyncError) in
        try QueryPlan.filter(request, table, context)
      }
      faults.check { () throws(DatasyncError) in
        try OrderBy(parsing: request.orderBy, table: table)
      }
      faults.check { () throws(DatasyncError) in
        try RequestNames.select(request.select, of: table)
      }
      throw faults.joined(to: error)
    }
    scan.order = order
    scan.includeDeleted = request.includeDeleted
    scan.maxRowBytes = maxRowBytes
    // What comes last may be large.
    scan.maxBytes = min(scan.maxBytes, maxRowBytes / 4 * 3)
    if request.pageToken.isEmpty {
      rowsBefore = 0
      scan.skip = Int(request.skip)
    } else {
      let token = try PageToken.parse(
        request.pageToken, queryFingerprint: fingerprint, coder: context.tokens)
      guard token.after.count == order.terms.count else {
        throw PageToken.ofAnotherQuery
      }
      rowsBefore = token.rowsBefore
      scan.after = token.after
    }
    if top > 0 { scan.limit = Int(min(UInt64(scan.limit), top - min(top, rowsBefore))) }
    self.scan = scan
  }

  private static func filter(
    _ request: QueryRequest, _ table: Table, _ context: RequestContext
  ) throws(DatasyncError) -> Filter? {
    guard !request.filter.isEmpty else { return nil }
    let filter = try Filter(parsing: request.filter, table: table)
    try context.store.check(filter)
    try filter.cost.check(
      context.options.maxQueryFilterCost, limitName: "max_query_filter_cost")
    return filter
  }

  /// Everything that makes a query what it is; the page's size and count may differ from page to
  /// page.
  ///
  /// - Parameter principal: Whose the pages are; nil: anybody's.
  private static func fingerprint(
    of request: QueryRequest, table: Table, principal: String?
  ) -> UInt64 {
    var writer = WireWriter(reservingCapacity: 128)
    writer.append(field: 1, varint: UInt64(table.id))
    writer.append(field: 2, string: request.filter)
    writer.append(field: 3, string: request.orderBy)
    for name in request.select { writer.append(field: 4, string: name) }
    writer.append(field: 5, varint: UInt64(request.skip))
    writer.append(field: 6, varint: UInt64(request.top))
    writer.append(field: 7, bool: request.includeDeleted)
    if let principal { writer.append(field: 8, string: principal) }
    return Fingerprint.hash64(writer.bytes)
  }

  /// With what the caller may read, as far as that is judged by rows.
  private func judgedScan(
    in snapshot: any StorageSnapshot
  ) throws(DatasyncError) -> (ScanRequest, isEmpty: Bool, ViewMark?) {
    guard let judged else { return (scan, false, mark) }
    let (reading, sets) = try judged.rights.reading(judged.table, in: snapshot)
    var scan = scan
    if let rule = reading.rule {
      let filter = scan.filter.map { rule.and($0) } ?? rule
      try judged.context.store.check(filter)
      scan.filter = filter
    }
    return (
      scan, reading.isEmpty,
      judged.rights.mark(
        of: judged.table, in: judged.catalog, by: judged.context.tokens, sets: sets)
    )
  }

  /// Runs on a reader thread.
  func run(
    in snapshot: any StorageSnapshot, historyID: String, coder: TokenCoder
  ) throws(DatasyncError) -> QueryReply {
    var page = PackedPage()
    let (scan, isEmpty, mark) = try judgedScan(in: snapshot)
    if scan.limit > 0, !isEmpty { page = try snapshot.scanPacked(scan) }
    // A row that cannot be read stands for itself.
    let rows = rowsBefore.addingClamped(UInt64(page.rows.count + page.unreadable.count))
    var next = ""
    if let after = page.next, top == 0 || rows < top {
      next = PageToken(queryFingerprint: fingerprint, rowsBefore: rows, after: after)
        .text(coder: coder)
    }
    return QueryReply(
      table: scan.table,
      rows: page.rows,
      nextPageToken: next,
      total: wantsCount && !isEmpty ? try snapshot.count(scan) : 0,
      resumeToken: ResumeToken(historyID: historyID, sequence: snapshot.sequence, mark: mark)
        .text(coder: coder),
      errors: page.unreadable.map(\.error))
  }
}
