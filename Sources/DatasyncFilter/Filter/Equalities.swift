package import DatasyncModel

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

extension Filter {
  /// Values of columns of which every matching row has at least one, for indexes over many filters; nil
  /// where there are no such, as for `count gt 5`. Of several ways the one with the fewest values.
  ///
  /// `column` is a position in ``Table/columns``.
  package var alternatives: [(column: Int, values: [Value])]? { tree.alternatives(in: table) }

  /// Every way to find matching rows as ``alternatives`` does, for an index that knows which of them is the
  /// best; empty: there is none.
  package var waysToFind: [[(column: Int, values: [Value])]] {
    guard case .and(let terms) = tree.kind else { return alternatives.map { [$0] } ?? [] }
    return terms.compactMap { $0.alternatives(in: table) }
  }
}

extension Expression {
  fileprivate func alternatives(in table: Table) -> [(column: Int, values: [Value])]? {
    switch kind {
    case .and(let terms):
      return terms.compactMap { $0.alternatives(in: table) }
        .min { left, right in
          left.reduce(0) { $0 + $1.values.count } < right.reduce(0) { $0 + $1.values.count }
        }
    case .or(let terms):
      var all: [(column: Int, values: [Value])] = []
      for term in terms {
        guard let alternatives = term.alternatives(in: table) else { return nil }
        all += alternatives
      }
      return all
    case .memberOf(let operand, let set, .stored):
      guard let values = set.values else { return nil }
      return operand.alternatives(of: values.elements, in: table)
    case .membership(let operand, let constants, false, .stored):
      return operand.alternatives(of: constants, in: table)
    default:
      let equal = equalities(in: table)
      return equal.isEmpty ? nil : equal.map { ($0.column, [$0.value]) }
    }
  }

  private func alternatives(
    of constants: [Operand], in table: Table
  ) -> [(column: Int, values: [Value])]? {
    guard let column else { return nil }
    var values: [Value] = []
    for constant in constants {
      guard let value = table.storedValue(of: constant, in: column) else { return nil }
      values.append(value)
    }
    return [(column, values)]
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
