import DatasyncModel
import Testing

@testable import DatasyncServer

@Suite struct TokenTests {
  private let coder = TokenCoder(key: [UInt8](repeating: 7, count: 32))
  private let otherCoder = TokenCoder(key: [UInt8](repeating: 8, count: 32))

  @Test func `a resume token says its history and sequence`() throws {
    let token = ResumeToken(historyID: "h1", sequence: Sequence(42))
    #expect(try ResumeToken(parsing: token.text(coder: coder), coder: coder) == token)
    let first = ResumeToken(historyID: "h1", sequence: .zero)
    #expect(try ResumeToken(parsing: first.text(coder: coder), coder: coder) == first)
  }

  @Test func `any changed character of a token is noticed`() {
    let text = ResumeToken(historyID: "0123456789abcdef", sequence: Sequence(7))
      .text(coder: coder)
    for index in text.indices {
      for replacement in "Ab0_" where text[index] != replacement {
        var changed = text
        changed.replaceSubrange(index...index, with: [replacement])
        #expect(throws: DatasyncError.self) { try ResumeToken(parsing: changed, coder: coder) }
      }
    }
  }

  @Test(arguments: ["", "x", "not a token", "====", "äöü", String(repeating: "A", count: 4000)])
  func `nonsense is no token`(_ text: String) {
    let error = #expect(throws: DatasyncError.self) { try ResumeToken(parsing: text, coder: coder) }
    #expect(error?.reason == "BAD_RESUME_TOKEN")
    #expect(error?.code == .invalidArgument)
  }

  @Test func `a page token carries every type of value`() throws {
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
    let text = PageToken(queryFingerprint: 5, rowsBefore: 0, after: [.int64(1)]).text(coder: coder)
    for (fingerprint, coder) in [(UInt64(6), coder), (5, otherCoder)] {
      let error = #expect(throws: DatasyncError.self) {
        try PageToken.parse(text, queryFingerprint: fingerprint, coder: coder)
      }
      #expect(error?.reason == "BAD_PAGE_TOKEN")
    }
  }

  @Test func `a whole token that another database signed is of another history`() {
    let text = ResumeToken(historyID: "h1", sequence: Sequence(7)).text(coder: otherCoder)
    let error = #expect(throws: DatasyncError.self) {
      try ResumeToken(parsing: text, coder: coder)
    }
    #expect(error?.reason == "HISTORY_REPLACED")
  }

  @Test func `a token of a server that did not sign is of another history`() {
    // Made by one for the history h1 at 42.
    var writer = WireWriter()
    writer.append(field: 1, string: "h1")
    writer.append(field: 2, varint: 42)
    let sum = Fingerprint.hash64(
      writer.bytes, after: Fingerprint.hash64("datasync resume token 1".utf8))
    let text = Base64.urlText(of: writer.bytes + withUnsafeBytes(of: sum.bigEndian) { Array($0) })
    let error = #expect(throws: DatasyncError.self) {
      try ResumeToken(parsing: text, coder: coder)
    }
    #expect(error?.reason == "HISTORY_REPLACED")
  }

  @Test func `a token of one kind is none of the other`() {
    let page = PageToken(queryFingerprint: 5, rowsBefore: 0, after: []).text(coder: coder)
    let resume = ResumeToken(historyID: "h1", sequence: Sequence(7)).text(coder: coder)
    #expect(throws: DatasyncError.self) { try ResumeToken(parsing: page, coder: coder) }
    #expect(throws: DatasyncError.self) {
      try PageToken.parse(resume, queryFingerprint: 5, coder: coder)
    }
  }

  @Test func `a page token whose checksum is right for the history's id is refused`() throws {
    // As a client could make one that knew the id from open: the sum is keyed by it alone.
    var writer = WireWriter()
    writer.append(field: 1, varint: 5)
    writer.append(field: 2, varint: .max)
    let sum = Fingerprint.hash64(writer.bytes, after: Fingerprint.hash64("h1".utf8))
    let text = Base64.urlText(of: writer.bytes + withUnsafeBytes(of: sum.bigEndian) { Array($0) })
    #expect(throws: DatasyncError.self) {
      try PageToken.parse(text, queryFingerprint: 5, coder: coder)
    }
  }

  @Test(arguments: [UInt64.max, UInt64(Int64.max) + 1])
  func `no page comes after more rows than a table can have`(_ rows: UInt64) {
    let text = PageToken(queryFingerprint: 5, rowsBefore: rows, after: []).text(coder: coder)
    let error = #expect(throws: DatasyncError.self) {
      try PageToken.parse(text, queryFingerprint: 5, coder: coder)
    }
    #expect(error?.reason == "BAD_PAGE_TOKEN")
  }

  @Test(arguments: [
    [0x08, 5, 0x08, 5, 0x10, 0], [0x10, 0, 0x08, 5], [0x08, 0x85, 0, 0x10, 0], [0x08, 5, 0x10],
    [0x08, 5, 0x10, 0, 0x20, 1], [0x08, 5], [],
  ])
  func `a token's content has one form`(_ content: [UInt8]) {
    #expect(PageToken(content: content) == nil)
  }

  @Test func `no row is behind a value that no column holds`() {
    let order: [UInt8] = [0x1A, 9, 0x19, 0, 0, 0, 0, 0, 0, 0xF0]
    #expect(PageToken(content: [8, 5, 0x10, 0] + order + [0x7F]) != nil)  // Infinity.
    #expect(PageToken(content: [8, 5, 0x10, 0] + order + [0xFF]) != nil)
    #expect(PageToken(content: [8, 5, 0x10, 0] + order.dropLast() + [0xF8, 0x7F]) == nil)  // NaN.
  }

  @Test func `base64url keeps all bytes of all lengths`() {
    for length in 0..<70 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
      #expect(Base64.bytes(ofURLText: Base64.urlText(of: bytes)) == bytes)
    }
  }
}
