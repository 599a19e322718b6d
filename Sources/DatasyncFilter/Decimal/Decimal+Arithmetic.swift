extension Decimal {
  /// - Returns: nil where the sum is too large.
  package func adding(_ other: Decimal) -> Decimal? {
    if isZero { return other }
    if other.isZero { return self }
    let (high, low) = exponent >= other.exponent ? (self, other) : (other, self)
    // The one of greater exponent gets as many digits as fit, so that little is left to align.
    let room = Decimal.maxDigits - Decimal.digitCount(high.coefficient)
    let widened = min(room, high.exponent - low.exponent)
    let coefficient = high.coefficient * Decimal.powers[widened]
    let distance = high.exponent - widened - low.exponent
    // Further apart than this, the smaller is less than a hundredth of the last digit.
    guard distance <= 36 else { return high }
    let aligned = Wide(product: coefficient, Decimal.powers[distance])
    let addend = Wide(low.coefficient)
    if high.isNegative == low.isNegative {
      return Decimal.rounded(aligned + addend, isNegative: isNegative, exponent: low.exponent)
    }
    return aligned >= addend
      ? Decimal.rounded(aligned - addend, isNegative: high.isNegative, exponent: low.exponent)
      : Decimal.rounded(addend - aligned, isNegative: low.isNegative, exponent: low.exponent)
  }

  /// - Returns: nil where the difference is too large.
  package func subtracting(_ other: Decimal) -> Decimal? {
    adding(-other)
  }

  /// - Returns: nil where the product is too large.
  package func multiplied(by other: Decimal) -> Decimal? {
    Decimal.rounded(
      Wide(product: coefficient, other.coefficient), isNegative: isNegative != other.isNegative,
      exponent: exponent + other.exponent)
  }

  /// - Returns: nil where the divisor is 0 or the quotient too large.
  package func divided(by other: Decimal) -> Decimal? {
    guard !other.isZero else { return nil }
    if isZero { return .zero }
    // A dividend of 34 digits and the divisor's digits plus one make a quotient of 35 or 36 digits.
    let widened = Decimal.maxDigits - Decimal.digitCount(coefficient)
    let shift = Decimal.digitCount(other.coefficient) + 1
    let dividend = Wide(product: coefficient * Decimal.powers[widened], Decimal.powers[shift])
    let (quotient, remainder) = other.coefficient.dividingFullWidth((dividend.high, dividend.low))
    return Decimal.rounded(
      Wide(quotient), isNegative: isNegative != other.isNegative,
      exponent: exponent - widened - shift - other.exponent, hasMore: remainder != 0)
  }

  /// The remainder of the division truncated to an integer; it has the dividend's sign. Exact.
  ///
  /// - Returns: nil where the divisor is 0.
  package func remainder(dividingBy other: Decimal) -> Decimal? {
    guard !other.isZero else { return nil }
    guard compareMagnitude(other) >= 0 else { return self }
    guard exponent >= other.exponent else {
      // The divisor is no longer than the dividend, so it fits when aligned.
      let divisor = other.coefficient * Decimal.powers[other.exponent - exponent]
      return Decimal(
        isNegative: isNegative, unnormalized: coefficient % divisor, exponent: exponent)
    }
    let scale = Decimal.power(of: 10, exponent - other.exponent, modulo: other.coefficient)
    let rest = Decimal.product(
      coefficient % other.coefficient, scale, modulo: other.coefficient)
    return Decimal(isNegative: isNegative, unnormalized: rest, exponent: other.exponent)
  }

  /// To which integer a number goes. A value.
  package enum Rounding: Sendable {
    /// Toward negative infinity.
    case floor
    /// Toward positive infinity.
    case ceiling
    /// To the nearest, halves away from zero.
    case nearest
    case towardZero
  }

  /// The integer near it.
  package func rounded(_ rounding: Rounding) -> Decimal {
    guard exponent < 0, !isZero else { return self }
    guard -exponent <= Decimal.maxDigits else { return tiny(rounding) }
    let unit = Decimal.powers[-exponent]
    let (whole, rest) = coefficient.quotientAndRemainder(dividingBy: unit)
    let goesUp =
      switch rounding {
      case .floor: isNegative
      case .ceiling: !isNegative
      case .nearest: rest >= unit / 2
      case .towardZero: false
      }
    // `rest` is never 0 here: the coefficient does not end in zeros.
    let rounded = goesUp ? whole + 1 : whole
    return Decimal(isNegative: isNegative, unnormalized: rounded, exponent: 0) ?? self
  }

  /// The integer near a number that is smaller than a half.
  private func tiny(_ rounding: Rounding) -> Decimal {
    switch rounding {
    case .floor: isNegative ? Decimal(-1) : .zero
    case .ceiling: isNegative ? .zero : Decimal(1)
    case .nearest, .towardZero: .zero
    }
  }

  // MARK: - Rounding to 34 digits

  /// - Parameter hasMore: Whether digits other than zeros follow; only where the magnitude has more
  ///   than 34 digits.
  private static func rounded(
    _ magnitude: Wide, isNegative: Bool, exponent: Int, hasMore: Bool = false
  ) -> Decimal? {
    let excess = magnitude.digitCount - maxDigits
    guard excess > 0 else {
      return Decimal(isNegative: isNegative, unnormalized: magnitude.low, exponent: exponent)
    }
    let unit = powers[excess]
    var (quotient, remainder) = unit.dividingFullWidth((magnitude.high, magnitude.low))
    let half = unit / 2
    if remainder > half || (remainder == half && (hasMore || quotient & 1 == 1)) { quotient += 1 }
    return Decimal(
      isNegative: isNegative, unnormalized: quotient, exponent: exponent + excess)
  }

  private static func product(
    _ left: UInt128, _ right: UInt128, modulo modulus: UInt128
  ) -> UInt128 {
    // The high half is below the modulus since both factors are.
    modulus.dividingFullWidth(left.multipliedFullWidth(by: right)).remainder
  }

  private static func power(of base: UInt128, _ power: Int, modulo modulus: UInt128) -> UInt128 {
    var result = 1 % modulus
    var square = base % modulus
    var rest = power
    while rest > 0 {
      if rest & 1 == 1 { result = product(result, square, modulo: modulus) }
      square = product(square, square, modulo: modulus)
      rest >>= 1
    }
    return result
  }
}

/// An unsigned integer of 256 bits, as much of it as decimals need. A value.
struct Wide: Hashable {
  var high: UInt128
  var low: UInt128

  init(_ low: UInt128) {
    (high, self.low) = (0, low)
  }

  init(product left: UInt128, _ right: UInt128) {
    (high, low) = left.multipliedFullWidth(by: right)
  }

  /// Right below 10^76.
  var digitCount: Int {
    guard high > 0 else { return Decimal.digitCount(low) }
    return 38 + Decimal.digitCount(Decimal.powers[38].dividingFullWidth((high, low)).quotient)
  }

  static func + (left: Wide, right: Wide) -> Wide {
    var sum = left
    let (low, overflow) = left.low.addingReportingOverflow(right.low)
    sum.low = low
    sum.high = left.high + right.high + (overflow ? 1 : 0)
    return sum
  }

  /// `left` is not below `right`.
  static func - (left: Wide, right: Wide) -> Wide {
    var difference = left
    let (low, overflow) = left.low.subtractingReportingOverflow(right.low)
    difference.low = low
    difference.high = left.high - right.high - (overflow ? 1 : 0)
    return difference
  }

  static func >= (left: Wide, right: Wide) -> Bool {
    (left.high, left.low) >= (right.high, right.low)
  }
}
