import DatasyncModel

extension Expression {
  /// What every row for which it is true must hold; see ``Filter/equalities``.
  func equalities(in table: Table) -> [(column: Int, value: Value)] {
    switch kind {
    case .and(let terms):
      return terms.flatMap { $0.equalities(in: table) }
    case .column(let column):
      return [(column, .bool(true))]
    case .not(let operand):
      return operand.column.map { [($0, .bool(false))] } ?? []
    case .comparison(.eq, let left, let right, .stored):
      if let column = left.column, let constant = right.literal {
        return table.storedValue(of: constant, in: column).map { [(column, $0)] } ?? []
      }
      if let column = right.column, let constant = left.literal {
        return table.storedValue(of: constant, in: column).map { [(column, $0)] } ?? []
      }
      return []
    case .membership(let operand, let constants, false, .stored):
      guard let column = operand.column, constants.count == 1 else { return [] }
      return table.storedValue(of: constants[0], in: column).map { [(column, $0)] } ?? []
    case .memberOf(let operand, let set, .stored):
      guard let column = operand.column, let values = set.values, values.count == 1 else {
        return []
      }
      return table.storedValue(of: values.elements[0], in: column).map { [(column, $0)] } ?? []
    case .literal, .now, .call, .comparison, .membership, .memberOf, .isNull, .or:
      return []
    }
  }
}

extension Table {
  /// The one value of that column that equals the constant; nil where there may be several or none.
  fileprivate func storedValue(of constant: Operand, in column: Int) -> Value? {
    switch (columns[column].type, constant) {
    case (.int64, .double(let value)): Int64(exactly: value).map { .int64($0) }
    case (.double, .int64(let value)): Double(exactly: value).map { .double($0) }
    // 5 and 5.00 are one number but two texts.
    case (.decimal, _): nil
    default: constant.value
    }
  }
}
