extension Decimal {
  /// Reads digits with an optional sign before, fraction and exponent after; zeros may lead or end.
  ///
  /// - Returns: nil where it is something else, has more than 34 significant digits or is too large.
  package init?(_ text: String) {
    var text = text
    guard let number = text.withUTF8({ Decimal(utf8: $0) }) else { return nil }
    self = number
  }

  private init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
    var position = 0
    var isNegative = false
    if position < bytes.count, bytes[position] == 0x2D {
      isNegative = true
      position += 1
    }
    var digits = DigitCollector()
    let wholeCount = digits.take(from: bytes, at: &position)
    guard wholeCount > 0 else { return nil }
    var exponent = 0
    if position < bytes.count, bytes[position] == 0x2E {
      position += 1
      exponent = -digits.take(from: bytes, at: &position)
      guard exponent < 0 else { return nil }
    }
    if position < bytes.count, bytes[position] | 0x20 == 0x65 {
      position += 1
      guard let power = Decimal.signedInteger(bytes, at: &position) else { return nil }
      exponent += power
    }
    guard position == bytes.count, !digits.isTooLong else { return nil }
    self.init(
      isNegative: isNegative, unnormalized: digits.coefficient,
      exponent: exponent + digits.pendingZeros)
  }

  /// An optional sign and up to five digits.
  private static func signedInteger(
    _ bytes: UnsafeBufferPointer<UInt8>, at position: inout Int
  ) -> Int? {
    var isNegative = false
    if position < bytes.count, bytes[position] == 0x2D || bytes[position] == 0x2B {
      isNegative = bytes[position] == 0x2D
      position += 1
    }
    let start = position
    var value = 0
    while position < bytes.count, (0x30...0x39).contains(bytes[position]), position - start < 5 {
      value = value * 10 + Int(bytes[position] - 0x30)
      position += 1
    }
    guard position > start else { return nil }
    return isNegative ? -value : value
  }

  /// The number that is written with the fewest digits among those nearest to the double; nil for
  /// infinities and NaN.
  ///
  /// SQLite's numeric affinity stores 0.1 as a double; this is how it comes back as 0.1.
  package init?(shortest value: Double) {
    guard value.isFinite else { return nil }
    self.init(value.description)
  }

  /// Plain notation: no exponent, no zeros at the end of a fraction.
  package var text: String {
    let digits = String(coefficient)
    let sign = isNegative ? "-" : ""
    if exponent >= 0 { return sign + digits + String(repeating: "0", count: exponent) }
    let point = digits.utf8.count + exponent
    if point <= 0 { return "\(sign)0." + String(repeating: "0", count: -point) + digits }
    return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
  }

  /// The nearest double.
  package var double: Double {
    if exponent == 0, coefficient <= 1 << 53 {
      let magnitude = Double(UInt64(coefficient))
      return isNegative ? -magnitude : magnitude
    }
    return Double("\(isNegative ? "-" : "")\(coefficient)e\(exponent)") ?? 0
  }

  /// The integer that it is; nil where it has a fraction or does not fit.
  package var int64: Int64? {
    guard exponent >= 0, firstExponent < 19 else { return isZero ? 0 : nil }
    let magnitude = coefficient * Decimal.powers[exponent]
    if isNegative {
      return magnitude <= UInt128(Int64.max) + 1 ? Int64(-Int128(magnitude)) : nil
    }
    return Int64(exactly: magnitude)
  }

  /// Bytes that compare, as `memcmp` does, like the numbers: equal keys mean equal numbers.
  ///
  /// The sign, the place of the first digit, the digits; all complemented for a negative number, and
  /// ended so that the longer is the lesser.
  package var sortKey: [UInt8] {
    guard !isZero else { return [0x80] }
    let place = UInt16(firstExponent + 0x8000)
    var key: [UInt8] = [UInt8(place >> 8), UInt8(place & 0xFF)]
    key.append(contentsOf: String(coefficient).utf8)
    guard isNegative else { return [0xC0] + key }
    return [0x40] + key.map { ~$0 } + [0xFF]
  }
}

/// Gathers significant digits; zeros wait until a digit follows them. Confined to one call.
private struct DigitCollector {
  var coefficient: UInt128 = 0
  var pendingZeros = 0
  var isTooLong = false
  private var count = 0

  /// Takes what digits stand there.
  ///
  /// - Returns: How many.
  mutating func take(from bytes: UnsafeBufferPointer<UInt8>, at position: inout Int) -> Int {
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
      append(bytes[position] - 0x30)
      position += 1
    }
    return position - start
  }

  private mutating func append(_ digit: UInt8) {
    guard digit != 0 else {
      if coefficient != 0 { pendingZeros += 1 }
      return
    }
    let width = coefficient == 0 ? 1 : pendingZeros + 1
    guard count + width <= Decimal.maxDigits else {
      isTooLong = true
      return
    }
    coefficient = coefficient * Decimal.powers[width] + UInt128(digit)
    count += width
    pendingZeros = 0
  }
}
