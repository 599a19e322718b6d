import DatasyncServer

/// What clients keep and bring again: page tokens and resume tokens. Namespace.
enum TokenTarget {
  private static let coder = TokenCoder(key: Array("the fuzzer does not know it".utf8))
  private static let fingerprint: UInt64 = 7

  /// The bytes as a token's text, then as the content of one that we have signed.
  static func run(_ bytes: [UInt8]) throws {
    let text = String(decoding: bytes, as: UTF8.self)
    try require(
      (try? PageToken.parse(text, queryFingerprint: fingerprint, coder: coder)) == nil,
      "nobody signed the page token \(text)")
    try require(
      (try? ResumeToken(parsing: text, coder: coder)) == nil, "nobody signed the token \(text)")
    if let token = PageToken(content: bytes) {
      let again = try PageToken.parse(
        token.text(coder: coder), queryFingerprint: token.queryFingerprint, coder: coder)
      try require(again == token, "\(token) is read again as \(again)")
    }
    if let token = ResumeToken(content: bytes) {
      let again = try ResumeToken(parsing: token.text(coder: coder), coder: coder)
      try require(again == token, "\(token) is read again as \(again)")
    }
  }
}
