/// Decimals as schoolchildren compute them: lists of digits, written for the tests alone. A value.
struct NaiveDecimal {
  var isNegative: Bool
  /// Most significant first; no zeros at either end; empty is 0.
  var digits: [Int]
  var exponent: Int

  static let zero = NaiveDecimal(isNegative: false, digits: [], exponent: 0)

  init(isNegative: Bool, digits: [Int], exponent: Int) {
    var digits = Array(digits.drop { $0 == 0 })
    var exponent = exponent
    while digits.last == 0 {
      digits.removeLast()
      exponent += 1
    }
    self.isNegative = digits.isEmpty ? false : isNegative
    self.digits = digits
    self.exponent = digits.isEmpty ? 0 : exponent
  }

  init(_ value: Int64) {
    self.init(
      isNegative: value < 0, digits: String(value.magnitude).map { $0.wholeNumberValue ?? 0 },
      exponent: 0)
  }

  /// `-?digits(.digits)?(e[+-]?digits)?`.
  ///
  /// - Parameter maxDigits: nil where there are more significant ones.
  init?(_ text: String, maxDigits: Int = 34) {
    var rest = Array(text)
    let isNegative = rest.first == "-"
    if isNegative { rest.removeFirst() }
    var exponent = 0
    if let mark = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
      var power = String(rest[(mark + 1)...])
      if power.hasPrefix("+") { power.removeFirst() }
      guard let value = Int(power), power.drop(while: { $0 == "-" }).count <= 5 else { return nil }
      exponent = value
      rest = Array(rest[..<mark])
    }
    let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    let digits = parts.joined()
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    if parts.count == 2 { exponent -= parts[1].count }
    self.init(
      isNegative: isNegative, digits: digits.map { $0.wholeNumberValue ?? 0 }, exponent: exponent)
    if self.digits.count > maxDigits { return nil }
    // Too large is no decimal, too small is zero.
    let first = self.exponent + self.digits.count - 1
    if !self.digits.isEmpty, first > 6144 { return nil }
    if !self.digits.isEmpty, first < -6144 {
      self.init(isNegative: false, digits: [], exponent: 0)
    }
  }

  var text: String {
    if digits.isEmpty { return "0" }
    let sign = isNegative ? "-" : ""
    let all = digits.map(String.init).joined()
    if exponent >= 0 { return sign + all + String(repeating: "0", count: exponent) }
    let padded = String(repeating: "0", count: max(0, 1 - exponent - all.count)) + all
    return sign + padded.dropLast(-exponent) + "." + padded.suffix(-exponent)
  }

  var negated: NaiveDecimal {
    NaiveDecimal(isNegative: !isNegative, digits: digits, exponent: exponent)
  }

  // MARK: - Digits

  /// The digits as an integer at a lower exponent.
  private func aligned(to lower: Int) -> [Int] {
    digits + [Int](repeating: 0, count: exponent - lower)
  }

  private static func compare(_ left: [Int], _ right: [Int]) -> Int {
    let left = Array(left.drop { $0 == 0 })
    let right = Array(right.drop { $0 == 0 })
    if left.count != right.count { return left.count < right.count ? -1 : 1 }
    for (a, b) in zip(left, right) where a != b { return a < b ? -1 : 1 }
    return 0
  }

  private static func add(_ left: [Int], _ right: [Int]) -> [Int] {
    var result: [Int] = []
    var carry = 0
    for index in 0..<max(left.count, right.count) {
      let a = index < left.count ? left[left.count - 1 - index] : 0
      let b = index < right.count ? right[right.count - 1 - index] : 0
      result.append((a + b + carry) % 10)
      carry = (a + b + carry) / 10
    }
    if carry > 0 { result.append(carry) }
    return result.reversed()
  }

  /// `left` is not below `right`.
  private static func subtract(_ left: [Int], _ right: [Int]) -> [Int] {
    var result: [Int] = []
    var borrow = 0
    for index in 0..<left.count {
      let b = index < right.count ? right[right.count - 1 - index] : 0
      let difference = left[left.count - 1 - index] - b - borrow
      borrow = difference < 0 ? 1 : 0
      result.append((difference + 10) % 10)
    }
    return result.reversed()
  }

  private static func divide(_ left: [Int], by right: [Int]) -> (quotient: [Int], rest: [Int]) {
    var quotient: [Int] = []
    var rest: [Int] = []
    for digit in left {
      rest.append(digit)
      var count = 0
      while compare(rest, right) >= 0 {
        rest = Array(rest.drop { $0 == 0 })
        rest = subtract(rest, right)
        count += 1
      }
      quotient.append(count)
    }
    return (quotient, rest)
  }

  // MARK: - Arithmetic

  /// To 34 digits, halves to even; nil where too large.
  private static func rounded(
    isNegative: Bool, digits: [Int], exponent: Int, hasMore: Bool = false
  ) -> NaiveDecimal? {
    var digits = Array(digits.drop { $0 == 0 })
    var exponent = exponent
    if digits.count > 34 {
      let dropped = digits[34...]
      exponent += dropped.count
      digits = Array(digits[..<34])
      let rest = dropped.dropFirst().contains { $0 != 0 } || hasMore
      let first = dropped.first ?? 0
      if first > 5 || (first == 5 && (rest || (digits.last ?? 0) % 2 == 1)) {
        digits = add(digits, [1])
      }
    }
    let result = NaiveDecimal(isNegative: isNegative, digits: digits, exponent: exponent)
    let place = result.digits.count - 1 + result.exponent
    if result.digits.isEmpty || place < -6144 { return .zero }
    return place > 6144 ? nil : result
  }

  func compare(_ other: NaiveDecimal) -> Int {
    if isNegative != other.isNegative { return isNegative ? -1 : 1 }
    let lower = min(exponent, other.exponent)
    let order = NaiveDecimal.compare(aligned(to: lower), other.aligned(to: lower))
    return isNegative ? -order : order
  }

  func adding(_ other: NaiveDecimal) -> NaiveDecimal? {
    let lower = min(exponent, other.exponent)
    let (left, right) = (aligned(to: lower), other.aligned(to: lower))
    if isNegative == other.isNegative {
      return .rounded(
        isNegative: isNegative, digits: NaiveDecimal.add(left, right), exponent: lower)
    }
    return NaiveDecimal.compare(left, right) >= 0
      ? .rounded(
        isNegative: isNegative,
        digits: NaiveDecimal.subtract(Array(left.drop { $0 == 0 }), Array(right.drop { $0 == 0 })),
        exponent: lower)
      : .rounded(
        isNegative: other.isNegative,
        digits: NaiveDecimal.subtract(Array(right.drop { $0 == 0 }), Array(left.drop { $0 == 0 })),
        exponent: lower)
  }

  func multiplied(by other: NaiveDecimal) -> NaiveDecimal? {
    var columns = [Int](repeating: 0, count: digits.count + other.digits.count + 1)
    for (i, a) in digits.reversed().enumerated() {
      for (j, b) in other.digits.reversed().enumerated() { columns[i + j] += a * b }
    }
    for index in 0..<columns.count - 1 {
      columns[index + 1] += columns[index] / 10
      columns[index] %= 10
    }
    return .rounded(
      isNegative: isNegative != other.isNegative, digits: columns.reversed(),
      exponent: exponent + other.exponent)
  }

  func divided(by other: NaiveDecimal) -> NaiveDecimal? {
    guard !other.digits.isEmpty else { return nil }
    let zeros = 80
    let (quotient, rest) = NaiveDecimal.divide(
      digits + [Int](repeating: 0, count: zeros), by: other.digits)
    return .rounded(
      isNegative: isNegative != other.isNegative, digits: quotient,
      exponent: exponent - other.exponent - zeros, hasMore: rest.contains { $0 != 0 })
  }

  func remainder(by other: NaiveDecimal) -> NaiveDecimal? {
    guard !other.digits.isEmpty else { return nil }
    let lower = min(exponent, other.exponent)
    let (_, rest) = NaiveDecimal.divide(aligned(to: lower), by: other.aligned(to: lower))
    return NaiveDecimal(isNegative: isNegative, digits: rest, exponent: lower)
  }

  /// The digits before the point, and whether there are others, and whether those make a half.
  func rounded(up: (_ isNegative: Bool, _ isHalf: Bool) -> Bool) -> NaiveDecimal {
    guard exponent < 0, !digits.isEmpty else { return self }
    let padded = [Int](repeating: 0, count: max(0, 1 - exponent - digits.count)) + digits
    let whole = Array(padded.dropLast(-exponent))
    let isHalf = padded[whole.count] >= 5
    return NaiveDecimal(
      isNegative: isNegative, digits: up(isNegative, isHalf) ? NaiveDecimal.add(whole, [1]) : whole,
      exponent: 0)
  }
}
