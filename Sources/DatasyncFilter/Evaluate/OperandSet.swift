package import DatasyncModel

/// Values of one type, sorted: finding one takes steps that grow with the logarithm of their number.
/// A value; copies share its elements.
package struct OperandSet: Sendable {
  /// In ascending order, none twice, without null.
  package let elements: [Operand]

  package var count: Int { elements.count }
  package var isEmpty: Bool { elements.isEmpty }

  /// - Parameter elements: Of comparable types, in any order; nulls are left out.
  package init(_ elements: [Operand]) {
    let sorted = elements.filter { !$0.isNull }
      .sorted { (Operand.compare($0, $1) ?? 0) < 0 }
    var distinct: [Operand] = []
    distinct.reserveCapacity(sorted.count)
    for element in sorted where distinct.last.map({ Operand.compare($0, element) }) != 0 {
      distinct.append(element)
    }
    self.elements = distinct
  }

  /// The values of a column, read as expressions read it; nulls and what does not fit are left out.
  package init(_ values: some Swift.Sequence<Value>, type: ExpressionType) {
    let kind = type.operandKind
    self.init(values.map { kind.read($0) })
  }

  /// False for null.
  package func contains(_ value: Operand) -> Bool {
    if value.isNull { return false }
    var (low, high) = (0, elements.count)
    while low < high {
      let middle = (low + high) / 2
      let order = Operand.compare(elements[middle], value) ?? 0
      if order == 0 { return true }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return false
  }
}

/// A set that belongs to a principal, as a condition speaks of it. A value.
package struct MemberSet: Sendable {
  /// As the access file calls it; empty: the condition is no rule's.
  package let name: String
  /// nil: not known yet; see ``RuleCondition/binding(_:)``.
  package let values: OperandSet?

  package init(name: String, values: OperandSet? = nil) {
    self.name = name
    self.values = values
  }
}
