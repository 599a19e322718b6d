import DatasyncModel
import Testing

@testable import DatasyncServer

@Suite struct TokenTests {
  @Test func `a resume token says its history and sequence`() throws {
    let token = ResumeToken(historyID: "h1", sequence: Sequence(42))
    #expect(try ResumeToken(parsing: token.text) == token)
    let first = ResumeToken(historyID: "h1", sequence: .zero)
    #expect(try ResumeToken(parsing: first.text) == first)
  }

  @Test func `any changed character of a token is noticed`() {
    let text = ResumeToken(historyID: "0123456789abcdef", sequence: Sequence(7)).text
    for index in text.indices {
      for replacement in "Ab0_" where text[index] != replacement {
        var changed = text
        changed.replaceSubrange(index...index, with: [replacement])
        #expect(throws: DatasyncError.self) { try ResumeToken(parsing: changed) }
      }
    }
  }

  @Test(arguments: ["", "x", "not a token", "====", "äöü", String(repeating: "A", count: 4000)])
  func `nonsense is no token`(_ text: String) {
    let error = #expect(throws: DatasyncError.self) { try ResumeToken(parsing: text) }
    #expect(error?.reason == "BAD_RESUME_TOKEN")
    #expect(error?.code == .invalidArgument)
  }

  @Test func `a page token carries every type of value`() throws {
    let coder = TokenCoder(key: "k")
    let token = PageToken(
      queryFingerprint: 5, rowsBefore: 25,
      after: [
        .null, .bool(true), .int64(-3), .double(2.5), .string("é"), .bytes([0, 255]),
        .timestamp(-1),
      ])
    let parsed = try PageToken.parse(
      token.text(coder: coder), queryFingerprint: 5, coder: coder)
    #expect(parsed == token)
  }

  @Test func `a page token of another query or database is refused`() throws {
    let coder = TokenCoder(key: "k")
    let text = PageToken(queryFingerprint: 5, rowsBefore: 0, after: [.int64(1)]).text(coder: coder)
    for (fingerprint, key) in [(UInt64(6), "k"), (5, "other")] {
      let error = #expect(throws: DatasyncError.self) {
        try PageToken.parse(text, queryFingerprint: fingerprint, coder: TokenCoder(key: key))
      }
      #expect(error?.reason == "BAD_PAGE_TOKEN")
    }
  }

  @Test func `base64url keeps all bytes of all lengths`() {
    for length in 0..<70 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
      #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
    }
  }
}
