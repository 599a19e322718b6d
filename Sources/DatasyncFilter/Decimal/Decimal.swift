/// A decimal number of at most 34 significant digits, as IEEE 754 decimal128 holds it. A value.
///
/// Kept in normal form (no trailing zeros in the coefficient, one zero), so equal numbers are equal
/// values. Comparing is exact. `+ - * /` give the exact result where it has 34 digits or fewer, and
/// otherwise the nearest one, halves to the even digit; the remainder is always exact. There are no
/// infinities: what is too large for ``maxExponent`` is nil, what is too small is 0.
package struct Decimal: Hashable, Sendable {
  /// Of the coefficient; source: IEEE 754 decimal128.
  package static let maxDigits = 34
  /// The largest power of ten of a number's first digit; the least is its negative.
  package static let maxExponent = 6144
  package static let zero = Decimal(isNegative: false, coefficient: 0, exponent: 0)

  /// Below 10^34, not divisible by ten; 0 only with exponent 0 and no sign.
  let coefficient: UInt128
  let exponent: Int
  /// False for 0: there is no minus zero.
  package let isNegative: Bool

  private init(isNegative: Bool, coefficient: UInt128, exponent: Int) {
    self.isNegative = isNegative
    self.coefficient = coefficient
    self.exponent = exponent
  }

  /// Always exact: an Int64 has at most 19 digits.
  package init(_ value: Int64) {
    let (coefficient, zeros) = Decimal.strippingZeros(UInt128(value.magnitude))
    self.init(isNegative: value < 0, coefficient: coefficient, exponent: zeros)
  }

  /// - Parameter coefficient: Below 10^34 + 1.
  /// - Returns: nil where the number is too large.
  init?(isNegative: Bool, unnormalized coefficient: UInt128, exponent: Int) {
    guard coefficient != 0 else {
      self = .zero
      return
    }
    let (stripped, zeros) = Decimal.strippingZeros(coefficient)
    let first = Decimal.digitCount(stripped) - 1 + exponent + zeros
    guard first <= Decimal.maxExponent else { return nil }
    guard first >= -Decimal.maxExponent else {
      self = .zero
      return
    }
    self.init(isNegative: isNegative, coefficient: stripped, exponent: exponent + zeros)
  }

  package var isZero: Bool { coefficient == 0 }

  /// The power of ten of the first digit.
  var firstExponent: Int { Decimal.digitCount(coefficient) - 1 + exponent }

  /// Exact; 0 stays 0.
  package static prefix func - (value: Decimal) -> Decimal {
    value.isZero
      ? value
      : Decimal(
        isNegative: !value.isNegative, coefficient: value.coefficient, exponent: value.exponent)
  }

  // MARK: - Digits

  /// 10^0 … 10^38.
  static let powers: [UInt128] = (0..<38).reduce(into: [1]) { powers, index in
    powers.append(powers[index] * 10)
  }

  /// How many decimal digits; 0 has one.
  static func digitCount(_ value: UInt128) -> Int {
    guard value >= 10 else { return 1 }
    // log10(2) is about 1233/4096: the estimate is right or one short.
    let bits = UInt128.bitWidth - value.leadingZeroBitCount
    let estimate = (bits * 1233) >> 12
    return value >= powers[estimate] ? estimate + 1 : estimate
  }

  private static func strippingZeros(_ value: UInt128) -> (stripped: UInt128, zeros: Int) {
    guard value != 0, value & 1 == 0 else { return (value, 0) }
    var value = value
    var zeros = 0
    for step in [32, 16, 8, 4, 2, 1] {
      let (quotient, remainder) = value.quotientAndRemainder(dividingBy: powers[step])
      if remainder == 0 { (value, zeros) = (quotient, zeros + step) }
    }
    return (value, zeros)
  }
}

extension Decimal: Comparable {
  package static func < (left: Decimal, right: Decimal) -> Bool {
    left.compare(right) < 0
  }

  /// -1, 0 or 1.
  package func compare(_ other: Decimal) -> Int {
    if isZero || other.isZero || isNegative != other.isNegative {
      return sign == other.sign ? 0 : sign < other.sign ? -1 : 1
    }
    let magnitudes = compareMagnitude(other)
    return isNegative ? -magnitudes : magnitudes
  }

  private var sign: Int { isZero ? 0 : isNegative ? -1 : 1 }

  func compareMagnitude(_ other: Decimal) -> Int {
    if isZero || other.isZero { return isZero ? (other.isZero ? 0 : -1) : 1 }
    let (first, second) = (firstExponent, other.firstExponent)
    guard first == second else { return first < second ? -1 : 1 }
    // Same first digit's place: the exponents differ by less than 34.
    let left = coefficient * Decimal.powers[max(0, exponent - other.exponent)]
    let right = other.coefficient * Decimal.powers[max(0, other.exponent - exponent)]
    return left == right ? 0 : left < right ? -1 : 1
  }
}
