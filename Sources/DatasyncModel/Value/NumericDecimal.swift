/// Decimals in columns of SQLite's numeric affinity, which stores them as integers or doubles.
package enum NumericDecimal {
  /// What SQLite makes of a decimal. A value.
  package enum Stored: Hashable {
    case integer(Int64)
    case real(Double)
  }

  /// As messages tell of a decimal for which ``stored(_:)`` finds nothing.
  package static func inexact(_ text: String) -> String {
    "SQLite cannot store \(text.shortened) exactly here; declare the column DECIMAL TEXT to keep "
      + "decimals as written"
  }

  /// What SQLite stores for a canonical decimal, and how that reads.
  ///
  /// - Returns: nil where nothing that SQLite can store reads as the same number.
  package static func stored(_ text: String) -> (stored: Stored, text: String)? {
    let plain = normalized(text)
    if let integer = Int64(plain) { return (.integer(integer), plain) }
    guard let real = Double(plain), real.isFinite, self.text(of: real) == plain else { return nil }
    return (.real(real), plain)
  }

  /// The shortest decimal that reads as this double, without an exponent.
  ///
  /// - Returns: nil where it is not finite or takes more than 34 significant digits.
  package static func text(of real: Double) -> String? {
    guard real.isFinite else { return nil }
    if real == 0 { return "0" }
    // Swift prints the fewest digits that read back as the same double.
    var digits: [UInt8] = []
    var exponent = 0
    var isFraction = false
    let printed = Array(real.magnitude.description.utf8)
    let mantissa = printed.prefix { $0 != UInt8(ascii: "e") }
    if mantissa.count < printed.count {
      let text = String(decoding: printed[(mantissa.count + 1)...], as: UTF8.self)
      exponent = Int(text) ?? 0
    }
    for byte in mantissa {
      if byte == UInt8(ascii: ".") {
        isFraction = true
      } else {
        digits.append(byte)
        if isFraction { exponent -= 1 }
      }
    }
    while digits.count > 1, digits.last == 0x30 {
      digits.removeLast()
      exponent += 1
    }
    let first = digits.firstIndex { $0 != 0x30 } ?? 0
    digits.removeFirst(first)
    return plain(digits, exponent: exponent, isNegative: real < 0)
  }

  private static func plain(_ digits: [UInt8], exponent: Int, isNegative: Bool) -> String? {
    guard digits.count + max(exponent, 0) <= 34, exponent > -400 else { return nil }
    var text = isNegative ? "-" : ""
    if exponent >= 0 {
      text += String(decoding: digits, as: UTF8.self) + String(repeating: "0", count: exponent)
    } else if digits.count > -exponent {
      let split = digits.count + exponent
      text += String(decoding: digits[..<split], as: UTF8.self) + "."
      text += String(decoding: digits[split...], as: UTF8.self)
    } else {
      text += "0." + String(repeating: "0", count: -exponent - digits.count)
      text += String(decoding: digits, as: UTF8.self)
    }
    return text
  }

  /// Without zeros at the end of the fraction.
  private static func normalized(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: ".")) else { return text }
    var text = text
    while text.utf8.last == UInt8(ascii: "0") { text.removeLast() }
    if text.utf8.last == UInt8(ascii: ".") { text.removeLast() }
    return text == "-0" ? "0" : text
  }
}
