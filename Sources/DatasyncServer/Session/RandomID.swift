/// Ids that nobody guesses: 128 random bits in hexadecimal.
enum RandomID {
  static func make() -> String {
    var generator = SystemRandomNumberGenerator()
    let bits = UInt128(generator.next()) << 64 | UInt128(generator.next())
    let text = String(bits, radix: 16)
    return String(repeating: "0", count: 32 - text.count) + text
  }
}
