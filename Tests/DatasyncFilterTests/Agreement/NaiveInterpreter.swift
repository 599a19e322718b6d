/// Says what a filter means, as plainly as possible and without a line of
/// the code under test. A value.
struct NaiveInterpreter {
  let row: [NaiveValue]
  let now: Int64

  func isTrue(_ node: FilterNode) -> Bool {
    if case .bool(true) = value(node) { return true }
    return false
  }

  func value(_ node: FilterNode) -> NaiveValue {
    switch node {
    case .constant(let value, _): return value
    case .column(let index, _): return row[index]
    case .now: return .moment(now)
    case .arithmetic(let name, let left, let right):
      return NaiveArithmetic.compute(name, value(left), value(right))
    case .minus(let operand):
      return NaiveArithmetic.negate(value(operand))
    case .compare(let name, let left, let right):
      return .bool(NaiveInterpreter.compare(name, value(left), value(right)))
    case .list(let operand, let elements):
      let found = value(operand)
      return .bool(elements.contains { NaiveInterpreter.compare("eq", found, value($0)) })
    case .both(let terms):
      let values = terms.map { truth($0) }
      return values.contains(false) ? .bool(false) : values.contains(nil) ? .null : .bool(true)
    case .either(let terms):
      let values = terms.map { truth($0) }
      return values.contains(true) ? .bool(true) : values.contains(nil) ? .null : .bool(false)
    case .not(let operand):
      return truth(operand).map { .bool(!$0) } ?? .null
    case .function(let name, let arguments):
      return NaiveFunctions.call(name, arguments.map { value($0) })
    case .cast(let operand, let type):
      return NaiveFunctions.cast(value(operand), to: type)
    }
  }

  private func truth(_ node: FilterNode) -> Bool? {
    if case .bool(let value) = value(node) { return value }
    return nil
  }

  // MARK: - Comparing

  static func compare(_ name: String, _ left: NaiveValue, _ right: NaiveValue) -> Bool {
    switch name {
    case "eq": equals(left, right)
    case "ne": !equals(left, right)
    case "gt": order(left, right) == 1
    case "lt": order(left, right) == -1
    case "ge": order(left, right) == 1 || equals(left, right)
    default: order(left, right) == -1 || equals(left, right)
    }
  }

  private static func equals(_ left: NaiveValue, _ right: NaiveValue) -> Bool {
    if left.isNull || right.isNull { return left.isNull && right.isNull }
    return order(left, right) == 0
  }

  /// Whether a row comes before another, by columns up or down; null is the least.
  static func precedes(
    _ left: [NaiveValue], _ right: [NaiveValue], by terms: [(column: Int, isDescending: Bool)]
  ) -> Bool {
    for (column, isDescending) in terms {
      let (a, b) = (left[column], right[column])
      let order =
        switch (a.isNull, b.isNull) {
        case (true, true): 0
        case (true, false): -1
        case (false, true): 1
        case (false, false): self.order(a, b) ?? 0
        }
      if order != 0 { return (order < 0) != isDescending }
    }
    return false
  }

  /// -1, 0, 1; nil where one is null.
  private static func order(_ left: NaiveValue, _ right: NaiveValue) -> Int? {
    switch (left, right) {
    case (.bool(let a), .bool(let b)): return sign(a ? 1 : 0, b ? 1 : 0)
    case (.int(let a), .int(let b)), (.moment(let a), .moment(let b)), (.time(let a), .time(let b)):
      return sign(a, b)
    case (.choice(let a), .choice(let b)): return sign(a, b)
    case (.real(let a), .real(let b)): return sign(a, b)
    case (.int(let a), .real(let b)): return exact(a, b)
    case (.real(let a), .int(let b)): return exact(b, a).map { -$0 }
    case (.decimal(let a), .decimal(let b)): return a.compare(b)
    case (.decimal(let a), .int(let b)): return a.compare(NaiveDecimal(b))
    case (.int(let a), .decimal(let b)): return NaiveDecimal(a).compare(b)
    case (.decimal(let a), .real(let b)): return sign(NaiveArithmetic.real(a), b)
    case (.real(let a), .decimal(let b)): return sign(a, NaiveArithmetic.real(b))
    case (.text(let a), .text(let b)):
      return a == b ? 0 : a.lexicographicallyPrecedes(b) ? -1 : 1
    case (.bytes(let a), .bytes(let b)):
      return a == b ? 0 : a.lexicographicallyPrecedes(b) ? -1 : 1
    case (.date(let a, let b, let c), .date(let d, let e, let f)):
      return sign(NaiveValue.days(a, b, c), NaiveValue.days(d, e, f))
    case (.date(let a, let b, let c), .moment(let moment)):
      return sign(Int64(NaiveValue.days(a, b, c)) * 86_400_000_000, moment)
    case (.moment(let moment), .date(let a, let b, let c)):
      return sign(moment, Int64(NaiveValue.days(a, b, c)) * 86_400_000_000)
    default: return nil
    }
  }

  private static func sign<T: Comparable>(_ left: T, _ right: T) -> Int {
    left < right ? -1 : left > right ? 1 : 0
  }

  /// In halves of the unit, as integers of 128 bits.
  private static func exact(_ left: Int64, _ right: Double) -> Int? {
    if abs(right) > 1e20 { return right > 0 ? -1 : 1 }
    let below = right.rounded(.down)
    let hasRest = below != right
    return sign(Int128(left) * 2, Int128(below) * 2 + (hasRest ? 1 : 0))
  }
}
