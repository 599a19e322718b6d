import CDatasyncSQLite
import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import DatasyncStorage

/// A page of a query, in SQL. Confined to one call.
struct Scan {
  let request: ScanRequest
  let source: TableSource
  let connection: Connection
  /// Positions in ``Table/columns`` of the columns in the images; ascending.
  let columns: [Int]
  /// Positions of the order's terms.
  let terms: [Int]
  /// For each of ``columns``.
  private let plans: [FieldPlan]
  /// Field numbers that the images are cut down to; nil: all that they have.
  private let selectedNumbers: Set<Int>?

  /// Field numbers that images from the log are cut down to; nil: all.
  var keptNumbers: Set<Int>? {
    selectedNumbers
      ?? (request.columns == nil ? nil : Set(columns.map { table.columns[$0].number }))
  }

  /// - Parameter isCurrent: Whether the request's table is the present one.
  init(
    _ request: ScanRequest, source: TableSource, connection: Connection, isCurrent: Bool = true
  ) {
    self.request = request
    self.source = source
    self.connection = connection
    columns =
      request.columns.map { Array(Set($0 + [0])).sorted() }
      ?? Array(request.table.columns.indices)
    terms = request.order?.terms.map(\.column) ?? [0]
    plans = columns.map { FieldPlan(request.table.columns[$0]) }
    let table = request.table
    // One who knows an older table is not shown what came since.
    selectedNumbers =
      request.columns == nil && isCurrent
      ? nil : Set(columns.map { table.columns[$0].number })
  }

  private var table: Table { request.table }

  func page() throws(ReadFailure) -> ScanPage {
    try fitting { (limit) throws(ReadFailure) in try page(limit: limit) }
  }

  private func page(limit: Int) throws(ReadFailure) -> (ScanPage, fitting: Int?) {
    var page = ScanPage()
    let walk = try walk(limit: limit) { (statement) throws(RowFault) in
      let row = try row(statement)
      page.rows.append(row)
      return row.image.bytes.count + row.key.utf8.count
    } unreadable: { fault, statement in
      page.unreadable.append(unreadable(fault, statement, position: page.rows.count))
    }
    page.next = walk.next
    return (page, walk.fitting)
  }

  /// The same as ``page()``, the rows' images alone.
  func packedPage() throws(ReadFailure) -> PackedPage {
    try fitting { (limit) throws(ReadFailure) in try packedPage(limit: limit) }
  }

  private func packedPage(limit: Int) throws(ReadFailure) -> (PackedPage, fitting: Int?) {
    var page = PackedPage()
    page.rows = PackedRows(reservingCapacity: min(limit, 128) * 320)
    let walk = try walk(limit: limit) { (statement) throws(RowFault) in
      let before = page.rows.byteCount
      try page.rows.append { (encoder) throws(RowFault) in
        try encode(statement, to: &encoder)
      }
      return page.rows.byteCount - before
    } unreadable: { fault, statement in
      page.unreadable.append(unreadable(fault, statement, position: page.rows.count))
    }
    page.next = walk.next
    return (page, walk.fitting)
  }

  /// A page whose last row would be too much for a message is made again without it.
  private func fitting<Page>(
    _ make: (_ limit: Int) throws(ReadFailure) -> (Page, fitting: Int?)
  ) throws(ReadFailure) -> Page {
    let (page, fitting) = try make(max(1, request.limit))
    guard let fitting else { return page }
    return try make(fitting).0
  }

  /// Steps through the rows of a page.
  ///
  /// - Parameter take: Says how many bytes a row takes in the page.
  /// - Returns: Where the next page begins; nil: nothing follows. How many rows would have been right,
  ///   where these are more than a message holds.
  private func walk(
    limit: Int, _ take: (Statement) throws(RowFault) -> Int,
    unreadable: (RowFault, Statement) -> Void
  ) throws(ReadFailure) -> (next: [Value]?, fitting: Int?) {
    let overhead = Scan.rowOverhead + table.messageName.utf8.count
    let statement = try rows(limit: Int64(limit) + 1, offset: Int64(request.skip))
    defer { statement.reset() }
    var taken = 0
    var bytes = 0
    var next: [Value]?
    while try step(statement) {
      // Set where the row before was the page's last.
      if let next { return (next, nil) }
      taken += 1
      do throws(RowFault) {
        bytes += try take(statement) + overhead
      } catch {
        unreadable(error, statement)
        bytes += Scan.errorBytes
      }
      if bytes > request.maxRowBytes, taken > 1 { return (nil, taken - 1) }
      if taken == limit || bytes >= request.maxBytes { next = position(statement) }
    }
    return (nil, nil)
  }

  /// Of a row in a message, beside its image and the name of its type.
  private static let rowOverhead = 48
  /// Of a row that cannot be read, about.
  private static let errorBytes = 512

  func count() throws(ReadFailure) -> UInt64 {
    var sql = SQLFragment(text: "SELECT count(*) FROM \(source.sql)", bindings: [])
    appendConditions(to: &sql, isPage: false)
    let statement = try prepared(sql)
    defer { statement.reset() }
    guard try step(statement) else { return 0 }
    return UInt64(clamping: statement.int64(0))
  }

  /// - Parameter limit: -1: all.
  func rows(limit: Int64, offset: Int64 = 0) throws(ReadFailure) -> Statement {
    try prepared(sql(limit: limit, offset: offset))
  }

  /// What ``rows(limit:offset:)`` runs.
  func sql(limit: Int64, offset: Int64 = 0) -> SQLFragment {
    let version = table.columns[SystemColumn.version.rawValue].name
    let deleted = table.columns[SystemColumn.deleted.rawValue].name
    let row =
      source.hasImages
      ? [source.key, TableSource.image, TableSource.faulty]
      : columns.map { table.columns[$0].name.quotedIdentifier }
    let list =
      (row + ([version, deleted] + terms.map { table.columns[$0].name }).map(\.quotedIdentifier))
      .joined(separator: ", ")
    var sql = SQLFragment(text: "SELECT \(list) FROM \(source.sql)", bindings: [])
    appendConditions(to: &sql, isPage: true)
    if let order = request.order?.sql(for: table), !order.text.isEmpty {
      sql.text += " ORDER BY \(order.text)"
      sql.bindings += order.bindings
    } else {
      sql.text += " ORDER BY \(source.key)"
    }
    if limit >= 0 {
      sql.text += " LIMIT ? OFFSET ?"
      sql.bindings += [.int64(limit), .int64(offset)]
    }
    return sql
  }

  private func appendConditions(to sql: inout SQLFragment, isPage: Bool) {
    var conditions: [SQLFragment] = []
    if !request.includeDeleted {
      conditions.append(SQLFragment(text: source.notDeleted, bindings: []))
    }
    if let filter = request.filter { conditions.append(filter.sql) }
    if isPage, let after = request.after {
      if let order = request.order {
        conditions.append(order.sql(after: after, for: table))
      } else if let key = after.first {
        conditions.append(SQLFragment(text: "\(source.key) > ?", bindings: [key]))
      }
    }
    guard !conditions.isEmpty else { return }
    sql.text += " WHERE " + conditions.map { "(\($0.text))" }.joined(separator: " AND ")
    sql.bindings += conditions.flatMap(\.bindings)
  }

  private func prepared(_ sql: SQLFragment) throws(ReadFailure) -> Statement {
    let statement = try ReadFailure.wrap { () throws(SQLiteFailure) in
      try connection.cached(sql.text)
    }
    for (index, value) in sql.bindings.enumerated() { statement.bind(Int32(index + 1), value) }
    return statement
  }

  func step(_ statement: Statement) throws(ReadFailure) -> Bool {
    try ReadFailure.wrap { () throws(SQLiteFailure) in try statement.step() }
  }

  // MARK: - Rows of the statement that `rows` makes

  /// How many of its columns are the row itself.
  private var rowColumns: Int { source.hasImages ? 3 : columns.count }

  func row(_ statement: Statement) throws(RowFault) -> StoredRow {
    var encoder = RowEncoder()
    try encode(statement, to: &encoder)
    return StoredRow(
      table: table, key: RowReader.keyText(statement, 0), image: encoder.finish(),
      version: version(statement), isDeleted: statement.int64(Int32(rowColumns + 1)) != 0)
  }

  private func version(_ statement: Statement) -> Sequence {
    Sequence(UInt64(clamping: statement.int64(Int32(rowColumns))))
  }

  func unreadable(_ fault: RowFault, _ statement: Statement, position: Int) -> UnreadableRow {
    // A key by which the row cannot be named names nothing.
    let key = RowKey(stored: statement, 0, table: table)?.description ?? ""
    return UnreadableRow(
      fault: fault, table: table, key: key, version: version(statement), position: position)
  }

  /// - Throws: The first of the values asked for that cannot be read, or the size.
  private func encode(
    _ statement: Statement, to encoder: inout RowEncoder
  ) throws(RowFault) {
    let start = encoder.byteCount
    if source.hasImages {
      guard !statement.isNull(1) else {
        throw RowFault(number: 1, description: "the key is one by which no row can be named")
      }
      try RowProjection.append(
        statement.bytes(1), isFaulty: statement.int64(2) != 0, numbers: selectedNumbers,
        to: &encoder)
    } else {
      for index in plans.indices {
        do {
          try ColumnReader.append(
            statement, Int32(index), plans[index], column: table.columns[columns[index]],
            to: &encoder)
        } catch {
          throw RowFault(
            number: table.columns[columns[index]].number, description: error.description)
        }
      }
      if !RowKey.isStored(statement, 0, table: table) {
        throw RowFault(number: 1, description: "the key is one by which no row can be named")
      }
    }
    let count = encoder.byteCount - start
    guard count <= request.maxRowBytes else {
      throw .size(of: encoder.bytes[start...], count: count, limit: request.maxRowBytes)
    }
  }

  /// The values of the order's terms: where the next page begins.
  private func position(_ statement: Statement) -> [Value] {
    terms.enumerated().map { index, column in
      let index = Int32(rowColumns + 2 + index)
      // A value that does not fit its column has a place in the order nevertheless.
      if let value = try? ColumnReader.value(statement, index, column: table.columns[column]) {
        return value
      }
      let type = statement.type(index)
      guard request.order != nil, type == SQLITE_TEXT || type == SQLITE_BLOB else {
        return statement.rawValue(index)
      }
      return OrderBy.place(ofUnreadable: statement.blob(index), isText: type == SQLITE_TEXT)
    }
  }

  func key(_ statement: Statement) -> RowKey {
    let text = RowReader.keyText(statement, 0)
    return table.hasIntegerKey ? .integer(statement.int64(0)) : .text(text)
  }
}
