#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Double {
  /// As SQLite turns a real number into text: at most 15 digits, always with a point, `1.0e+20`.
  ///
  /// Source: sqlite.org/printf.html, `%!.15g`.
  var sqlText: String {
    // Minus zero has no sign there.
    let number = self == 0 ? 0 : self
    var buffer = [CChar](repeating: 0, count: 40)
    let count = withVaList([number]) { vsnprintf(&buffer, buffer.count, "%.15g", $0) }
    let digits = buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }
    let mantissa = digits.prefix { $0 != UInt8(ascii: "e") }
    guard isFinite, !mantissa.contains(UInt8(ascii: ".")) else {
      return String(decoding: digits, as: UTF8.self)
    }
    let exponent = digits[mantissa.count...]
    return String(decoding: mantissa + ".0".utf8 + exponent, as: UTF8.self)
  }
}
