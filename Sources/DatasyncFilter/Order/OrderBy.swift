package import DatasyncModel

/// A checked `$orderby` of one table; the key is always among the terms, appended where the text does
/// not name it, so that no two rows are equal. A value.
///
/// Nulls come first ascending and last descending; text is ordered by code point, decimals as numbers,
/// enum values as declared, false before true.
package struct OrderBy: Sendable {
  /// One field of the text, or the key. A value.
  package struct Term: Hashable, Sendable {
    /// Position in ``Table/columns``.
    package let column: Int
    /// Also puts nulls last.
    package let isDescending: Bool

    package init(column: Int, isDescending: Bool) {
      self.column = column
      self.isDescending = isDescending
    }
  }

  /// The most significant first; none after the key can matter.
  package let terms: [Term]
  /// How the values of each term are compared.
  package let keys: [OrderKey]

  /// - Parameter text: Fields with commas between, each with `asc` or `desc` after it; nothing orders
  ///   by the key.
  /// - Throws: INVALID_ARGUMENT, reason BAD_ORDER_BY, as ``Filter`` does.
  package init(parsing text: String, table: Table) throws(DatasyncError) {
    var terms: [Term]
    do {
      terms = try OrderParser.parse(text, table: table)
    } catch {
      throw error.error(field: "order_by", reason: "BAD_ORDER_BY")
    }
    let key = SystemColumn.key.rawValue
    if !terms.contains(where: { $0.column == key }) {
      terms.append(Term(column: key, isDescending: false))
    }
    self.terms = terms
    keys = terms.map { OrderKey(table.columns[$0.column].type) }
  }

  /// Where a row stands whose text or blob does not fit its column, for ``sql(after:for:)``.
  package static func place(ofUnreadable bytes: [UInt8], isText: Bool) -> Value {
    .bytes([isText ? 1 : 0] + bytes)
  }

  /// A row's values of ``terms``: what ``sql(after:for:)`` continues from.
  package func values(of row: [Value]) -> [Value] {
    terms.map { row[$0.column] }
  }

  /// Whether the first row comes before the second, both as ``RowDecoder/values(of:table:)`` gives
  /// them.
  package func precedes(_ first: [Value], _ second: [Value]) -> Bool {
    for (term, key) in zip(terms, keys) {
      let order = key.compare(first[term.column], second[term.column])
      if order != 0 { return (order < 0) != term.isDescending }
    }
    return false
  }
}

/// How the values of one column are ordered. A value.
package enum OrderKey: Sendable {
  /// As SQLite orders what it stores.
  case stored(OperandKind)
  case rank([String])

  init(_ type: ColumnType) {
    if case .enumeration(let values) = type {
      self = .rank(values)
    } else {
      self = .stored(ExpressionType(type).operandKind)
    }
  }

  /// Below 0, 0 or above 0; null is the least.
  func compare(_ left: Value, _ right: Value) -> Int {
    let (left, right) = (operand(left), operand(right))
    return Operand.compare(left, right) ?? (left.isNull ? -1 : 1)
  }

  /// What is compared.
  package func operand(_ value: Value) -> Operand {
    switch self {
    case .stored(let kind):
      return kind.read(value)
    case .rank(let declared):
      guard case .string(let text) = OperandKind.string.read(value),
        let rank = declared.firstIndex(where: { TextOrder.areEqual($0, text) })
      else { return .null }
      return .int64(Int64(rank))
    }
  }
}
