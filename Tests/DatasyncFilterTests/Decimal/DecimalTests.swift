import DatasyncFilter
import Testing

@Suite struct DecimalTests {
  private func number(_ text: String) -> Decimal {
    guard let number = Decimal(text) else {
      Issue.record("\(text) is no decimal")
      return .zero
    }
    return number
  }

  @Test(arguments: [
    ("0", "0"), ("-0", "0"), ("0.00", "0"), ("1.50", "1.5"), ("007", "7"), ("100", "100"),
    ("1e3", "1000"), ("1.5e-3", "0.0015"), ("-12.5E+1", "-125"), ("0.1", "0.1"),
    ("9999999999999999999999999999999999", "9999999999999999999999999999999999"),
    ("0000000000000000000000000000000000000001.10", "1.1"),
    ("1000000000000000000000000000000000000000", "1000000000000000000000000000000000000000"),
    ("1e-7000", "0"),
  ])
  func `text is read and written`(_ text: String, _ canonical: String) {
    #expect(number(text).text == canonical)
  }

  @Test(arguments: [
    "", "-", ".", "1.", ".5", "+1", "1e", "1e+", "e5", "1.5.2", "12a", " 1", "1e999999",
    "99999999999999999999999999999999999", "1e7000", "\u{661}", "0x1", "nan", "1e5x",
  ])
  func `other text is not`(_ text: String) {
    #expect(Decimal(text) == nil)
  }

  @Test(arguments: [
    ("1", "3", "0.3333333333333333333333333333333333"),
    ("2", "3", "0.6666666666666666666666666666666667"),
    ("1", "8", "0.125"), ("-7", "2", "-3.5"), ("0", "5", "0"),
    ("9999999999999999999999999999999999", "0.1", "99999999999999999999999999999999990"),
  ])
  func `quotients have 34 digits`(_ a: String, _ b: String, _ quotient: String) {
    #expect(number(a).divided(by: number(b)) == number(quotient))
  }

  @Test func `halves go to the even digit`() {
    let odd = number("1000000000000000000000000000000001")
    let even = number("1000000000000000000000000000000002")
    #expect(odd.adding(number("0.5")) == even)
    #expect(even.adding(number("0.5")) == even)
    #expect(even.adding(number("0.50001"))?.text == "1000000000000000000000000000000003")
    #expect(odd.adding(number("1e-4000")) == odd)
    #expect(odd.subtracting(number("1e-4000")) == odd)
  }

  @Test func `what is too large is nil and what is too small is zero`() {
    let large = number("1e6144")
    #expect(large.multiplied(by: number("10")) == nil)
    #expect(large.adding(large)?.text.count == 6145)
    #expect(number("1e-6144").divided(by: number("10")) == .zero)
    #expect(large.divided(by: .zero) == nil)
    #expect(large.remainder(dividingBy: .zero) == nil)
    #expect(large.remainder(dividingBy: number("7"))?.int64 != nil)
  }

  @Test func `doubles become their shortest decimals and back`() {
    for value in [
      0.1, -2.5, 1e20, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 9.007199254740993e15, 0,
    ] {
      #expect(Decimal(shortest: value)?.double == value)
    }
    #expect(Decimal(shortest: 0.1)?.text == "0.1")
    #expect(Decimal(shortest: 1e21)?.text == "1000000000000000000000")
    #expect(Decimal(shortest: .nan) == nil)
    #expect(Decimal(shortest: .infinity) == nil)
    #expect(number("9223372036854775807").int64 == .max)
    #expect(number("-9223372036854775808").int64 == .min)
    #expect(number("9223372036854775808").int64 == nil)
    #expect(number("0.5").int64 == nil)
  }

  /// Against the digit by digit arithmetic of the tests.
  @Test func `arithmetic agrees with the naive one`() throws {
    let seed = AgreementTests.seed()
    print("decimal: DATASYNC_SEED=\(seed)")
    var random = RandomSource(seed: seed)
    for _ in 0..<3_000 {
      let texts = (DecimalTests.text(&random), DecimalTests.text(&random))
      let (a, b) = (number(texts.0), number(texts.1))
      let x = try #require(NaiveDecimal(texts.0))
      let y = try #require(NaiveDecimal(texts.1))
      #expect(a.text == x.text, "seed \(seed): \(texts)")
      #expect(a.adding(b)?.text == x.adding(y)?.text, "seed \(seed): \(texts)")
      #expect(a.subtracting(b)?.text == x.adding(y.negated)?.text, "seed \(seed): \(texts)")
      #expect(a.multiplied(by: b)?.text == x.multiplied(by: y)?.text, "seed \(seed): \(texts)")
      #expect(a.divided(by: b)?.text == x.divided(by: y)?.text, "seed \(seed): \(texts)")
      #expect(
        a.remainder(dividingBy: b)?.text == x.remainder(by: y)?.text, "seed \(seed): \(texts)")
      #expect(a.compare(b) == x.compare(y), "seed \(seed): \(texts)")
      let keys = a.sortKey.lexicographicallyPrecedes(b.sortKey)
      #expect(keys == (x.compare(y) < 0), "seed \(seed): \(texts)")
      #expect((a.sortKey == b.sortKey) == (x.compare(y) == 0), "seed \(seed): \(texts)")
    }
  }

  private static func text(_ random: inout RandomSource) -> String {
    var digits = (0..<(1 + random.below(34))).map { _ in
      String(random.chance(3) ? 9 * random.below(2) : random.below(10))
    }.joined()
    if random.chance(8) { digits = "1" + String(repeating: "0", count: random.below(33)) }
    let exponent = random.chance(4) ? random.below(120) - 60 : -random.below(20)
    return "\(random.chance(2) ? "-" : "")\(digits)e\(exponent)"
  }
}
