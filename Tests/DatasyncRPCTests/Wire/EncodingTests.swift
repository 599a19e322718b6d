import NIOCore
import Testing

@testable import DatasyncRPC

struct EncodingTests {
  @Test func `base64 goes out without padding and comes back with or without`() {
    let cases: [([UInt8], String)] = [
      ([], ""), ([0x66], "Zg"), ([0x66, 0x6F], "Zm8"), ([0x66, 0x6F, 0x6F], "Zm9v"),
      ([0x66, 0x6F, 0x6F, 0x62], "Zm9vYg"), ([0xAB, 0xAB, 0xAB], "q6ur"), ([0xFB, 0xFF], "+/8"),
    ]
    for (bytes, text) in cases {
      #expect(Base64.encode(bytes) == Array(text.utf8))
      #expect(Base64.decode(Array(text.utf8)) == bytes)
      let padded = text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
      #expect(Base64.decode(Array(padded.utf8)) == bytes)
    }
  }

  @Test(arguments: ["A", "AAAAA", "A=", "AA=A", "AAA==", "====", "A-_A", "AA A"])
  func `what is no base64 is refused`(text: String) {
    #expect(Base64.decode(Array(text.utf8)) == nil)
  }

  @Test func `messages are percent-encoded and decoded`() {
    let cases = [
      ("plain", "plain"), ("100%", "100%25"), ("a\nb\r", "a%0Ab%0D"), ("☺", "%E2%98%BA"),
      ("😈", "%F0%9F%98%88"), ("~ \u{7F}", "~ %7F"), ("", ""),
      ("a b", "a b"), (" a ", "%20a%20"), (" ", "%20"), ("  ", "%20%20"), ("a: ", "a:%20"),
    ]
    for (plain, encoded) in cases {
      #expect(String(decoding: PercentEncoding.encode(plain), as: UTF8.self) == encoded)
      #expect(PercentEncoding.decode(encoded) == plain)
    }
    #expect(PercentEncoding.decode("%zz %4") == "%zz %4")
  }

  @Test func `a long message is cut between characters`() {
    let text = PercentEncoding.encode(String(repeating: "☺", count: 1000))
    #expect(text.count == 1017)
    #expect(PercentEncoding.decode(String(decoding: text, as: UTF8.self)).count == 113)
  }

  @Test func `timeouts are read in every unit and refused when malformed`() {
    func parse(_ text: String) -> TimeAmount? {
      Array(text.utf8).withUnsafeBytes { Timeout.parse($0) }
    }
    #expect(parse("1H") == .hours(1))
    #expect(parse("2M") == .minutes(2))
    #expect(parse("3S") == .seconds(3))
    #expect(parse("4m") == .milliseconds(4))
    #expect(parse("5u") == .microseconds(5))
    #expect(parse("99999999n") == .nanoseconds(99_999_999))
    #expect(parse("0n") == .nanoseconds(0))
    for text in ["", "1", "S", "123456789S", "1s", "-1S", "1.5S", " 1S", "1 S"] {
      #expect(parse(text) == nil, "\(text)")
    }
    // More hours than the clock has.
    #expect((parse("99999999H")?.nanoseconds ?? 0) > TimeAmount.hours(800_000).nanoseconds)
  }

  @Test func `a timeout that is written is not shorter than what was asked`() {
    for nanoseconds in [0, 1, 99_999_999, 100_000_000, 123_456_789_012, 86_400_000_000_000] {
      let text = Timeout.format(.nanoseconds(Int64(nanoseconds)))
      let back = Array(text.utf8).withUnsafeBytes { Timeout.parse($0)?.nanoseconds ?? -1 }
      #expect(back >= nanoseconds)
      #expect(Double(back) <= Double(nanoseconds) * 1.001 + 1)
    }
  }
}
