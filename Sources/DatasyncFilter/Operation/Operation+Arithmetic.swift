extension Operation {
  /// `add sub mul div mod`, unary minus and rounding, for one type of number each.
  struct Arithmetic: Sendable {
    let add: Operation
    let subtract: Operation
    let multiply: Operation
    let divide: Operation
    let remainder: Operation
    let negate: Operation
    let floor: Operation
    let ceiling: Operation
    let round: Operation

    var all: [Operation] {
      [add, subtract, multiply, divide, remainder, negate, floor, ceiling, round]
    }
  }

  /// Overflow is null, and so is division by zero; division truncates toward zero.
  static let int64Arithmetic = Arithmetic(
    add: Operation("add_int") { (a: Int64, b: Int64) in
      exact(a.addingReportingOverflow(b))
    },
    subtract: Operation("sub_int") { (a: Int64, b: Int64) in
      exact(a.subtractingReportingOverflow(b))
    },
    multiply: Operation("mul_int") { (a: Int64, b: Int64) in
      exact(a.multipliedReportingOverflow(by: b))
    },
    divide: Operation("div_int") { (a: Int64, b: Int64) in
      exact(a.dividedReportingOverflow(by: b))
    },
    remainder: Operation("mod_int") { (a: Int64, b: Int64) -> Int64? in
      // By -1 the hardware overflows for the lowest integer, although the remainder is 0.
      b == 0 ? nil : b == -1 ? 0 : a % b
    },
    negate: Operation("neg_int") { (a: Int64) in
      exact(Int64(0).subtractingReportingOverflow(a))
    },
    floor: Operation("floor_int") { (a: Int64) -> Int64? in a },
    ceiling: Operation("ceiling_int") { (a: Int64) -> Int64? in a },
    round: Operation("round_int") { (a: Int64) -> Int64? in a })

  /// What is too large is null, and so is division by zero; see ``Decimal`` for rounding.
  static let decimalArithmetic = Arithmetic(
    add: Operation("add_decimal") { (a: Decimal, b: Decimal) in a.adding(b) },
    subtract: Operation("sub_decimal") { (a: Decimal, b: Decimal) in a.subtracting(b) },
    multiply: Operation("mul_decimal") { (a: Decimal, b: Decimal) in a.multiplied(by: b) },
    divide: Operation("div_decimal") { (a: Decimal, b: Decimal) in a.divided(by: b) },
    remainder: Operation("mod_decimal") { (a: Decimal, b: Decimal) in
      a.remainder(dividingBy: b)
    },
    negate: Operation("neg_decimal") { (a: Decimal) -> Decimal? in -a },
    floor: Operation("floor_decimal") { (a: Decimal) -> Decimal? in a.rounded(.floor) },
    ceiling: Operation("ceiling_decimal") { (a: Decimal) -> Decimal? in a.rounded(.ceiling) },
    round: Operation("round_decimal") { (a: Decimal) -> Decimal? in a.rounded(.nearest) })

  /// What is not finite is null.
  static let doubleArithmetic = Arithmetic(
    add: Operation("add_double") { (a: Double, b: Double) -> Double? in a + b },
    subtract: Operation("sub_double") { (a: Double, b: Double) -> Double? in a - b },
    multiply: Operation("mul_double") { (a: Double, b: Double) -> Double? in a * b },
    divide: Operation("div_double") { (a: Double, b: Double) -> Double? in a / b },
    remainder: Operation("mod_double") { (a: Double, b: Double) -> Double? in
      a.truncatingRemainder(dividingBy: b)
    },
    negate: Operation("neg_double") { (a: Double) -> Double? in -a },
    floor: Operation("floor_double") { (a: Double) -> Double? in a.rounded(.down) },
    ceiling: Operation("ceiling_double") { (a: Double) -> Double? in a.rounded(.up) },
    round: Operation("round_double") { (a: Double) -> Double? in
      a.rounded(.toNearestOrAwayFromZero)
    })

  private static func exact(_ result: (partialValue: Int64, overflow: Bool)) -> Int64? {
    result.overflow ? nil : result.partialValue
  }
}
