import DatasyncFilter
package import DatasyncModel

extension OrderBy {
  /// The ORDER BY list, without the words.
  package func sql(for table: Table) -> SQLFragment {
    sql(for: table, integerTimestamps: [])
  }

  /// The same where it is known that some TIMESTAMP columns hold no text, so that an index may serve
  /// them.
  ///
  /// - Parameter integerTimestamps: Positions in ``Table/columns``. `"c" >= ''` finds a text.
  package func sql(for table: Table, integerTimestamps: Set<Int>) -> SQLFragment {
    var writer = SQLWriter(table: table, now: 0)
    for (index, term) in terms.enumerated() {
      if index > 0 { writer.write(", ") }
      writer.sortKey(term.column, plainTimestamp: integerTimestamps.contains(term.column))
      writer.write(term.isDescending ? " DESC NULLS LAST" : " ASC NULLS FIRST")
    }
    return writer.fragment
  }

  /// The condition that a row comes after the one with these values of ``terms`` in this order.
  package func sql(after values: [Value], for table: Table) -> SQLFragment {
    sql(after: values, for: table, integerTimestamps: [])
  }

  /// The same where it is known that some TIMESTAMP columns hold no text; see
  /// ``sql(for:integerTimestamps:)``.
  package func sql(
    after values: [Value], for table: Table, integerTimestamps: Set<Int>
  ) -> SQLFragment {
    precondition(values.count == terms.count, "one value a term")
    var writer = KeysetWriter(
      order: self, values: values, table: table, integerTimestamps: integerTimestamps)
    return writer.write()
  }
}

/// Writes the condition of the rows after one. A value; used once.
private struct KeysetWriter {
  let order: OrderBy
  let values: [Value]
  let table: Table
  let integerTimestamps: Set<Int>
  private var writer: SQLWriter

  init(order: OrderBy, values: [Value], table: Table, integerTimestamps: Set<Int>) {
    self.order = order
    self.values = values
    self.table = table
    self.integerTimestamps = integerTimestamps
    writer = SQLWriter(table: table, now: 0)
  }

  mutating func write() -> SQLFragment {
    // The first term bounds a range that an index may serve: `a >= x AND (a > x OR …)`.
    let first = order.terms[0]
    let bound = bound(0)
    let isLast = order.terms.count == 1
    writer.write("(")
    if !isLast, bound != .null, !(first.isDescending && mayBeNull(first)) {
      sortKey(0)
      writer.write(first.isDescending ? " <= " : " >= ")
      bind(bound, of: 0)
      writer.write(" AND ")
    }
    writer.write("(")
    // Rows that are equal in the first i terms and come after in the next one, for each i.
    for index in order.terms.indices {
      if index > 0 { writer.write(" OR ") }
      writer.write("(")
      for equal in 0..<index {
        sortKey(equal)
        writer.write(" IS ")
        bind(self.bound(equal), of: equal)
        writer.write(" AND ")
      }
      follows(index)
      writer.write(")")
    }
    writer.write("))")
    return writer.fragment
  }

  /// That the term's value comes after the one given; nulls are the least.
  private mutating func follows(_ index: Int) {
    let term = order.terms[index]
    let bound = bound(index)
    switch (bound, term.isDescending) {
    case (.null, true):
      writer.write("0")
    case (.null, false):
      sortKey(index)
      writer.write(" IS NOT NULL")
    case (_, false):
      sortKey(index)
      writer.write(" > ")
      bind(bound, of: index)
    case (_, true):
      let mayBeNull = mayBeNull(term)
      if mayBeNull { writer.write("(") }
      sortKey(index)
      writer.write(" < ")
      bind(bound, of: index)
      guard mayBeNull else { return }
      writer.write(" OR ")
      sortKey(index)
      writer.write(" IS NULL)")
    }
  }

  private mutating func sortKey(_ index: Int) {
    let column = order.terms[index].column
    writer.sortKey(column, plainTimestamp: integerTimestamps.contains(column))
  }

  private mutating func bind(_ bound: Value, of index: Int) {
    // Of a column that holds no bytes: as `place(ofUnreadable:isText:)` keeps it.
    let isKey = order.terms[index].column == SystemColumn.key.rawValue
    guard isKey || isPlain(index), case .bytes(let place) = bound else {
      return writer.bind(bound)
    }
    writer.write(place.first == 1 ? "CAST(" : "")
    writer.bind(.bytes(Array(place.dropFirst())))
    writer.write(place.first == 1 ? " AS TEXT)" : "")
  }

  /// Whether the column itself is the sort key.
  private func isPlain(_ index: Int) -> Bool {
    switch table.columns[order.terms[index].column].type {
    case .bool, .int64, .double, .string, .date, .json(asWritten: true): true
    case .bytes, .timestamp, .decimal, .timeOfDay, .uuid, .json, .enumeration: false
    }
  }

  /// Whether the sort key may be null: where it is no plain column, what does not fit is.
  private func mayBeNull(_ term: OrderBy.Term) -> Bool {
    let column = table.columns[term.column]
    if term.column == SystemColumn.key.rawValue { return false }
    switch column.type {
    case .timestamp: return column.isNullable || !integerTimestamps.contains(term.column)
    case .decimal, .enumeration, .bytes, .timeOfDay, .uuid, .json: return true
    case .bool, .int64, .double, .string, .date: return column.isNullable
    }
  }

  /// The term's value as ``SQLWriter/sortKey(_:plainTimestamp:)`` gives it.
  private func bound(_ index: Int) -> Value {
    let column = order.terms[index].column
    let value = values[index]
    if column == SystemColumn.key.rawValue || isPlain(index) { return value }
    let operand = order.keys[index].operand(value)
    switch table.columns[column].type {
    case .uuid: return Operation.uuidOfText([operand]).value
    case .timeOfDay: return Operation.timeOfText([operand]).value
    case .json: return Operation.jsonOfText([operand]).value
    case .decimal:
      let read = Operation.decimalOfColumn([OperandKind.dynamic.read(value)])
      return Operation.decimalKey([read]).value
    default: return operand.value
    }
  }
}

extension SQLWriter {
  /// What SQLite orders a column by.
  ///
  /// - Parameter plainTimestamp: Whether a TIMESTAMP column is known to hold no text.
  mutating func sortKey(_ column: Int, plainTimestamp: Bool) {
    switch table.columns[column].type {
    case .bool, .int64, .double:
      // Plain, so that an index serves it.
      unread(column)
    case .bytes:
      storedColumn(column)
    case .timestamp:
      if plainTimestamp { name(column) } else { call(.timestamp) { $0.name(column) } }
    case .decimal:
      call(.decimalKey) { $0.storedColumn(column) }
    case .enumeration(let declared):
      rank(of: column, declared)
    case .string, .date, .json(asWritten: true):
      name(column)
      write(" COLLATE BINARY")
    case .timeOfDay, .uuid, .json:
      storedColumn(column)
      write(" COLLATE BINARY")
    }
  }
}
