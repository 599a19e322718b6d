/// The arithmetic of the naive interpreter.
enum NaiveArithmetic {
  static func real(_ value: NaiveDecimal) -> Double {
    Double(value.text) ?? .nan
  }

  static func compute(_ name: String, _ left: NaiveValue, _ right: NaiveValue) -> NaiveValue {
    switch (left, right) {
    case (.int(let a), .int(let b)):
      return name == "divby"
        ? decimals("div", NaiveDecimal(a), NaiveDecimal(b)) : integers(name, a, b)
    case (.decimal(let a), .decimal(let b)): return decimals(name, a, b)
    case (.decimal(let a), .int(let b)): return decimals(name, a, NaiveDecimal(b))
    case (.int(let a), .decimal(let b)): return decimals(name, NaiveDecimal(a), b)
    case (.real(let a), .real(let b)): return reals(name, a, b)
    case (.real(let a), .int(let b)): return reals(name, a, Double(b))
    case (.int(let a), .real(let b)): return reals(name, Double(a), b)
    case (.real(let a), .decimal(let b)): return reals(name, a, real(b))
    case (.decimal(let a), .real(let b)): return reals(name, real(a), b)
    default: return .null
    }
  }

  static func negate(_ value: NaiveValue) -> NaiveValue {
    switch value {
    case .int(let value): fit(-Int128(value))
    case .real(let value): .real(-value)
    case .decimal(let value): .decimal(value.negated)
    default: .null
    }
  }

  static func fit(_ value: Int128) -> NaiveValue {
    value >= Int128(Int64.min) && value <= Int128(Int64.max) ? .int(Int64(value)) : .null
  }

  private static func integers(_ name: String, _ left: Int64, _ right: Int64) -> NaiveValue {
    let (a, b) = (Int128(left), Int128(right))
    switch name {
    case "add": return fit(a + b)
    case "sub": return fit(a - b)
    case "mul": return fit(a * b)
    case "div": return b == 0 ? .null : fit(a / b)
    default: return b == 0 ? .null : fit(a - (a / b) * b)
    }
  }

  private static func decimals(
    _ name: String, _ a: NaiveDecimal, _ b: NaiveDecimal
  ) -> NaiveValue {
    let result =
      switch name {
      case "add": a.adding(b)
      case "sub": a.adding(b.negated)
      case "mul": a.multiplied(by: b)
      case "div", "divby": a.divided(by: b)
      default: a.remainder(by: b)
      }
    return result.map { .decimal($0) } ?? .null
  }

  private static func reals(_ name: String, _ a: Double, _ b: Double) -> NaiveValue {
    let result =
      switch name {
      case "add": a + b
      case "sub": a - b
      case "mul": a * b
      case "div", "divby": a / b
      default: a.truncatingRemainder(dividingBy: b)
      }
    return result.isFinite ? .real(result) : .null
  }
}
