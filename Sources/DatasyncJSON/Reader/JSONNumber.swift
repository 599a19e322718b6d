/// A number as text. Confined to the lifetime of its bytes.
struct JSONNumber {
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// Where a number ends that begins there; nil: none does. Source: RFC 8259, section 6.
  static func end(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var index = start
    func digits() -> Bool {
      let first = index
      while index < bytes.count, TextScan.isDigit(bytes[index]) { index += 1 }
      return index > first
    }
    func take(_ byte: UInt8) -> Bool {
      guard index < bytes.count, bytes[index] == byte else { return false }
      index += 1
      return true
    }
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { guard digits() else { return nil } }
    if take(UInt8(ascii: ".")) { guard digits() else { return nil } }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard digits() else { return nil }
    }
    return index
  }

  private var isNumber: Bool { JSONNumber.end(bytes, from: 0) == bytes.count }

  /// What integer it is.
  enum Integer {
    case exact(isNegative: Bool, magnitude: UInt64)
    case tooLarge
    /// A number with a fraction.
    case fractional
    case none
  }

  /// Exact, without rounding: `1.0`, `1e3` and `100e-2` are integers.
  var integer: Integer {
    guard isNumber else { return .none }
    let isNegative = bytes[0] == UInt8(ascii: "-")
    let start = isNegative ? 1 : 0
    var mantissaEnd = start
    var decimals = 0
    var hasPoint = false
    while mantissaEnd < bytes.count, bytes[mantissaEnd] | 0x20 != UInt8(ascii: "e") {
      if hasPoint { decimals += 1 }
      if bytes[mantissaEnd] == UInt8(ascii: ".") { hasPoint = true }
      mantissaEnd += 1
    }
    let digits = mantissaEnd - start - (hasPoint ? 1 : 0)
    // How many of the digits stand before the point once the exponent has moved it.
    let whole = digits - decimals + exponent(after: mantissaEnd)
    var magnitude: UInt64 = 0
    var position = 0
    for index in start..<mantissaEnd where bytes[index] != UInt8(ascii: ".") {
      let digit = UInt64(bytes[index] - 0x30)
      defer { position += 1 }
      guard position < whole else {
        guard digit == 0 else { return .fractional }
        continue
      }
      let (tens, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(digit)
      if overflow || carry {
        return isWhole(from: index, position, whole) ? .tooLarge : .fractional
      }
      magnitude = sum
    }
    // Zeros that the exponent adds; of more than twenty none changes anything.
    if magnitude != 0, whole > digits {
      for _ in 0..<min(whole - digits, 21) {
        let (tens, overflow) = magnitude.multipliedReportingOverflow(by: 10)
        if overflow { return .tooLarge }
        magnitude = tens
      }
    }
    return .exact(isNegative: isNegative, magnitude: magnitude)
  }

  /// Whether the digits from there on have no fraction.
  private func isWhole(from start: Int, _ position: Int, _ whole: Int) -> Bool {
    var position = position
    for index in start..<bytes.count {
      if bytes[index] | 0x20 == UInt8(ascii: "e") { break }
      if bytes[index] == UInt8(ascii: ".") { continue }
      if position >= whole, bytes[index] != 0x30 { return false }
      position += 1
    }
    return true
  }

  /// Held within ±2^40, more than a text has digits.
  private func exponent(after index: Int) -> Int {
    guard index < bytes.count else { return 0 }
    var index = index + 1
    let isNegative = bytes[index] == UInt8(ascii: "-")
    if isNegative || bytes[index] == UInt8(ascii: "+") { index += 1 }
    var value = 0
    while index < bytes.count {
      value = min(value * 10 + Int(bytes[index] - 0x30), 1 << 40)
      index += 1
    }
    return isNegative ? -value : value
  }

  /// Nil: it is none.
  var unsigned: UInt64? {
    guard case .exact(let isNegative, let magnitude) = integer, !isNegative || magnitude == 0 else {
      return nil
    }
    return magnitude
  }

  /// Nil: no number. Infinite where it is too large.
  var double: Double? {
    guard isNumber else { return nil }
    return Double(String(decoding: bytes, as: UTF8.self))
  }

  /// Rounded once, from the text.
  var float: Float? {
    guard isNumber else { return nil }
    return Float(String(decoding: bytes, as: UTF8.self))
  }
}
